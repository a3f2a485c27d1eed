"""`profiles`: from the log table to one profile for each user, with and without a skewed user."""

from __future__ import annotations

import json
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.project import Project, Setup
from benchmarks.report import Report, table, verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

_LINES, _USERS = 10_000_000, 1_000_000
_QUICK_LINES, _QUICK_USERS = 200_000, 20_000
_RATIO = 1.3
_NAMES = ("each user has equally many lines", "half of all lines are one user's")


def measure(setup: Setup) -> Report:
    """Measure both days in turn on one session with 2 GB."""
    lines = setup.rows or (_QUICK_LINES if setup.quick else _LINES)
    users = min(lines, _QUICK_USERS if setup.quick else _USERS)
    project = Project(setup.root / "project")
    done = project.python(
        "-m", "benchmarks.profiles_sides", str(lines), str(users), str(setup.rounds(2))
    )
    took: dict[str, list[dict[str, float]]] = json.loads(done.stdout)
    whole = [[sum(parts.values()) for parts in runs] for runs in took.values()]
    report = Report(f"Profiles of {users:,} users from {lines:,} lines, local[2], 2 GB")
    rows = [
        (name, f"{median(seconds):.1f}", f"{min(seconds):.1f} - {max(seconds):.1f}", _parts(runs))
        for name, seconds, runs in zip(_NAMES, whole, took.values(), strict=True)
    ]
    ratio = median(whole[1]) / median(whole[0])
    report.add(table(("", "seconds", "min - max", "of it"), rows), verdict(ratio, _RATIO) + ".")
    return report


def _parts(runs: Sequence[dict[str, float]]) -> str:
    return ", ".join(
        f"{name.split('_')[0].upper()} {median(run[name] for run in runs):.1f}" for name in runs[0]
    )
