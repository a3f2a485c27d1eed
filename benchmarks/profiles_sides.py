"""The sides of `profiles`, on one Spark session in turn.

Run as `python -m benchmarks.profiles_sides LINES USERS ROUNDS` in a project; prints JSON. Two days
of the log table are made by SQL: on the first each user has equally many lines, on the
second half of all lines are one user's.
"""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from benchmarks.project import FIRST_DAY, TIMEZONE
from benchmarks.rounds import tell
from userprofile_assets.bizdate import to_bizdate
from userprofile_assets.catalog.sql_tables import load_warehouse, sql_variables
from userprofile_assets.settings import Settings
from userprofile_assets.warehouse.executor import Executor
from userprofile_assets.warehouse.open_engine import open_engine
from userprofile_assets.warehouse.runner import TableRunner
from userprofile_assets.warehouse.session_options import SessionOptions

if TYPE_CHECKING:
    from userprofile_assets.warehouse.graph import Warehouse

EVEN, SKEWED = (to_bizdate(FIRST_DAY + timedelta(days=n)) for n in range(2))
_TABLES = ("dws_user_info_all_di_spark", "ads_user_info_1d_spark")
_JAVA = "-XX:TieredStopAtLevel=4 -XX:-UseSerialGC -XX:+UseParallelGC"


def main(lines: int, users: int, rounds: int) -> None:
    """Make both days, run each once to warm up, then in turn, and print what they took."""
    settings = Settings.load()
    options = SessionOptions(
        home=settings.home,
        master="local[2]",
        timezone=TIMEZONE,
        conf={"spark.driver.memory": "2g", "spark.driver.extraJavaOptions": _JAVA},
        app_name="profiles",
    )
    with open_engine(options) as engine:
        work = _Work(settings, Executor(engine, lambda _: None))
        for bizdate in (EVEN, SKEWED):
            work.make_log(bizdate, lines, users)
        took: dict[str, list[dict[str, float]]] = {EVEN: [], SKEWED: []}
        for number in range(rounds + 1):
            for bizdate, rows in took.items():
                tell(f"{f'round {number}' if number else 'warm-up'}: {bizdate}")
                parts = {table: work.fill(table, bizdate) for table in _TABLES}
                if number:
                    rows.append(parts)
    print(json.dumps(took))


class _Work:
    """The tables of a session."""

    def __init__(self, settings: Settings, executor: Executor) -> None:
        self._settings = settings
        self._executor = executor
        self._warehouse: Warehouse = load_warehouse(settings)
        self._variables = sql_variables(settings)

    def make_log(self, bizdate: str, lines: int, users: int) -> None:
        """Write a day of the log table, and of the users."""
        target = self._settings.home / "storage" / "ods_user_info_d" / f"user_{bizdate}"
        target.mkdir(parents=True)
        with (target / f"user_{bizdate}.txt").open("w") as file:
            file.writelines(f"user{n:08}|{n % 2}|30-40|{n % 12}\n" for n in range(0, users, 2))
        ods = self._runner("ods_user_info_d_spark")
        ods.ensure_table()
        ods.add_days([bizdate])
        dwd = self._warehouse.table("dwd_log_info_di_spark")
        uid = f"format_string('user%08d', abs(hash(id)) % {users})"
        if bizdate == SKEWED:
            uid = f"CASE WHEN id % 2 = 0 THEN 'user00000000' ELSE {uid} END"
        known = {
            "uid": uid,
            "region": "concat('region', id % 31)",
            "city": "concat('city', id % 331)",
            "country": "'CN'",
            "device": "concat('device', id % 7)",
            "url": "concat('/page/', id % 1000)",
            "event_time": "timestamp_seconds(1722441600 + id % 86400)",
            "is_page_view": "true",
        }
        select = ", ".join(
            f"CAST({known.get(column.name, 'NULL')} AS {column.type}) AS {column.name}"
            for column in dwd.columns
        )
        self._runner(dwd.table).ensure_table()
        self._executor.run(
            f"INSERT OVERWRITE TABLE {dwd.table} PARTITION (dt = '{bizdate}') "  # noqa: S608 - constants
            f"SELECT {select} FROM range(0, {lines}, 1, 8)",
            where="benchmark",
        )

    def fill(self, table: str, bizdate: str) -> float:
        """Fill a day of a table; return the seconds it took."""
        began = time.monotonic()
        with self._runner(table) as runner:
            runner.ensure_table()
            runner.fill_day(bizdate)
        return time.monotonic() - began

    def _runner(self, table: str) -> TableRunner:
        definition = self._warehouse.table(table)
        return TableRunner(self._executor, definition, self._variables, lambda _: None)


if __name__ == "__main__":
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    main(*(int(argument) for argument in sys.argv[1:]))
