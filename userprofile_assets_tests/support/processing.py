"""One day through the real files of `sql/` on the tests' Spark session, without Dagster.

Belongs here: running the tables of a day in order, reading them back. Does not belong here: what
their rows must be (`reference.py`).
"""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from userprofile_assets.bizdate import substitute
from userprofile_assets.catalog.sql_tables import load_warehouse, sql_variables
from userprofile_assets.enrichment.address_lookup import IpRegionLookup
from userprofile_assets.enrichment.agents import UserAgentLookup
from userprofile_assets.enrichment.line_numbers import LineNumberLookup
from userprofile_assets.enrichment.parquet_file import write_parquet
from userprofile_assets.enrichment.region_db import open_region_db
from userprofile_assets.ingestion.text_dialect import encode_rows
from userprofile_assets.settings import Settings
from userprofile_assets.warehouse.classic import ClassicEngine
from userprofile_assets.warehouse.executor import Executor
from userprofile_assets.warehouse.runner import TableRunner
from userprofile_assets_tests.support.reference import ReferenceDay, distinct, reference_day
from userprofile_assets_tests.support.reference_lines import Rules
from userprofile_assets_tests.support.row_differences import differences

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pyspark.sql import SparkSession

    from userprofile_assets.enrichment.lookup import Lookup
    from userprofile_assets.warehouse.graph import Warehouse
    from userprofile_assets_tests.support.reference import User

    Row = dict[str, Any]
    Dimensions = tuple[Mapping[str, Row], Mapping[str, Row]]

LINES = "dwd_log_line_spark"
LOG = "dwd_log_info_di_spark"
VALUES = "dwd_log_value_di_spark"
QUARANTINE = "dwd_log_quarantine_di_spark"
JOINED = "dws_user_info_all_di_spark"
PROFILES = "ads_user_info_1d_spark"
PLACES = "ads_region_pv_1d_spark"
REGISTRATIONS = "ads_city_registration_1d_spark"
TRAFFIC = "ads_traffic_1d_spark"
ALL = (QUARANTINE, LOG, JOINED, PROFILES, PLACES, REGISTRATIONS, TRAFFIC)

DAY = "20240807"
_KEY = b"the key of these tests' visitors"


@cache
def lookups() -> dict[str, Lookup]:
    """Return the real lookups, which take seconds to open."""
    agents = UserAgentLookup(None, log=lambda _: None)
    return {
        "user_agent": agents,
        "ip_region": IpRegionLookup(open_region_db("dbip"), key=_KEY),
    }


@dataclass
class Processing:
    """The tables of one setting, in a database of their own, so that several can be there at once.

    Args:
        session: The session.
        settings: The settings; everything lies under their home.
    """

    session: SparkSession
    settings: Settings
    warehouse: Warehouse = field(init=False)
    _database: str = field(init=False)

    def __post_init__(self) -> None:
        self.warehouse = load_warehouse(self.settings)
        self._database = f"processing_{uuid.uuid4().hex[:12]}"
        self.session.sql(f"CREATE DATABASE {self._database}")
        self._executor = Executor(ClassicEngine(self.session), lambda _: None)

    @property
    def rules(self) -> Rules:
        """The settings as the reference wants them."""
        names = ("logic", "log_format", "log_day_filter", "anonymous", "inactive_users", "timezone")
        return Rules(**{name: getattr(self.settings, name) for name in names})

    def run(
        self,
        content: bytes,
        users: Sequence[User] = (),
        *,
        bizdate: str = DAY,
        until: Sequence[str] = ALL,
    ) -> None:
        """Put a day into all tables.

        Args:
            content: The bytes of the log.
            users: The registered users.
            bizdate: The day.
            until: The tables that are made, with all that they are made from.
        """
        delimiter = self.settings.field_delimiter
        self._write(substitute(self.settings.log_object, bizdate), content)
        self._write(substitute(self.settings.user_object, bizdate), encode_rows(users, delimiter))
        wanted = self._with_dependencies(until)
        with self.current():
            for table in self.warehouse.tables:
                if table.table in wanted:
                    self._make(table.table, bizdate)

    def reference(
        self, content: bytes, users: Sequence[User] = (), *, bizdate: str = DAY
    ) -> ReferenceDay:
        """Return what the tables must hold."""
        key = substitute(self.settings.log_object, bizdate)
        lines = reference_day(content, users, self.rules, bizdate=bizdate, key=key).lines
        known = (
            _rows(lookups()["user_agent"], distinct(lines, "agent")),
            _rows(lookups()["ip_region"], distinct(lines, "ip")),
        )
        return reference_day(content, users, self.rules, bizdate=bizdate, key=key, dimensions=known)

    def rows(
        self, table: str, bizdate: str = DAY, *, columns: Sequence[str] | None = None
    ) -> list[Row]:
        """Return the rows of a day without `dt`; a TIMESTAMP in microseconds."""
        name = f"{self._database}.{table}"
        if columns is None:
            columns = [
                f"unix_micros({column}) AS {column}" if kind == "timestamp" else column
                for column, kind in self.session.table(name).dtypes
                if column != "dt"
            ]
        select = f"SELECT {', '.join(columns)} FROM {name} WHERE dt = '{bizdate}'"
        found = self.session.sql(select).collect()
        return [row.asDict() for row in found]

    def differences(
        self, day: ReferenceDay, bizdate: str = DAY, *, tables: Sequence[str] = ALL
    ) -> dict[str, list[str]]:
        """Return, for each table, the rows that only SQL or only the reference has."""
        expected = {
            QUARANTINE: day.quarantine,
            LOG: day.parsed,
            JOINED: day.joined,
            PROFILES: day.profiles,
            PLACES: day.places,
            REGISTRATIONS: day.registrations,
            TRAFFIC: day.traffic,
        }
        found = {
            table: differences(self.rows(table, bizdate), expected[table]()) for table in tables
        }
        if self.outcomes(bizdate) != day.outcomes():
            found[VALUES] = [f"SQL: {self.outcomes(bizdate)}", f"reference: {day.outcomes()}"]
        return {table: said for table, said in found.items() if said}

    def generated(self, table: str, bizdate: str = DAY) -> str:
        """Return the Java that Spark makes of the SELECT of a table, with the sizes of its methods.

        Adaptive execution is off for that: with it Spark makes none before it runs.
        """
        definition = self.warehouse.table(table)
        statement = definition.statement("insert") or definition.statement("keys")
        assert statement is not None
        text = statement.render({**sql_variables(self.settings), "bizdate": bizdate})
        adaptive = "spark.sql.adaptive.enabled"
        with self.current():
            self.session.conf.set(adaptive, "false")
            try:
                (row,) = self.session.sql(f"EXPLAIN CODEGEN {text}").collect()
            finally:
                self.session.conf.set(adaptive, "true")
        return str(row[0])

    def outcomes(self, bizdate: str = DAY) -> dict[str, int]:
        """Return the number of lines by outcome."""
        return {
            row["value"]: row["line_count"]
            for row in self.rows(VALUES, bizdate)
            if row["kind"] == "outcome"
        }

    def drop(self) -> None:
        """Drop the database."""
        self.session.sql(f"DROP DATABASE {self._database} CASCADE")

    @contextmanager
    def current(self) -> Iterator[None]:
        """Make its tables those of plain names, in its time zone."""
        former = self.session.catalog.currentDatabase()
        self.session.catalog.setCurrentDatabase(self._database)
        conf = {
            "spark.sql.session.timeZone": self.settings.timezone,
            # A task for a few thousand rows, not four.
            "spark.sql.shuffle.partitions": "1",
        }
        before = {name: self.session.conf.get(name) for name in conf}
        try:
            for name, value in conf.items():
                self.session.conf.set(name, value)
            yield
        finally:
            for name, former_value in before.items():
                self.session.conf.set(name, str(former_value))
            self.session.catalog.setCurrentDatabase(former)

    def _with_dependencies(self, tables: Sequence[str]) -> set[str]:
        wanted: set[str] = set()
        left = list(tables)
        while left:
            table = left.pop()
            # The quarantine reads the values; ingest assets are no tables.
            if table not in wanted and table in self.warehouse.edges:
                wanted.add(table)
                left += self.warehouse.dependencies(table)
        return wanted

    def _path(self, key: str) -> Path:
        return self.settings.home / "storage" / key

    def _write(self, key: str, content: bytes) -> None:
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def _make(self, name: str, bizdate: str) -> None:
        table = self.warehouse.table(name)
        variables = sql_variables(self.settings)
        with TableRunner(self._executor, table, variables, lambda _: None) as runner:
            runner.ensure_table()
            if table.kind == "external":
                runner.add_days([bizdate])
            elif table.kind == "lookup":
                self._look_up(runner, table.lookup or "", bizdate)
            elif table.kind != "view":
                runner.fill_day(bizdate)

    def _look_up(self, runner: TableRunner, name: str, bizdate: str) -> None:
        key = substitute(self.settings.log_object, bizdate)
        lookup = lookups().get(name) or LineNumberLookup(
            key, lambda: [self._path(key).read_bytes()]
        )
        location = runner.day_location(bizdate)
        directory = Path(location.removeprefix("file://"))
        directory.mkdir(parents=True)
        with (directory / "part-00000.parquet").open("wb") as file:
            write_parquet(lookup.rows(runner.keys(bizdate)), lookup.columns, file.write)
        runner.point_day(bizdate, location)


@contextmanager
def processing(session: SparkSession, home: Path, **settings: Any) -> Iterator[Processing]:
    """Make the tables of some settings, and drop them afterwards."""
    made = Processing(session, Settings(home=home, start_date="2015-05-01", **settings))
    try:
        yield made
    finally:
        made.drop()


def _rows(lookup: Lookup, keys: Sequence[str]) -> dict[str, Row]:
    names = [column.name for column in lookup.columns]
    rows = lookup.rows((key,) for key in keys)
    return {row[0]: dict(zip(names, row, strict=True)) for row in rows}
