"""One table of a SQL database as a source: its columns, and its rows in one consistent snapshot.

Belongs here: the engine with its time-outs, reflection, the snapshot, streaming batches of rows.
Does not belong here: text (`text_dialect.py`), objects (`table_copy.py`), what a driver's error
means (`table_errors.py`).

All rows come from one SELECT on one connection, inside a transaction that was opened with a
snapshot, and the count that they are checked against comes from the same snapshot. Key ranges on
several connections would be faster and no snapshot. A lost connection loses the snapshot: nothing
is resumed, the caller starts again.
"""

from __future__ import annotations

import difflib
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from userprofile_assets.errors import SettingsError, SourceMissingError
from userprofile_assets.ingestion.table_errors import (
    MYSQL_DIALECTS,
    database_name,
    typed_errors,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import sqlalchemy

_URL_VARIABLE = "USERPROFILE_MYSQL_URL"

# Packages whose name is not the module's, for the message when a driver is not installed.
_PACKAGES = {
    "MySQLdb": "mysqlclient",
    "psycopg2": "psycopg2-binary",
    "psycopg": "psycopg[binary]",
    "mysql": "mysql-connector-python",
}

# Drivers whose connect() takes connect_timeout, read_timeout and charset.
_MYSQL_DRIVERS = frozenset({"pymysql", "mysqldb"})

# A batch aims at this much text, so that memory depends neither on the number of rows nor much on
# their width; the first batch is small because the width is not known yet.
_BATCH_BYTES = 4 * 1024 * 1024
_FIRST_BATCH_ROWS = 256
_MOST_BATCH_ROWS = 4096

_BEGIN_SNAPSHOT = {
    "mysql": (
        # RDS instances are found with READ COMMITTED as their default, which has no snapshot.
        "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        # TIMESTAMP is shown in the session's zone: pinned, so that the text does not depend on it.
        "SET SESSION time_zone = '+00:00'",
        # Seconds the server waits for a reader that is busy uploading; its default is 60.
        "SET SESSION net_write_timeout = 600",
        "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
    ),
    # Python's driver begins no transaction for a SELECT. The snapshot is taken by the first read.
    "sqlite": ("BEGIN",),
}


@dataclass(frozen=True, kw_only=True)
class TableOptions:
    """What to copy of a table.

    Attributes:
        table: `table` or `schema.table`.
        columns: Columns to copy, in this order.
        where: SQL condition with the day already in it, or None. It is code, run as it is.
        split_key: Column that orders the rows, or None for the server's order. A unique one makes
            the same table give the same bytes.
        delimiter: Character between two fields.
    """

    table: str
    columns: tuple[str, ...]
    where: str | None
    split_key: str | None
    delimiter: str


def engine_for(
    url: str, *, connect_timeout: int = 10, read_timeout: int = 600
) -> sqlalchemy.Engine:
    """Make an engine that reads and never waits for ever; opens no connection.

    Args:
        url: SQLAlchemy URL, secrets included. An SQLite file is opened read only, so a missing
            file is an error and not a new empty database.
        connect_timeout: Seconds to wait for a connection (MySQL). The URL's query may set its own.
        read_timeout: Seconds to wait for the next bytes of an answer (MySQL), the sort of an
            ORDER BY included. The URL's query may set its own.

    Raises:
        SettingsError: It is no URL, or the driver that it names is not installed.
    """
    import sqlalchemy
    from sqlalchemy import exc

    try:
        parsed = sqlalchemy.make_url(url)
        dialect = parsed.get_dialect()
    except exc.NoSuchModuleError:
        raise SettingsError(
            f"no driver is known for {parsed.drivername!r}",
            where=_URL_VARIABLE,
            remedy="write mysql+pymysql://..., or install the package that brings this dialect",
        ) from None
    except (exc.ArgumentError, ValueError):
        # Not chained: the parser's message quotes what it could not read, a password at worst.
        raise SettingsError(
            "it is no URL of a database",
            where=_URL_VARIABLE,
            remedy="write it as mysql+pymysql://user:password@host:3306/database; "
            "quote / : @ # and ? in the password as %2F %3A %40 %23 %3F",
        ) from None
    options: dict[str, Any] = {}
    if parsed.get_backend_name() in MYSQL_DIALECTS and dialect.driver in _MYSQL_DRIVERS:
        timeouts = {"connect_timeout": connect_timeout, "read_timeout": read_timeout}
        options = {name: value for name, value in timeouts.items() if name not in parsed.query}
        options["charset"] = "utf8mb4"
    if parsed.get_backend_name() == "sqlite":
        parsed = _read_only(parsed)
    try:
        # NullPool: an export holds one connection for minutes and needs it once a day, so a kept
        # one would only be found dead. hide_parameters: no value of a row in a message.
        engine = sqlalchemy.create_engine(
            parsed, poolclass=sqlalchemy.NullPool, connect_args=options, hide_parameters=True
        )
    except ModuleNotFoundError as error:
        module = (error.name or str(error)).partition(".")[0]
        raise SettingsError(
            f"the driver of {parsed.drivername!r} is not installed (no module {module})",
            where=_URL_VARIABLE,
            remedy=f"pip install {_PACKAGES.get(module, module)}"
            + (", or write mysql+pymysql://..." if module == "MySQLdb" else ""),
        ) from None
    if engine.dialect.is_async:
        raise SettingsError(
            f"{parsed.drivername!r} is an asynchronous driver, which is not supported",
            where=_URL_VARIABLE,
            remedy="write mysql+pymysql://...",
        )
    return engine


def _read_only(url: sqlalchemy.URL) -> sqlalchemy.URL:
    """Name an SQLite file in the form that does not create it (https://sqlite.org/uri.html)."""
    path = url.database
    if not path or path == ":memory:":
        return url
    if not path.startswith("file:"):
        path = "file:" + quote(str(Path(path).absolute()))
    return url.set(database=path).update_query_dict({"mode": "ro", "uri": "true"})


def _split_name(table: str) -> tuple[str | None, str]:
    schema, _, name = table.rpartition(".")
    return schema or None, name


def source_name(engine: sqlalchemy.Engine, table: str) -> str:
    """Name a table for manifests and metadata: `db.table`, or for SQLite `file:table`."""
    schema, name = _split_name(table)
    if engine.dialect.name == "sqlite":
        return f"{database_name(engine)}:{table}"
    return f"{schema or engine.url.database or ''}.{name}".removeprefix(".")


class TableSnapshot:
    """A table inside of an open snapshot; made by `open_snapshot`.

    Attributes:
        columns: The copied columns: name, type, comment (None without one), nullable.
        rows: Number of rows that the condition selects in this snapshot.
    """

    def __init__(
        self, engine: sqlalchemy.Engine, connection: sqlalchemy.Connection, options: TableOptions
    ) -> None:
        self._engine = engine
        self._connection = connection
        self._options = options
        self._cursor: Any = None
        self.columns = self._wanted_columns()
        self.rows = self._count()

    def _errors(self, doing: str) -> Any:
        remedy = None
        if self._options.where is not None:
            remedy = f"check USERPROFILE_USER_WHERE, which is now: {self._options.where}"
        return typed_errors(
            self._engine, doing=f"{doing} of table {self._options.table}", remedy=remedy
        )

    def _wanted_columns(self) -> list[dict[str, Any]]:
        there = {
            column["name"]: column
            for column in _reflect(self._engine, self._connection, self._options.table)
        }
        key = self._options.split_key
        wanted = [*self._options.columns, *([key] if key else [])]
        missing = [name for name in wanted if name not in there]
        if missing:
            raise SourceMissingError(
                f"table {self._options.table} has no column {', '.join(missing)}; "
                f"its columns are {', '.join(there)}",
                where=database_name(self._engine),
                remedy="correct USERPROFILE_USER_COLUMNS or USERPROFILE_USER_SPLIT_KEY; "
                "a column that the database's user may not SELECT looks missing too",
            )
        return [there[name] for name in self._options.columns]

    def _select(self, *what: sqlalchemy.ColumnElement[Any]) -> sqlalchemy.Select[Any]:
        import sqlalchemy

        schema, name = _split_name(self._options.table)
        select = sqlalchemy.select(*what).select_from(sqlalchemy.table(name, schema=schema))
        if self._options.where is not None:
            # Not text(): it would take `:name` inside of the condition for a parameter. The line
            # end keeps a closing comment from swallowing the bracket.
            select = select.where(
                sqlalchemy.literal_column(f"({self._options.where}\n)", sqlalchemy.Boolean)
            )
        return select

    def _count(self) -> int:
        import sqlalchemy

        with self._errors("counting the rows"):
            count = self._connection.scalar(self._select(sqlalchemy.func.count()))
        return int(count or 0)

    def batches(self) -> Iterator[Sequence[Sequence[Any]]]:
        """Yield all rows in batches of a bounded size, as the driver's own values."""
        import sqlalchemy

        # Columns without types: SQLAlchemy's types would parse what SQLite holds as text.
        select = self._select(*(sqlalchemy.column(name) for name in self._options.columns))
        if self._options.split_key:
            select = select.order_by(sqlalchemy.column(self._options.split_key))
        with self._errors("selecting the rows"):
            result = self._connection.execute(select, execution_options={"stream_results": True})
            self._cursor = result.cursor
        size = _FIRST_BATCH_ROWS
        while True:
            with self._errors("reading the rows"):
                rows = result.fetchmany(size)
            if not rows:
                return
            yield rows
            size = _next_size(size, rows)

    def abandon(self) -> None:
        """Drop the connection in the middle of an answer, without reading the rest of it."""
        # PyMySQL's unbuffered cursor and its result both read to the end in their destructors,
        # which takes as long as the export and prints "Exception ignored" on a dead connection.
        # There is no public way to tell them not to.
        unread = getattr(self._cursor, "_result", None)
        if unread is not None and hasattr(unread, "unbuffered_active"):
            unread.unbuffered_active = False
        self._connection.invalidate()


def _next_size(size: int, rows: Sequence[Sequence[Any]]) -> int:
    """Choose the rows of the next batch from the width of this one's."""
    sample = rows[:: max(1, len(rows) // 64)]
    width = sum(len(v) if isinstance(v, str | bytes) else 8 for row in sample for v in row)
    fitting = _BATCH_BYTES * len(sample) // max(1, width)
    return max(1, min(size * 4, fitting, _MOST_BATCH_ROWS))


@contextmanager
def open_snapshot(engine: sqlalchemy.Engine, options: TableOptions) -> Iterator[TableSnapshot]:
    """Open a connection, a consistent snapshot on it, and the table inside of it.

    MySQL and MariaDB: InnoDB's snapshot; tables of other engines have none, and only the count
    guards them. SQLite: a read transaction. Other databases: REPEATABLE READ where they offer it.

    Raises:
        SourceMissingError: The table, a column or the split key is not there.
        SourceError: The database refuses the user or the statement.
        SourceUnavailableError: It does not answer, or the connection broke off.
    """
    with typed_errors(engine, doing="connecting"):
        connection = engine.connect()
    snapshot: TableSnapshot | None = None
    try:
        with typed_errors(engine, doing="opening a consistent snapshot"):
            _begin(connection)
        snapshot = TableSnapshot(engine, connection, options)
        yield snapshot
    except BaseException:
        if snapshot is not None:
            snapshot.abandon()
        raise
    finally:
        with typed_errors(engine, doing="closing the connection"):
            connection.close()


def _begin(connection: sqlalchemy.Connection) -> None:
    dialect = connection.dialect
    statements = _BEGIN_SNAPSHOT.get("mysql" if dialect.name in MYSQL_DIALECTS else dialect.name)
    if statements is None:
        driver = connection.connection.dbapi_connection
        if driver is not None and "REPEATABLE READ" in dialect.get_isolation_level_values(driver):
            connection.execution_options(isolation_level="REPEATABLE READ")
        return
    # AUTOCOMMIT keeps SQLAlchemy from opening a transaction of its own before ours.
    connection.execution_options(isolation_level="AUTOCOMMIT")
    for statement in statements:
        connection.exec_driver_sql(statement)


def _reflect(
    engine: sqlalchemy.Engine, connection: sqlalchemy.Connection, table: str
) -> list[dict[str, Any]]:
    """Return the columns of a table, in the table's order.

    Raises:
        SourceMissingError: There is no such table; names near ones.
    """
    import sqlalchemy

    schema, name = _split_name(table)
    with typed_errors(engine, doing=f"reading the columns of table {table}"):
        if engine.dialect.name in MYSQL_DIALECTS:
            columns = _mysql_columns(connection, name, schema)
        else:
            columns = _inspected_columns(connection, name, schema)
        if not columns:
            near = _near_tables(sqlalchemy.inspect(connection), name, schema)
            raise SourceMissingError(
                f"there is no table {table}" + (f"; near names: {', '.join(near)}" if near else ""),
                where=database_name(engine),
                remedy="correct USERPROFILE_USER_TABLE, or the database in USERPROFILE_MYSQL_URL; "
                "a table that its user may not SELECT from looks missing too",
            )
    return columns


def _mysql_columns(
    connection: sqlalchemy.Connection, name: str, schema: str | None
) -> list[dict[str, Any]]:
    """Ask information_schema: SQLAlchemy's inspector uses SHOW CREATE TABLE instead.

    That needs rights on the whole table, which a careful grant of some columns does not give, and
    it loses the names of types that SQLAlchemy does not know.
    """
    import sqlalchemy

    found = connection.execute(
        sqlalchemy.text(
            "SELECT column_name, column_type, column_comment, is_nullable "
            "FROM information_schema.columns "
            "WHERE table_schema = COALESCE(:schema, DATABASE()) AND table_name = :name "
            "ORDER BY ordinal_position"
        ),
        {"schema": schema, "name": name},
    )
    return [
        {"name": column, "type": kind, "comment": comment or None, "nullable": nullable == "YES"}
        for column, kind, comment, nullable in found
    ]


def _inspected_columns(
    connection: sqlalchemy.Connection, name: str, schema: str | None
) -> list[dict[str, Any]]:
    import sqlalchemy
    from sqlalchemy import exc

    with warnings.catch_warnings():
        # A type that SQLAlchemy does not know is no harm: values are read without types.
        warnings.simplefilter("ignore", exc.SAWarning)
        try:
            columns = sqlalchemy.inspect(connection).get_columns(name, schema=schema)
        except exc.NoSuchTableError:
            return []
    return [
        {
            "name": column["name"],
            "type": _type_name(column["type"], connection.dialect),
            "comment": column.get("comment") or None,
            "nullable": bool(column.get("nullable", True)),
        }
        for column in columns
    ]


def _near_tables(inspector: sqlalchemy.Inspector, name: str, schema: str | None) -> list[str]:
    from sqlalchemy import exc

    try:
        names = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
    except exc.DBAPIError:
        return []  # no such schema, or no right to list it: the message does without
    return difflib.get_close_matches(name, names, n=3, cutoff=0.5)


def _type_name(kind: Any, dialect: sqlalchemy.Dialect) -> str:
    """Write a type as its database does."""
    from sqlalchemy import exc

    try:
        return str(kind.compile(dialect=dialect))
    except exc.CompileError:
        return "unknown"


def observe_table(engine: sqlalchemy.Engine, options: TableOptions) -> dict[str, Any]:
    """Look at a table without reading it: for the metadata of the source.

    Returns:
        `kind`, `name`, `columns` (all of the table), and `row_estimate` where the database keeps
        one (MySQL: an estimate of InnoDB's statistics, easily off by half).
    """
    import sqlalchemy

    with typed_errors(engine, doing="connecting"):
        connection = engine.connect()
    with connection:
        facts: dict[str, Any] = {
            "kind": engine.dialect.name,
            "name": source_name(engine, options.table),
            "columns": _reflect(engine, connection, options.table),
        }
        if engine.dialect.name in MYSQL_DIALECTS:
            schema, name = _split_name(options.table)
            with typed_errors(engine, doing=f"reading the statistics of table {options.table}"):
                estimate = connection.scalar(
                    sqlalchemy.text(
                        "SELECT table_rows FROM information_schema.tables WHERE "
                        "table_schema = COALESCE(:schema, DATABASE()) AND table_name = :name"
                    ),
                    {"schema": schema, "name": name},
                )
            if estimate is not None:  # a view has none
                facts["row_estimate"] = int(estimate)
    return facts
