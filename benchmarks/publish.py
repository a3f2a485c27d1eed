"""`publish`: a day of profiles into the serving database, beside the database's own bulk loader.

Both sides write the same rows into the same tables with the same indexes: ours from Parquet files,
with the cubes and the row of `serving_day`; the loader from text. Every round begins with empty
tables.
"""

from __future__ import annotations

import shutil
import sqlite3
import sys
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.measure import MeasurementError
from benchmarks.peers.contest import GOAL_HEADER, Contender, Goal, contest, part, told
from benchmarks.peers.database import DATABASE, Database, user_table
from benchmarks.publish_sides import COLUMNS, DAY, write_rows
from benchmarks.report import Report, figures, table
from benchmarks.rounds import tell
from userprofile_assets.records.database import default_path, open_records
from userprofile_assets.serving.results import PROFILES
from userprofile_assets.serving.row_counts import count_served

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import sqlalchemy

    from benchmarks.measure import Measured
    from benchmarks.project import Setup

ROWS = 1_000_000
_QUICK_ROWS = 50_000
_GOAL = 2.0

# The tests' server has 64 MB, in which the indexes of a million rows do not fit: then both sides
# measure the disk.
_SERVER = ("--innodb-buffer-pool-size=1G", "--innodb-log-file-size=512M")
_OURS_SQLITE, _IMPORT = "ours, SQLite", "sqlite3 .import"
_OURS_MARIADB, _LOAD = "ours, MariaDB", "mariadb LOAD DATA LOCAL"


def measure(setup: Setup) -> Report:
    """Measure both databases; a loader or a server that is missing is told and left out."""
    rows = setup.rows or (_QUICK_ROWS if setup.quick else ROWS)
    store, text = setup.root / "store", setup.root / "rows.tsv"
    tell(f"making {rows:,} profiles")
    write_rows(store, text, rows)
    notes = []
    with ExitStack() as stack:
        sides = _Sides(root=setup.root, store=store, text=text, rows=rows)
        contenders = sides.sqlite()
        try:
            contenders += sides.mariadb(stack.enter_context(user_table(1, options=_SERVER)))
        except MeasurementError as error:
            notes.append(f"- **not measured**: MariaDB: {error}")
        result = contest(contenders, root=setup.root, rounds=setup.rounds())
    report = Report(f"Publishing {rows:,} profiles, {text.stat().st_size / 1e6:,.0f} MB as text")
    report.add(
        "Empty tables in each round. Ours has the cubes in it; the loaders' time is their process.",
        figures(result.series),
    )
    goals = []
    for ours, loader in ((_OURS_SQLITE, _IMPORT), (_OURS_MARIADB, _LOAD)):
        if ours in result.series:
            mine, other = result.series[ours], result.series.get(loader)
            goals.append(Goal(f"{ours} / {loader}, whole process", mine, other, _GOAL).row())
            alone = part(mine, "publish")
            goals.append(Goal(f"{ours} / {loader}, publishing alone", alone, other, _GOAL).row())
    report.add(table(GOAL_HEADER, goals))
    notes += [f"- **not measured**: {name}: {why}" for name, why in result.missing.items()]
    if notes:
        report.add("\n".join(notes))
    return report


@dataclass(frozen=True, kw_only=True)
class _Sides:
    root: Path
    store: Path
    text: Path
    rows: int

    def sqlite(self) -> list[Contender]:
        """Ours and `.import`, each into a file of its own."""
        homes = {name: self.root / name for name in ("ours", "import")}
        loader = shutil.which("sqlite3")
        if loader is None:
            tell("there is no sqlite3 command (apt-get install sqlite3): nothing to compare with")
        # `.import` knows no NULL; that changes no row's length by more than a byte.
        statements = [".mode tabs", f".import {self.text} {PROFILES}"]
        return [
            self._ours(_OURS_SQLITE, homes["ours"], ""),
            Contender(
                name=_IMPORT,
                command=[loader or "sqlite3", default_path(homes["import"]), *statements],
                clear=lambda: self._fresh_file(homes["import"]),
                check=lambda _: self._check_file(homes["import"]),
            ),
        ][: 2 if loader else 1]

    def mariadb(self, database: Database) -> list[Contender]:
        """Ours and LOAD DATA, both into one server, whose tables are emptied."""
        home = self.root / "mariadb"
        url = database.url
        statement = (
            f"LOAD DATA LOCAL INFILE '{self.text}' INTO TABLE {PROFILES} CHARACTER SET utf8mb4 "
            f"(dt, {', '.join(COLUMNS)})"
        )
        client = [
            "mariadb", "--local-infile=1", f"--host={database.host}", f"--port={database.port}",
            f"--user={database.user}", "--skip-ssl", f"--database={DATABASE}",
        ]  # fmt: skip

        def clear() -> None:
            with open_records(url, home, read_timeout=600) as records:
                records.write(_empty)

        def check(_: Measured) -> None:
            with open_records(url, home, read_timeout=600) as records:
                self._check(count_served(records, PROFILES, [DAY])[DAY])

        return [
            self._ours(_OURS_MARIADB, home, url, clear=clear),
            Contender(
                name=_LOAD,
                command=[*client, f"--execute={statement}"],
                env={"MYSQL_PWD": database.password},
                clear=clear,
                check=check,
            ),
        ]

    def _ours(
        self, name: str, home: Path, url: str, *, clear: Callable[[], None] | None = None
    ) -> Contender:
        def check(measured: Measured) -> None:
            self._check(int(told(measured, "rows")))

        return Contender(
            name=name,
            command=[sys.executable, "-m", "benchmarks.publish_sides", home, self.store],
            env={"BENCH_SOURCE": url},
            clear=clear or (lambda: self._fresh_file(home)),
            check=check,
            ours=True,
        )

    def _fresh_file(self, home: Path) -> None:
        shutil.rmtree(home, ignore_errors=True)
        with open_records(None, home) as records:
            count_served(records, PROFILES, [DAY])

    def _check_file(self, home: Path) -> None:
        with closing(sqlite3.connect(default_path(home))) as database:
            sql = f"SELECT count(*) FROM {PROFILES}"  # noqa: S608 - a constant
            self._check(database.execute(sql).fetchone()[0])

    def _check(self, found: int) -> None:
        if found != self.rows:
            raise MeasurementError(f"{found:,} rows are there instead of {self.rows:,}")


def _empty(connection: sqlalchemy.Connection) -> None:
    for name in (PROFILES, "ads_user_cube_1d", "serving_day"):
        connection.exec_driver_sql(f"TRUNCATE {name}")
