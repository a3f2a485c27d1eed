"""`catalog`: the data map on 1,000 tables, each command a new process."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.catalog_records import DAYS
from benchmarks.project import Project, Setup
from benchmarks.report import Report, figures, verdict
from benchmarks.rounds import alternate, tell

if TYPE_CHECKING:
    from benchmarks.measure import Measured

_TABLES, _QUICK_TABLES = 1000, 50
_COLUMNS = 20
_GOAL_SECONDS = 1.0
_ROUNDS = 5
_LAYERS = ("dwd", "dws", "ads")
_PACKAGE = "userprofile_assets"
_CHECKOUT = Path(__file__).resolve().parent.parent


def measure(setup: Setup) -> Report:
    """Measure the commands on a fresh index, then making it for one file and for all."""
    count = _QUICK_TABLES if setup.quick else _TABLES
    project = _project(setup.root, count)
    name = _name(count - 1)
    commands = {
        "`catalog`": (),
        "`catalog search region city`": ("search", "region", "city"),
        f"`catalog show {name}`": ("show", name),
        f"`catalog lineage {name}.c0`": ("lineage", f"{name}.c0"),
    }

    def run(arguments: tuple[str, ...], _round: int) -> Measured:
        return project.python("-m", f"{_PACKAGE}.cli.main", "catalog", *arguments)

    def one_changed(number: int) -> Measured:
        _write_table(project.directory / "sql", count // 2, note=f"Changed {number} times.")
        return run(("search", "region"), number)

    def none_known(number: int) -> Measured:
        for path in (project.home / "catalog").glob("*.json"):
            path.unlink()
        return run(("search", "region"), number)

    tell("making the index for the first time")
    first = none_known(0)
    run((), 0)  # files as young as these are looked into once more
    rounds = setup.rounds(usual=_ROUNDS)
    fresh = alternate(
        {shown: partial(run, arguments) for shown, arguments in commands.items()}, rounds=rounds
    )
    changed = alternate({"one file changed": one_changed}, rounds=rounds)
    slowest = max(series.median_seconds for series in fresh.values())
    report = Report(
        f"The data map of {count:,} tables with {_COLUMNS} columns, {DAYS} days on record each"
    )
    report.add(
        figures(fresh | changed),
        f"Slowest command on a fresh index: **{slowest:.2f} s**; "
        f"{verdict(slowest, _GOAL_SECONDS, ' s')}. "
        f"Index made anew, every file parsed: {first.seconds:.1f} s, "
        f"{first.cpu_seconds:.1f} s of CPU.",
    )
    return report


def _project(root: Path, count: int) -> Project:
    """Make a copy of the package beside a `sql/` of its own, and records."""
    project = Project(root / "project")
    copy = project.directory
    shutil.copytree(
        _CHECKOUT / _PACKAGE, copy / _PACKAGE, ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copytree(_CHECKOUT / "sql" / "ods", copy / "sql" / "ods")
    project.env["PYTHONPATH"] = str(copy)
    for number in range(count):
        _write_table(copy / "sql", number)
    tell("making the records")
    # A process of its own: a child begins with the peak memory of the one that starts it.
    project.python(
        _CHECKOUT / "benchmarks" / "catalog_records.py",
        project.home,
        *(_name(number) for number in range(count)),
    )
    return project


def _name(number: int) -> str:
    return f"{_LAYERS[number % len(_LAYERS)]}_made_{number:04d}_di_spark"


def _write_table(root: Path, number: int, note: str = "") -> None:
    """Write the files of a table that reads two former ones."""
    name = _name(number)
    directory = root / name[:3]
    directory.mkdir(parents=True, exist_ok=True)
    columns = ",\n".join(
        f"    c{i} STRING COMMENT 'Column {i} of table {number}: {_word(number + i)}'"
        for i in range(_COLUMNS)
    )
    (directory / f"{name}.sql").write_text(
        f"-- One row for each visit to the {_word(number)}. {note}\n"
        f"CREATE TABLE IF NOT EXISTS {name} (\n{columns},\n    dt STRING COMMENT 'Business date'\n"
        f") USING parquet PARTITIONED BY (dt) COMMENT 'Table {number}'\n"
        f"LOCATION '${{spark_uri}}/{name}';\n\n"
        f"INSERT OVERWRITE TABLE {name} PARTITION (dt = '${{bizdate}}')\n{_select(number)};\n",
        encoding="utf-8",
    )
    (directory / f"{name}.yml").write_text(
        f"owner: team:{_word(number)}\ntags: [{_word(number)}, made]\n"
        "columns:\n  c0: {pii: true}\n  c1: {tags: [key]}\n"
        "rules:\n  - row_count > 0\n  - not_null: [c0]\n",
        encoding="utf-8",
    )


def _select(number: int) -> str:
    if number < 10:  # the first ones stand on the log
        made = ",\n".join(f"    substr(col, {i}, 3) AS c{i}" for i in range(_COLUMNS))
        return f"SELECT\n{made}\nFROM ods_raw_log_d_spark\nWHERE dt = '${{bizdate}}'"
    one, other = _name(number // 2), _name(number // 3)
    made = ",\n".join(
        f"    coalesce(a.c{i}, b.c{_COLUMNS - 1 - i}) AS c{i}" for i in range(_COLUMNS)
    )
    return (
        f"SELECT\n{made}\nFROM (SELECT * FROM {one} WHERE dt = '${{bizdate}}') AS a\n"  # noqa: S608 - a file of sql/, never run
        f"LEFT JOIN {other} AS b ON a.c0 = b.c0 AND b.dt = '${{bizdate}}'"
    )


def _word(number: int) -> str:
    words = ("region", "city", "device", "agent", "gender", "zodiac", "order", "price", "page")
    return words[number % len(words)]
