"""Publish a day of one table to the serving database: all of it, or nothing.

Belongs here: the transaction of a day. Does not belong here: where rows come from
(`parquet_day.py`), how they are sent (`bulk.py`), old days (`retention.py`).

Each publishing gives the day a new version, also when its rows are those of before: whose run made
a day and when is part of what is served, and a comparison would cost as much as the publishing.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from userprofile_assets.errors import ServingError, UserProfileError
from userprofile_assets.ingestion.retry import retrying
from userprofile_assets.locks import exclusive_lock
from userprofile_assets.records.moments import now_text
from userprofile_assets.records.upsert import upsert
from userprofile_assets.serving.bulk import insert_rows
from userprofile_assets.serving.cube_maker import CubeMaker
from userprofile_assets.serving.cubes import CUBES, cube_table_name
from userprofile_assets.serving.results import PROFILES
from userprofile_assets.serving.served_rows import BATCH_ROWS, served_batch
from userprofile_assets.serving.tables import serving_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import sqlalchemy

    from userprofile_assets.records.database import Records

LOCK_SECONDS = 1800
"""Seconds that a publishing waits for another one of this machine."""


@dataclass(frozen=True, kw_only=True)
class PublishedDay:
    """What a publishing did.

    Attributes:
        table: The table.
        dt: The business date, `20240807`.
        version: The day's new version.
        rows: Its rows.
        cells: The rows of each cube that was made with it.
        replaced: Whether the day was served before.
        seconds: How long it took, reading included.
    """

    table: str
    dt: str
    version: str
    rows: int
    cells: dict[str, int]
    replaced: bool
    seconds: float


class _SourceError(Exception):
    """Carries an error of the rows' source through the database's, which would rename it."""

    def __init__(self, error: UserProfileError) -> None:
        super().__init__(str(error))
        self.error = error


def publish_day(
    records: Records,
    table: str,
    dt: str,
    batches: Callable[[], Iterable[Any]],
    *,
    run_id: str,
    log: Callable[[str], None],
    expected: int | None = None,
) -> PublishedDay:
    """Replace a day of a table in one transaction.

    Args:
        records: The database.
        table: One of `results.RESULTS`.
        dt: The business date, `20240807`.
        batches: Opens the rows: `pyarrow.RecordBatch`es, columns by name. Called again after a
            transient error.
        run_id: Dagster's run.
        log: Told what is done.
        expected: Rows that the day must have, or nothing is changed; None: any number.

    Raises:
        ServingError: The rows do not fit the table, or are not as many as expected; the former day
            is still served.
        RecordsError: The database refuses.
        RecordsUnavailableError: It does not answer, after several tries.
        UserProfileError: Whatever opening or reading the rows raises.
    """
    begin = time.monotonic()

    @retrying(log)
    def attempt() -> PublishedDay:
        # In a transaction of its own: on InnoDB the first SELECT fixes what all later ones see, and
        # the one that publishes has to see what it waited for.
        replaced = _is_served(records, table, dt)
        day = _Day(table=table, dt=dt, run_id=run_id, log=log, expected=expected, replaced=replaced)
        try:
            return records.write(
                lambda connection: day.replace(connection, batches),
                doing=f"publishing {dt} of {table}",
            )
        except _SourceError as error:
            raise error.error from error.error.__cause__

    with exclusive_lock(
        records.locks / "serving.lock",
        purpose=f"publishing {dt} of {table}",
        timeout=LOCK_SECONDS,
        on_wait=log,
    ):
        done = attempt()
    seconds = time.monotonic() - begin
    log(f"{table}: {dt} is served with {done.rows:,} rows ({seconds:.1f} s)")
    return PublishedDay(**{**vars(done), "seconds": seconds})


@dataclass(kw_only=True)
class _Day:
    """One try."""

    table: str
    dt: str
    run_id: str
    log: Callable[[str], None]
    expected: int | None
    replaced: bool

    def replace(
        self, connection: sqlalchemy.Connection, batches: Callable[[], Iterable[Any]]
    ) -> PublishedDay:
        """Do everything in the transaction of a connection."""
        tables = serving_tables()
        table: sqlalchemy.Table = getattr(tables, self.table)
        version = uuid.uuid4().hex
        # First, with a number that is corrected at the end: a second publisher of the day waits
        # here, before it has touched a row.
        self._tell(connection, self.table, version, rows=0)
        remove_rows(connection, self.table, self.dt)
        maker = CubeMaker() if self.table == PROFILES else None
        rows = insert_rows(
            connection, table, {"dt": self.dt}, self._served(batches, table, maker), self.log
        )
        if self.expected not in {None, rows}:
            raise ServingError(
                f"its files have {rows:,} rows, Spark counts {self.expected:,}",
                where=f"{self.table}, {self.dt}",
                remedy="publish the day again; if it stays, materialize the table of Spark again",
            )
        cells = self._insert_cubes(connection, maker, version) if maker else {}
        self._tell(connection, self.table, version, rows=rows)
        return PublishedDay(
            table=self.table,
            dt=self.dt,
            version=version,
            rows=rows,
            cells=cells,
            replaced=self.replaced,
            seconds=0.0,
        )

    def _served(
        self,
        batches: Callable[[], Iterable[Any]],
        table: sqlalchemy.Table,
        maker: CubeMaker | None,
    ) -> Iterator[Any]:
        try:
            for batch in batches():
                for start in range(0, batch.num_rows, BATCH_ROWS):
                    part = served_batch(batch.slice(start, BATCH_ROWS), table)
                    if maker:
                        maker.add(part)
                    yield part
        except UserProfileError as error:
            raise _SourceError(error) from error

    def _insert_cubes(
        self, connection: sqlalchemy.Connection, maker: CubeMaker, version: str
    ) -> dict[str, int]:
        cells = {}
        table = serving_tables().ads_user_cube_1d
        for cube, rows in maker.cubes():
            fixed = {"dt": self.dt, "cube": cube}
            cells[cube] = insert_rows(connection, table, fixed, rows.to_batches(), self.log)
            self._tell(connection, cube_table_name(cube), version, rows=cells[cube])
        for cube in CUBES.keys() - cells.keys():
            self.log(f"{self.table}: {self.dt} has no cube {cube}: it would have too many cells")
        return cells

    def _tell(
        self, connection: sqlalchemy.Connection, name: str, version: str, *, rows: int
    ) -> None:
        row = {
            "table_name": name,
            "dt": self.dt,
            "version": version,
            "row_count": rows,
            "run_id": self.run_id,
            "published_at": now_text(),
        }
        upsert(connection, serving_tables().serving_day, [row])


def remove_rows(connection: sqlalchemy.Connection, table: str, dt: str) -> None:
    """Remove the rows of a day, and for profiles its cubes with their rows of `serving_day`."""
    tables = serving_tables()
    _delete(connection, getattr(tables, table), dt)
    if table == PROFILES:
        _delete(connection, tables.ads_user_cube_1d, dt)
        days = tables.serving_day
        names = [cube_table_name(cube) for cube in CUBES]
        connection.execute(
            days.delete().where(days.c.dt == dt, days.c.table_name.in_(names)),
        )


def _delete(connection: sqlalchemy.Connection, table: sqlalchemy.Table, dt: str) -> None:
    import sqlalchemy

    # On InnoDB a DELETE that finds nothing locks the gap, and two of them a deadlock.
    if connection.execute(sqlalchemy.select(table.c.dt).where(table.c.dt == dt).limit(1)).first():
        connection.execute(table.delete().where(table.c.dt == dt))


def _is_served(records: Records, table: str, dt: str) -> bool:
    import sqlalchemy

    days = serving_tables().serving_day
    row = sqlalchemy.select(days.c.dt).where(days.c.table_name == table, days.c.dt == dt)
    return bool(records.read(row))
