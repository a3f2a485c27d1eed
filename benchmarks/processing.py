"""`processing`: the log table by our SQL against the tutorial's own, on the same Spark."""

from __future__ import annotations

import json
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.processing_sides import COMBINED, DELIMITED
from benchmarks.project import Project, Setup
from benchmarks.report import Report, table, verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

_LINES = 10_000_000
_QUICK_LINES = 400_000
_RATIO = 0.85
_NAMES = {
    "floor": "read, split, write (no rules at all)",
    "tutorial": "the tutorial's SQL, `##@@`",
    "steps": "split and check the lines, written nowhere, `##@@`",
    DELIMITED: "ours, `##@@`",
    COMBINED: "ours, combined",
}


def measure(setup: Setup) -> Report:
    """Measure all sides in turn on one session with 2 GB."""
    lines = setup.rows or (_QUICK_LINES if setup.quick else _LINES)
    project = Project(setup.root / "project")
    done = project.python("-m", "benchmarks.processing_sides", str(lines), str(setup.rounds(2)))
    took: dict[str, list[dict[str, float]]] = json.loads(done.stdout)
    whole = {name: [sum(parts.values()) for parts in runs] for name, runs in took.items()}
    report = Report(f"The log table of {lines:,} lines, local[2], 2 GB")
    rows = [
        (
            _NAMES[name],
            f"{median(seconds):.1f}",
            f"{min(seconds):.1f} - {max(seconds):.1f}",
            f"{median(seconds) / median(whole['tutorial']):.2f}",
            _parts(took[name]),
        )
        for name, seconds in whole.items()
    ]
    header = ("", "seconds", "min - max", "times the tutorial's", "of it")
    ratios = [median(whole[name]) / median(whole["tutorial"]) for name in (DELIMITED, COMBINED)]
    verdicts = ", ".join(verdict(ratio, _RATIO) for ratio in ratios)
    report.add(table(header, rows), f"`##@@` and combined: {verdicts}.")
    return report


def _parts(runs: Sequence[dict[str, float]]) -> str:
    return ", ".join(f"{name} {median(run[name] for run in runs):.1f}" for name in runs[0])
