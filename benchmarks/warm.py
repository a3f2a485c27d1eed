"""`warm`: days that are launched in the Dagster UI, on the warm Spark of `userprofile up`."""

from __future__ import annotations

import json
import time
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.graphql import DagsterUI
from benchmarks.measure import MeasurementError
from benchmarks.project import LINES, Project, Setup, day_of
from benchmarks.report import Report, table, verdict
from benchmarks.rounds import tell
from benchmarks.running_up import running_up

if TYPE_CHECKING:
    from collections.abc import Sequence

_RUN_SECONDS = 6.0
_OVERHEAD_SECONDS = 4.0
_BACKFILL_SECONDS = 100.0


def measure(setup: Setup) -> Report:
    """Measure single days one after the other, then a backfill of a month, a run for each day."""
    rounds, days = setup.rounds(5), 4 if setup.quick else 31
    project = Project(setup.root / "project")
    setup.link_archive(project)
    project.make_sources(map(day_of, range(days + rounds + 1)))
    singles: list[tuple[float, float, str]] = []
    with running_up(project) as up:
        ui = DagsterUI(up.port)
        for number in range(rounds + 1):
            tell(f"round {number}" if number else "warm-up, which makes the tables")
            asked = time.time()
            run = ui.run_day(day_of(days + number).isoformat())
            if number:
                begin, end = run["startTime"], run["endTime"]
                singles.append((end - begin, end - asked, run["runId"]))
        tell(f"backfill of {days} days")
        asked = time.time()
        runs = ui.backfill([day_of(number).isoformat() for number in range(days)], seconds=600)
        backfill_seconds = max(run["endTime"] for run in runs) - asked
    failed = sum(run["status"] != "SUCCESS" for run in runs)
    if failed:
        raise MeasurementError(f"{failed} of {days} runs of the backfill failed")
    statements = _statements(project, [run_id for *_, run_id in singles])
    report = Report(f"Days launched in the UI, {LINES:,} log lines each, warm Spark")
    report.add(_table(singles, statements), _backfill(days, backfill_seconds, singles))
    return report


def _statements(project: Project, run_ids: Sequence[str]) -> dict[str, float]:
    measured = project.python("-m", "benchmarks.statements", *run_ids)
    found: dict[str, float] = json.loads(measured.stdout)
    return found


def _table(singles: list[tuple[float, float, str]], statements: dict[str, float]) -> str:
    run = [seconds for seconds, _, _ in singles]
    whole = [seconds for _, seconds, _ in singles]
    spark = [statements[run_id] for *_, run_id in singles]
    rest = [a - b for a, b in zip(run, spark, strict=True)]
    rows = [
        ("run start to run success", *_figures(run), verdict(median(run), _RUN_SECONDS)),
        ("of it in Spark's statements", *_figures(spark), ""),
        ("of it elsewhere", *_figures(rest), verdict(median(rest), _OVERHEAD_SECONDS)),
        ("launch to run success, with queue and start of the process", *_figures(whole), ""),
    ]
    return table(("", "seconds", "min - max", ""), rows)


def _figures(seconds: Sequence[float]) -> tuple[str, str]:
    return f"{median(seconds):.2f}", f"{min(seconds):.2f} - {max(seconds):.2f}"


def _backfill(days: int, seconds: float, singles: Sequence[object]) -> str:
    return (
        f"Backfill of {days} days, a run for each, two at a time, none failed: **{seconds:.0f} s** "
        f"from its launch to the end of the last; {verdict(seconds, _BACKFILL_SECONDS, ' s')}. "
        f"{len(singles)} single days were run before."
    )
