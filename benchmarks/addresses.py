"""`addresses`: regions of distinct addresses, looked up on the driver or joined in Spark.

Both sides read the same Parquet file of addresses and write Parquet; what they write is compared.
The database is DB-IP City Lite, with ip2region beside it for the driver. `address_sides.py` says
what each side does.
"""

from __future__ import annotations

import json
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.measure import MeasurementError
from benchmarks.project import Project, Setup
from benchmarks.report import Report, figures, megabytes, table
from benchmarks.rounds import alternate, tell

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.measure import Measured
    from benchmarks.rounds import Series

_SIZES = (10_000, 5_000_000)
_QUICK_SIZES = (1_000, 50_000)
_ROUNDS = 2
# First bytes of the addresses: all that can have a place, or a few of them.
_BELOW, _QUICK_BELOW = 224, 8
_DRIVER, _OTHER = "driver, DB-IP", "driver, ip2region"
_JOINS = {"join, broadcast": "BROADCAST(r)", "join, shuffled": "SHUFFLE_HASH(r)"}


def measure(setup: Setup) -> Report:
    """Measure all sides at both sizes."""
    project = Project(setup.root / "project")
    ranges = setup.root / "ranges.parquet"
    tell("exporting the ranges")
    exported = _told(_side(project, "export", ranges, _below(setup)))
    report = Report("Regions of distinct addresses")
    report.add(
        f"The range join needs {exported['rows']:,} ranges, "
        f"{megabytes(ranges.stat().st_size)} MB of Parquet, exported from the database in "
        f"{exported['seconds']:.0f} s, once for each database; not counted below."
    )
    for count in _QUICK_SIZES if setup.quick else _SIZES:
        _measure_size(setup, project, report, ranges, count)
    return report


def _measure_size(setup: Setup, project: Project, report: Report, ranges: Path, count: int) -> None:
    addresses = setup.root / f"{count}.parquet"
    _side(project, "make", addresses, count, _below(setup))

    def look_up(database: str, _round: int) -> Measured:
        return _side(project, "lookup", addresses, setup.root / f"{count}-{database}", database)

    def join(hint: str, _round: int) -> Measured:
        return _side(project, "join", addresses, setup.root / f"{count}-join", ranges, hint)

    sides = {_DRIVER: partial(look_up, "dbip"), _OTHER: partial(look_up, "ip2region")}
    sides |= {name: partial(join, hint) for name, hint in _JOINS.items()}
    series = alternate(sides, rounds=setup.rounds(usual=_ROUNDS), warm_up=False)
    for name in _JOINS:
        if any("HashJoin" not in _told(run)["join"] for run in series[name].runs):
            raise MeasurementError(f"{name}: Spark did not choose a hash join")
    compared = _told(
        _side(project, "compare", setup.root / f"{count}-dbip", setup.root / f"{count}-join")
    )
    if not compared["same"]:
        raise MeasurementError(f"driver and join give other regions: {compared['rows']} rows")
    report.add(
        f"{count:,} distinct IPv4 addresses. The work alone:",
        table(
            ("", "seconds", "addresses/s"),
            [(name, *_work(one, count)) for name, one in series.items()],
        ),
        "The whole processes, with the start of Python and of the JVM:",
        figures(series),
    )


def _below(setup: Setup) -> int:
    return _QUICK_BELOW if setup.quick else _BELOW


def _work(series: Series, count: int) -> tuple[str, str]:
    seconds = median(_told(run)["seconds"] for run in series.runs)
    return f"{seconds:.2f}", f"{count / seconds:,.0f}"


def _side(project: Project, *arguments: object) -> Measured:
    return project.python("-m", "benchmarks.address_sides", *map(str, arguments))


def _told(measured: Measured) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(measured.stdout.splitlines()[-1])
    return told
