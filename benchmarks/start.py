"""`start`: local Spark to its first answer, with and without the class archive."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from benchmarks.project import Project, Setup
from benchmarks.report import Report, figures, ratio
from benchmarks.rounds import alternate

if TYPE_CHECKING:
    from benchmarks.measure import Measured


def measure(setup: Setup) -> Report:
    """Measure both, each in a home whose metastore the warm-up makes."""
    without, archived = Project(setup.root / "without"), Project(setup.root / "archived")
    setup.link_archive(archived)

    def start(project: Project) -> Measured:
        return project.python("-m", "benchmarks.first_answer")

    series = alternate(
        {
            "with archive": lambda _: start(archived),
            "without archive": lambda _: start(without),
        },
        rounds=setup.rounds(),
    )
    report = Report("Start of local Spark")
    report.add(
        "Whole process: open the session, `SHOW TABLES` on an existing metastore, end.",
        figures(series),
        ratio("With against without archive", *series.values()),
    )
    for name, side in series.items():
        answered = [float(run.stdout) for run in side.runs]
        report.add(
            f"From opening the session to the answer, {name}: {median(answered):.2f} s "
            f"({min(answered):.2f} - {max(answered):.2f})."
        )
    return report
