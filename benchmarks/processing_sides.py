"""The sides of `processing`, all on one Spark session in turn.

Run as `python -m benchmarks.processing_sides LINES ROUNDS` in a project; prints JSON. Two days of
the embedded log lie in its storage: the first as it is (`##@@`), the second written as combined.
"""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.project import FIRST_DAY, SEED, TIMEZONE
from benchmarks.rounds import tell
from userprofile_assets.bizdate import to_bizdate
from userprofile_assets.catalog.sql_tables import load_warehouse, sql_variables
from userprofile_assets.demo.log_lines import log_chunks
from userprofile_assets.enrichment.address_lookup import IpRegionLookup
from userprofile_assets.enrichment.agents import UserAgentLookup
from userprofile_assets.enrichment.parquet_file import write_parquet
from userprofile_assets.enrichment.region_db import open_region_db
from userprofile_assets.settings import Settings
from userprofile_assets.warehouse.executor import Executor
from userprofile_assets.warehouse.open_engine import open_engine
from userprofile_assets.warehouse.runner import TableRunner
from userprofile_assets.warehouse.session_options import SessionOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from userprofile_assets.enrichment.lookup import Lookup

DELIMITED, COMBINED = (to_bizdate(FIRST_DAY + timedelta(days=n)) for n in range(2))
_USERS = 1_000_000
_JAVA = "-XX:TieredStopAtLevel=4 -XX:-UseSerialGC -XX:+UseParallelGC"
_FIELDS = ("ip", "uid", "time", "request", "status", "bytes", "referer", "agent")
_CUT = f"""
    SELECT {", ".join(f"get(f, {n}) AS {name}" for n, name in enumerate(_FIELDS))}
    FROM (SELECT split(col, '##@@') AS f FROM ods_raw_log_d_spark WHERE dt = '{DELIMITED}')
"""  # noqa: S608 - constants
# What splitting and checking a line consists of: each SELECT does more than the one before.
_TEXTS = "ip, uid, time, request, status, bytes, referer, agent"
_LINES = f"dwd_log_line_spark WHERE dt = '{DELIMITED}'"
_STEPS = {
    "read": ("col", f"ods_raw_log_d_spark WHERE dt = '{DELIMITED}'"),
    "cut": (", ".join(_FIELDS), f"({_CUT})"),
    "format": (_TEXTS, _LINES),
    "time": (f"{_TEXTS}, event_time", _LINES),
    "outcome": (f"{_TEXTS}, event_time", f"{_LINES} AND outcome = 'parsed'"),
}
# The SQL of the tutorial for this table, without its function for the region, which Spark cannot
# register there.
_URL = "regexp_extract(request, '^[^ ]+ (.*) [^ ]+$', 1)"
_TUTORIAL = f"""
    SELECT ip, uid, time, status, bytes, CAST(NULL AS STRING) AS region,
      regexp_extract(request, '(^[^ ]+ )', 1) AS method, {_URL} AS url,
      regexp_extract(request, '.* ([^ ]+$)', 1) AS protocol,
      regexp_extract(referer, '^[^/]+://([^/]+){{1}}', 1) AS referer,
      CASE WHEN lower(agent) RLIKE 'android' THEN 'android'
        WHEN lower(agent) RLIKE 'iphone' THEN 'iphone' WHEN lower(agent) RLIKE 'ipad' THEN 'ipad'
        WHEN lower(agent) RLIKE 'macintosh' THEN 'macintosh'
        WHEN lower(agent) RLIKE 'windows phone' THEN 'windows_phone'
        WHEN lower(agent) RLIKE 'windows' THEN 'windows_pc' ELSE 'unknown' END AS device,
      CASE WHEN lower(agent) RLIKE '(bot|spider|crawler|slurp)' THEN 'crawler'
        WHEN lower(agent) RLIKE 'feed' OR {_URL} RLIKE 'feed' THEN 'feed'
        WHEN NOT lower(agent) RLIKE '(bot|spider|crawler|feed|slurp)'
          AND agent RLIKE '^[Mozilla|Opera]' AND NOT {_URL} RLIKE 'feed' THEN 'user'
        ELSE 'unknown' END AS identity
    FROM ({_CUT})"""  # noqa: S608 - constants


def main(lines: int, rounds: int) -> None:
    """Run each side once to warm up, then in turn, and print what they took."""
    settings = Settings.load()
    _write_logs(settings, lines)
    options = SessionOptions(
        home=settings.home,
        master="local[2]",
        timezone=TIMEZONE,
        conf={
            "spark.driver.memory": "2g",
            # Minutes of work: the optimizing compiler pays off, for every side.
            "spark.driver.extraJavaOptions": _JAVA,
        },
        app_name="processing",
    )
    with open_engine(options) as engine:
        work = _Work(settings, Executor(engine, lambda _: None))
        sides: dict[str, Callable[[], dict[str, float]]] = {
            "floor": lambda: work.plain(_CUT),
            "tutorial": lambda: work.plain(_TUTORIAL),
            "steps": work.steps,
            DELIMITED: lambda: work.day(DELIMITED),
            COMBINED: lambda: work.day(COMBINED),
        }
        took: dict[str, list[dict[str, float]]] = {name: [] for name in sides}
        for number in range(rounds + 1):
            for name, side in sides.items():
                tell(f"{f'round {number}' if number else 'warm-up'}: {name}")
                parts = side()
                if number:
                    took[name].append(parts)
    print(json.dumps(took))


class _Work:
    """The tables, and what a side does with them."""

    def __init__(self, settings: Settings, executor: Executor) -> None:
        self._settings = settings
        self._executor = executor
        self._warehouse = load_warehouse(settings)
        self._variables = sql_variables(settings)
        self._lookups: dict[str, Lookup] = {
            "dim_user_agent_spark": UserAgentLookup(None, log=tell),
            "dim_ip_region_spark": IpRegionLookup(open_region_db("dbip"), key=bytes(32)),
        }
        self._runner("ods_raw_log_d_spark").ensure_table()
        self._runner("ods_raw_log_d_spark").add_days([DELIMITED, COMBINED])
        self._runner("dwd_log_line_spark").ensure_table()

    def plain(self, select: str) -> dict[str, float]:
        """Write a SELECT as Parquet, without a table."""
        target = self._settings.home / "plain"
        return {
            "DWD": self._timed(
                f"INSERT OVERWRITE DIRECTORY '{target}' USING parquet {select}",
            )
        }

    def steps(self) -> dict[str, float]:
        """Split and check the lines, written nowhere; what each step adds."""
        took: dict[str, float] = {}
        for name, (columns, source) in _STEPS.items():
            select = f"SELECT bit_xor(xxhash64({columns})) FROM {source}"  # noqa: S608 - constants
            took[name] = self._timed(select) - sum(took.values())
        return took

    def day(self, bizdate: str) -> dict[str, float]:
        """Make a day of the log table with all that it needs."""
        return {
            "values": self._filled("dwd_log_value_di_spark", bizdate),
            "agents": self._looked_up("dim_user_agent_spark", bizdate),
            "addresses": self._looked_up("dim_ip_region_spark", bizdate),
            "DWD": self._filled("dwd_log_info_di_spark", bizdate),
        }

    def _filled(self, table: str, bizdate: str) -> float:
        began = time.monotonic()
        with self._runner(table) as runner:
            runner.ensure_table()
            runner.fill_day(bizdate)
        return time.monotonic() - began

    def _looked_up(self, table: str, bizdate: str) -> float:
        began = time.monotonic()
        lookup = self._lookups[table]
        with self._runner(table) as runner:
            runner.ensure_table()
            location = runner.day_location(bizdate)
            target = Path(location.removeprefix("file://"))
            target.mkdir(parents=True)
            with (target / "part-0.parquet").open("wb") as file:
                write_parquet(lookup.rows(runner.keys(bizdate)), lookup.columns, file.write)
            runner.point_day(bizdate, location)
        return time.monotonic() - began

    def _timed(self, statement: str) -> float:
        began = time.monotonic()
        self._executor.run(statement, where="benchmark")
        return time.monotonic() - began

    def _runner(self, table: str) -> TableRunner:
        definition = self._warehouse.table(table)
        return TableRunner(self._executor, definition, self._variables, lambda _: None)


def _write_logs(settings: Settings, lines: int) -> None:
    for number, bizdate in enumerate((DELIMITED, COMBINED)):
        day = FIRST_DAY + timedelta(days=number)
        path = settings.home / "storage" / "ods_raw_log_d" / f"log_{bizdate}" / f"log_{bizdate}.txt"
        path.parent.mkdir(parents=True)
        chunks = log_chunks(day, lines=lines, users=_USERS, seed=SEED, timezone=TIMEZONE)
        with path.open("wb") as file:
            for chunk in chunks if bizdate == DELIMITED else map(_combined, chunks):
                file.write(chunk)


def _combined(chunk: bytes) -> bytes:
    return b"".join(_combined_lines(chunk))


def _combined_lines(chunk: bytes) -> Iterator[bytes]:
    """Write each whole line as combined; the odd ones stay as they are, and are quarantined."""
    months = {b"%02d" % n: name for n, name in enumerate(_MONTHS, start=1)}
    for line in chunk.splitlines(keepends=True):
        fields = line.rstrip(b"\n").split(b"##@@")
        if len(fields) != len(_FIELDS):
            yield line
            continue
        ip, uid, moment, request, status, size, referer, agent = fields
        written = _clf(moment, months)
        yield b'%s - %s [%s] "%s" %s %s "%s" "%s"\n' % (
            ip, uid, written, request, status, size, referer, agent,
        )  # fmt: skip


_MONTHS = b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def _clf(moment: bytes, months: dict[bytes, bytes]) -> bytes:
    """Write `2024-08-01 10:00:00` as the Common Log Format does; other texts stay."""
    day, _, clock = moment.partition(b" ")
    parts = day.split(b"-")
    if len(parts) != len("ymd"):
        return moment
    return b"%s/%s/%s:%s +0800" % (parts[2], months[parts[1]], parts[0], clock)


if __name__ == "__main__":
    arguments: list[Any] = sys.argv[1:]
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    main(int(arguments[0]), int(arguments[1]))
