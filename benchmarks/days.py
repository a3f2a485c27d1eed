"""`range`: 31 days in one run against one day; with --single also as 31 runs, two at a time."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from benchmarks.measure import MeasurementError
from benchmarks.project import Project, Setup, day_of
from benchmarks.report import Report, figures, ratio
from benchmarks.rounds import alternate, tell

if TYPE_CHECKING:
    from datetime import date

    from benchmarks.measure import Measured

_RATIO = 3.0
_AT_A_TIME = 2


def measure(setup: Setup) -> Report:
    """Measure windows of days and single days, each in a home of its own."""
    days, rounds = 5 if setup.quick else 31, setup.rounds()
    many = Project(setup.root / "many", {"BACKFILL_DAYS_PER_RUN": "all"})
    one = Project(setup.root / "one")
    many.make_sources(map(day_of, range(days * (rounds + 1))))
    one.make_sources(map(day_of, range(rounds + 1)))
    setup.link_archive(many)
    setup.link_archive(one)

    def window(number: int) -> Measured:
        first, last = day_of(number * days), day_of(number * days + days - 1)
        return many.materialize("*", "--partition-range", f"{first}...{last}")

    def single(number: int) -> Measured:
        return one.materialize("*", "--partition", day_of(number).isoformat())

    names = f"{days} days in one run", "one day"
    series = alternate(dict(zip(names, (window, single), strict=True)), rounds=rounds)
    _check(many, days * (rounds + 1))
    _check(one, rounds + 1)
    report = Report(f"{days} days in one run, 20,000 log lines each")
    report.add(
        "Each a new process on an existing metastore, with the class archive, new days each time.",
        figures(series),
        ratio(f"{days} days against one", series[names[0]], series[names[1]], goal=_RATIO),
    )
    if setup.single:
        report.add(_single_runs(setup, days))
    return report


def _check(project: Project, days: int) -> None:
    """Refuse figures of runs that left a day out."""
    found = sum(
        not path.parent.name.startswith("_") for path in project.storage.rglob("_manifest.json")
    )
    if found != 2 * days:
        raise MeasurementError(f"{found} objects were published instead of {2 * days}")


def _single_runs(setup: Setup, days: int) -> str:
    """Make the days by runs of their own, two at a time; they wait for the metastore's lock."""
    project = Project(setup.root / "single")
    project.make_sources(map(day_of, range(days)))
    setup.link_archive(project)
    # Two Dagster processes that make a new history at the same moment can write two versions into
    # runs.db, after which no run starts any more (dagster 1.13: "more than one head present").
    project.python("-m", "dagster", "run", "list")
    failed: list[date] = []

    def make(day: date) -> None:
        try:
            project.materialize("*", "--partition", day.isoformat())
        except MeasurementError as error:
            failed.append(day)
            tell(str(error))

    tell(f"{days} runs of a day each, {_AT_A_TIME} at a time")
    begin = time.perf_counter()
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        list(pool.map(make, map(day_of, range(days))))
    seconds = time.perf_counter() - begin
    if not failed:
        _check(project, days)
    return (
        f"{days} runs of a day each, {_AT_A_TIME} processes at a time, on an existing "
        f"history and no metastore yet: **{seconds:.0f} s** in all, {len(failed)} failed (goal 0)."
    )
