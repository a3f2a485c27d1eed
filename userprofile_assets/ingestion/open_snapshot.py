"""Opening a consistent snapshot of what is copied: one connection, or several that see the same.

Belongs here: connecting, the session's settings, the order in which things are opened, closing.
Does not belong here: the engine (`table_engine.py`), what is read (`table_snapshot.py`,
`table_slices.py`).
"""

from __future__ import annotations

import re
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from userprofile_assets.errors import SettingsError
from userprofile_assets.ingestion.replica_lag import check_replica_lag
from userprofile_assets.ingestion.table_checks import wanted_columns, without_snapshots
from userprofile_assets.ingestion.table_errors import MYSQL_DIALECTS, typed_errors
from userprofile_assets.ingestion.table_lock import read_locked
from userprofile_assets.ingestion.table_options import check_options, no_slices
from userprofile_assets.ingestion.table_select import TableSelect
from userprofile_assets.ingestion.table_session import send_values_whole
from userprofile_assets.ingestion.table_slices import SlicedSnapshot
from userprofile_assets.ingestion.table_snapshot import TableSnapshot

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import sqlalchemy

    from userprofile_assets.ingestion.table_options import TableOptions

_ZONE = re.compile(r"[+-][0-9]{2}:[0-9]{2}")

_SESSION = (
    # RDS instances are found with READ COMMITTED as their default, which has no snapshot.
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    # TIMESTAMP is shown in the session's zone: pinned, so that the text does not depend on it.
    "SET SESSION time_zone = '{zone}'",
    # Seconds the server waits for a reader that is busy uploading; its default is 60.
    "SET SESSION net_write_timeout = 600",
)
# A slice that is done waits for the others; some servers drop a silent connection after a minute.
_SLICE_SESSION = "SET SESSION wait_timeout = 28800"
_BEGIN = {
    "mysql": "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
    # Python's driver begins no transaction for a SELECT. The snapshot is taken by the first read.
    "sqlite": "BEGIN",
}


@contextmanager
def open_snapshot(engine: sqlalchemy.Engine, options: TableOptions) -> Iterator[TableSnapshot]:
    """Open a connection, a consistent snapshot on it, and the table inside of it.

    MySQL and MariaDB: InnoDB's snapshot; tables of other engines have none, and only the count
    guards them. SQLite: a read transaction. Other databases: REPEATABLE READ where they offer it.
    With `slices` there are several connections, whose snapshots are the same with
    `consistency="lock"`.

    Raises:
        SettingsError: The options are not for this database or table, or contradict each other.
        SourceMissingError: The table, a column or the split key is not there.
        SourceError: The database refuses the user or the statement.
        SourceUnavailableError: It does not answer, the connection broke off, the lock is not to
            be had, or the replica is too far behind.
    """
    check_options(engine, options)
    with ExitStack() as stack:
        connections = [stack.enter_context(_connected(engine)) for _ in range(options.slices)]
        with typed_errors(engine, doing="opening a consistent snapshot"):
            for connection in connections:
                _prepare(connection, options)
        lag: float | None = None
        if options.replica_lag is not None:
            lag = check_replica_lag(engine, connections[0], limit=options.replica_lag)
        snapshot: TableSnapshot
        if options.slices == 1:
            _begin(engine, connections)
            snapshot = TableSnapshot(engine, connections[0], options)
        else:
            _open_slices(engine, connections, options)
            snapshot = SlicedSnapshot(engine, connections, options)
        if lag is not None:
            snapshot.facts["replica_lag_seconds"] = lag
        try:
            yield snapshot
        finally:
            snapshot.abandon()


@contextmanager
def _connected(engine: sqlalchemy.Engine) -> Iterator[sqlalchemy.Connection]:
    with typed_errors(engine, doing="connecting"):
        connection = engine.connect()
    try:
        yield connection
    finally:
        with typed_errors(engine, doing="closing the connection"):
            # Its session is changed and its transaction open, or its answer half read: no pool
            # may get it back.
            connection.invalidate()
            connection.close()


def _open_slices(
    engine: sqlalchemy.Engine,
    connections: Sequence[sqlalchemy.Connection],
    options: TableOptions,
) -> None:
    """Open a snapshot on each connection, all of the same moment if that is asked for."""
    # First: nobody is kept from writing for a table that cannot be copied.
    wanted_columns(engine, connections[0], options)
    table = without_snapshots(engine, connections[0], options)
    if table is not None:
        raise no_slices(f"{table} is no InnoDB table, so that its slices have no snapshots")
    if options.consistency == "none":
        _begin(engine, connections)
        return
    with _connected(engine) as control:
        control.execution_options(isolation_level="AUTOCOMMIT")
        with read_locked(engine, control, TableSelect(control, options).tables):
            _begin(engine, connections)


def _prepare(connection: sqlalchemy.Connection, options: TableOptions) -> None:
    dialect = connection.dialect
    if _begin_statement(dialect) is None:
        driver = connection.connection.dbapi_connection
        if driver is not None and "REPEATABLE READ" in dialect.get_isolation_level_values(driver):
            connection.execution_options(isolation_level="REPEATABLE READ")
        return
    if not _ZONE.fullmatch(options.zone):
        raise SettingsError(
            f"{options.zone!r} is no offset from UTC",
            where="USERPROFILE_USER_TIMESTAMP_ZONE",
            remedy="write it as +08:00",
        )
    # AUTOCOMMIT keeps SQLAlchemy from opening a transaction of its own before ours.
    connection.execution_options(isolation_level="AUTOCOMMIT")
    if dialect.name in MYSQL_DIALECTS:
        send_values_whole(connection)
        for statement in (*_SESSION, *([_SLICE_SESSION] if options.slices > 1 else [])):
            connection.exec_driver_sql(statement.format(zone=options.zone))


def _begin_statement(dialect: sqlalchemy.Dialect) -> str | None:
    return _BEGIN.get("mysql" if dialect.name in MYSQL_DIALECTS else dialect.name)


def _begin(engine: sqlalchemy.Engine, connections: Sequence[sqlalchemy.Connection]) -> None:
    statement = _begin_statement(engine.dialect)
    if statement is not None:
        with typed_errors(engine, doing="opening a consistent snapshot"):
            for connection in connections:
                connection.exec_driver_sql(statement)
