"""`demo`: a second `userprofile demo`, when everything of its 8 days is good already."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from benchmarks.measure import MeasurementError
from benchmarks.project import FIRST_DAY, Project, Setup
from benchmarks.report import Report, figures, verdict
from benchmarks.rounds import alternate

if TYPE_CHECKING:
    from benchmarks.measure import Measured

_SECONDS = 20.0
_DAYS = 8
LAST_DAY = FIRST_DAY + timedelta(days=_DAYS - 1)
_NOTHING = "nothing to do"


def measure(setup: Setup) -> Report:
    """Measure the demo; the warm-up is the one that makes the days."""
    project = Project(setup.root / "project")
    setup.link_archive(project)

    def demo(number: int) -> Measured:
        measured = project.python(
            *("-m", "userprofile_assets.cli.main", "demo", "--no-serve"),
            *("--dt", LAST_DAY.isoformat(), "--days", str(_DAYS)),
        )
        if (_NOTHING in measured.stdout) != (number > 0):
            raise MeasurementError(f"demo {number} did not say what it should:\n{measured.stdout}")
        return measured

    series = alternate({"second demo": demo}, rounds=setup.rounds())
    side = series["second demo"]
    report = Report("A second demo")
    report.add(figures(series), f"Seconds: {verdict(side.median_seconds, _SECONDS, ' s')}.")
    if side.warm_up:
        report.add(
            "The first demo in a new home, sources included, with the class archive there: "
            f"{side.warm_up.seconds:.1f} s (one sample)."
        )
    return report
