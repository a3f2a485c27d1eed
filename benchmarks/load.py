"""`load`: importing the definitions against importing Dagster and dagster-pyspark alone."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from benchmarks.project import Project, Setup
from benchmarks.report import Report, figures, ratio
from benchmarks.rounds import alternate

if TYPE_CHECKING:
    from benchmarks.measure import Measured

_RATIO = 1.3
_ROUNDS = 10
_OURS, _BARE = "import userprofile_assets.definitions", "import dagster, dagster_pyspark"


def measure(setup: Setup) -> Report:
    """Measure both imports, each in a new process."""
    project = Project(setup.root / "project")

    def load(statement: str, _round: int) -> Measured:
        return project.python("-c", statement)

    series = alternate(
        {f"`{statement}`": partial(load, statement) for statement in (_OURS, _BARE)},
        rounds=setup.rounds(usual=_ROUNDS),
    )
    ours, bare = series.values()
    report = Report("Loading the definitions")
    report.add(figures(series), ratio("Definitions against bare imports", ours, bare, goal=_RATIO))
    return report
