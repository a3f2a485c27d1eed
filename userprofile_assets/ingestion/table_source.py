"""Rows of a SQL database as text, all of one consistent snapshot.

Belongs here: opening the snapshot, what is selected, streaming it as text. Does not belong here:
the connection (`table_engine.py`), columns (`table_columns.py`), objects (`table_copy.py`), what a
driver's error means (`table_errors.py`).

All rows come over one connection, inside a transaction that was opened with a snapshot, and so does
the number that they are checked against. Key ranges on several connections would be no snapshot. A
lost connection loses the snapshot: nothing is resumed, the caller starts again.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from userprofile_assets.errors import SettingsError, SourceError, SourceMissingError
from userprofile_assets.ingestion.mysql_lines import (
    BinaryForm,
    LineDecoder,
    ZeroDates,
    line_sql,
    too_long,
)
from userprofile_assets.ingestion.mysql_packets import PacketLines
from userprofile_assets.ingestion.table_columns import (
    escape_percents,
    query_columns,
    table_columns,
)
from userprofile_assets.ingestion.table_errors import (
    MYSQL_DIALECTS,
    database_name,
    typed_driver_errors,
    typed_errors,
)
from userprofile_assets.ingestion.table_position import snapshot_position
from userprofile_assets.ingestion.text_dialect import encode_rows
from userprofile_assets.table_names import expand_tables, split_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import ModuleType

    import sqlalchemy

__all__ = [
    "TableOptions",
    "TableSelect",
    "TableSnapshot",
    "observe_table",
    "open_snapshot",
    "probe_table",
]

Reader = Literal["auto", "fast", "general"]

# A batch aims at this much text, so that memory depends neither on the number of rows nor much on
# their width; the first batch is small because the width is not known yet.
_BATCH_BYTES = 4 * 1024 * 1024
_FIRST_BATCH_ROWS = 256
_MOST_BATCH_ROWS = 4096

_ZONE = re.compile(r"[+-][0-9]{2}:[0-9]{2}")

_BEGIN_SNAPSHOT = {
    "mysql": (
        # RDS instances are found with READ COMMITTED as their default, which has no snapshot.
        "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        # TIMESTAMP is shown in the session's zone: pinned, so that the text does not depend on it.
        "SET SESSION time_zone = '{zone}'",
        # Seconds the server waits for a reader that is busy uploading; its default is 60.
        "SET SESSION net_write_timeout = 600",
        "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
    ),
    # Python's driver begins no transaction for a SELECT. The snapshot is taken by the first read.
    "sqlite": ("BEGIN",),
}


@dataclass(frozen=True, kw_only=True)
class TableOptions:
    """What to copy.

    Attributes:
        table: `table` or `schema.table`; `[0-9]` in it stands for shards, see `table_names.py`.
        columns: Columns to copy, in this order.
        where: SQL condition with the day already in it, or None. It is code, run as it is.
        split_key: Column that orders the rows, or None for the server's order. A unique one makes
            the same table give the same bytes. Shards are ordered each for itself.
        delimiter: Character between two fields.
        query: A SELECT with the day already in it that is read instead of the table, or None.
        binary: Text form of binary values (MySQL).
        zero_dates: What becomes of a date whose month or day is 0 (MySQL).
        zone: Offset in which TIMESTAMP is shown, such as `+08:00` (MySQL).
        reader: `fast` takes the rows from PyMySQL's connection in blocks, `general` asks the driver
            for each; `auto` is fast where the driver is PyMySQL. The bytes are the same.
    """

    table: str
    columns: tuple[str, ...]
    where: str | None
    split_key: str | None
    delimiter: str
    query: str | None = None
    binary: BinaryForm = "hex"
    zero_dates: ZeroDates = "null"
    zone: str = "+00:00"
    reader: Reader = "auto"

    @property
    def name(self) -> str:
        """What is read, in words."""
        return f"table {self.table}" if self.query is None else "the query"


def source_name(engine: sqlalchemy.Engine, options: TableOptions) -> str:
    """Name a table for manifests and metadata: `db.table`, or for SQLite `file:table`."""
    if options.query is not None:
        return f"{database_name(engine)}:query"
    schema, name = split_name(options.table)
    if engine.dialect.name == "sqlite":
        return f"{database_name(engine)}:{options.table}"
    return f"{schema or engine.url.database or ''}.{name}".removeprefix(".")


class TableSelect:
    """Builds the SELECTs of what is copied; runs none.

    Attributes:
        tables: The tables to read one after the other; one empty name for a query.
    """

    def __init__(
        self, engine: sqlalchemy.Engine, connection: sqlalchemy.Connection, options: TableOptions
    ) -> None:
        self._engine = engine
        self._connection = connection
        self._options = options
        self.tables = expand_tables(options.table) if options.query is None else ("",)

    def of(self, table: str, *what: sqlalchemy.ColumnElement[Any]) -> sqlalchemy.Select[Any]:
        """Select from a table, under the condition."""
        import sqlalchemy
        from sqlalchemy.sql import quoted_name

        options = self._options
        if options.query is None:
            schema, name = split_name(table)
            source = sqlalchemy.table(name, schema=schema)
        else:
            # The line end keeps a closing comment from swallowing the bracket, here and below.
            query = escape_percents(self._connection, f"({options.query}\n) AS q")
            source = sqlalchemy.table(quoted_name(query, quote=False))
        select = sqlalchemy.select(*what).select_from(source)
        if options.where is not None:
            # Not text(): it would take `:name` inside of the condition for a parameter.
            select = select.where(
                sqlalchemy.literal_column(f"({options.where}\n)", sqlalchemy.Boolean)
            )
        return select


class TableSnapshot:
    """What is copied, inside of an open snapshot; made by `open_snapshot`.

    Attributes:
        columns: The copied columns: name, type, comment (None without one), nullable.
        position: Where in the server's history the snapshot stands, if it tells.
        rows: Number of rows in this snapshot: None until it is known. The server counts while it
            sends what has a snapshot of itself (InnoDB), and beforehand all else.
    """

    def __init__(
        self, engine: sqlalchemy.Engine, connection: sqlalchemy.Connection, options: TableOptions
    ) -> None:
        self._engine = engine
        self._connection = connection
        self._options = options
        self._cursor: Any = None
        self._select = TableSelect(engine, connection, options)
        self._tables = self._select.tables
        self._is_mysql = engine.dialect.name in MYSQL_DIALECTS
        self._counts_itself = self._is_mysql and self._are_transactional()
        self.columns = self._wanted_columns()
        self.position = snapshot_position(connection) if self._is_mysql else None
        self.rows: int | None = None
        if not self._counts_itself:
            self.rows = sum(self._count(table) for table in self._tables)

    def _errors(self, doing: str) -> Any:
        doing = f"{doing} of {self._options.name}"
        return typed_errors(self._engine, doing=doing, remedy=self._remedy())

    def _driver_errors(self, driver: ModuleType, doing: str) -> Any:
        doing = f"{doing} of {self._options.name}"
        return typed_driver_errors(self._engine, driver, doing=doing, remedy=self._remedy())

    def _remedy(self) -> str | None:
        if self._options.where is not None:
            return f"check USERPROFILE_USER_WHERE, which is now: {self._options.where}"
        return None if self._options.query is None else "check USERPROFILE_USER_QUERY"

    def _wanted_columns(self) -> list[dict[str, Any]]:
        """Return the columns to copy, and refuse shards that do not agree about them."""
        first = self._columns_of(self._tables[0])
        for table in self._tables[1:]:
            columns = self._columns_of(table)
            if columns != first:
                raise SourceError(
                    f"the columns of table {table} are not those of {self._tables[0]}",
                    where=database_name(self._engine),
                    remedy="give all shards the same columns, or export them one by one",
                )
        return first

    def _columns_of(self, table: str) -> list[dict[str, Any]]:
        options = self._options
        if options.query is not None:
            columns = query_columns(self._engine, self._connection, options.query)
        else:
            columns = table_columns(self._engine, self._connection, table)
        there = {column["name"]: column for column in columns}
        wanted = [*options.columns, *([options.split_key] if options.split_key else [])]
        missing = [name for name in wanted if name not in there]
        if missing:
            raise SourceMissingError(
                f"{options.name if options.query else f'table {table}'} has no column "
                f"{', '.join(missing)}; its columns are {', '.join(there)}",
                where=database_name(self._engine),
                remedy="correct USERPROFILE_USER_COLUMNS or USERPROFILE_USER_SPLIT_KEY; "
                "a column that the database's user may not SELECT looks missing too",
            )
        return [there[name] for name in options.columns]

    def check_columns(self) -> None:
        """Look at the columns once more, behind the last row.

        Raises:
            SourceError: They changed while the rows were read.
        """
        if self._wanted_columns() != self.columns:
            raise SourceError(
                f"the columns of {self._options.name} changed while it was read",
                where=database_name(self._engine),
                remedy="run it again when the change of the table is over",
            )

    def _are_transactional(self) -> bool:
        """Tell whether every table is InnoDB; of views and queries it is not known."""
        import sqlalchemy

        if self._options.query is not None:
            return False
        engines = sqlalchemy.text(
            "SELECT engine FROM information_schema.tables "
            "WHERE table_schema = COALESCE(:schema, DATABASE()) AND table_name = :name"
        )
        with self._errors("reading the engine"):
            return all(
                self._connection.scalar(engines, dict(zip(("schema", "name"), name, strict=True)))
                == "InnoDB"
                for name in map(split_name, self._tables)
            )

    def _count(self, table: str) -> int:
        import sqlalchemy

        with self._errors("counting the rows"):
            count = self._connection.scalar(self._select.of(table, sqlalchemy.func.count()))
        return int(count or 0)

    def text(self) -> Iterator[bytes]:
        """Yield all rows as text, in pieces of a bounded size. `rows` is known behind the last.

        Raises:
            SourceError: The database refuses, or a value has no text form.
            SourceUnavailableError: The connection broke off.
        """
        sent = 0
        for table in self._tables:
            if self._is_mysql:
                yield from self._mysql_text(table)
                sent += self._sent_rows() if self._counts_itself else 0
            else:
                yield from self._general_text(table)
        if self._counts_itself:
            self.rows = sent

    def _sent_rows(self) -> int:
        """Ask the server how many rows the last SELECT had; nearly free, unlike a COUNT."""
        with self._errors("counting the rows"):
            return int(self._connection.exec_driver_sql("SELECT FOUND_ROWS()").scalar() or 0)

    def _ordered(self, select: sqlalchemy.Select[Any]) -> sqlalchemy.Select[Any]:
        import sqlalchemy

        key = self._options.split_key
        return select.order_by(sqlalchemy.column(key)) if key else select

    def _execute(self, select: sqlalchemy.Select[Any]) -> sqlalchemy.CursorResult[Any]:
        with self._errors("selecting the rows"):
            result = self._connection.execute(select, execution_options={"stream_results": True})
        self._cursor = result.cursor
        return result

    def _fetched(self, result: sqlalchemy.CursorResult[Any]) -> Iterator[Sequence[Sequence[Any]]]:
        size = _FIRST_BATCH_ROWS
        while True:
            with self._errors("reading the rows"):
                rows = result.fetchmany(size)
            if not rows:
                return
            yield rows
            size = _next_size(size, rows)

    def _general_text(self, table: str) -> Iterator[bytes]:
        import sqlalchemy

        options = self._options
        # Columns without types: SQLAlchemy's types would parse what SQLite holds as text.
        what: list[Any] = [sqlalchemy.column(name) for name in options.columns]
        for rows in self._fetched(self._execute(self._ordered(self._select.of(table, *what)))):
            yield encode_rows(rows, options.delimiter, columns=options.columns)

    def _mysql_text(self, table: str) -> Iterator[bytes]:
        """Let the server make the lines; see `mysql_lines.py`."""
        import sqlalchemy

        options = self._options
        quote = self._engine.dialect.identifier_preparer.quote_identifier
        line = line_sql(
            [(quote(column["name"]), column["type"]) for column in self.columns],
            binary=options.binary,
            zero_dates=options.zero_dates,
        )
        # quote_identifier doubles percent signs already where the driver needs it.
        select = self._ordered(
            self._select.of(table, sqlalchemy.literal_column(line.replace("%%", "%")))
        )
        decoder = LineDecoder(options.columns, options.delimiter)
        lines = self._packets(select) if self._is_fast() else self._values(select)
        for block, rows in lines:
            yield decoder.decode(block, rows)

    def _is_fast(self) -> bool:
        driver = self._engine.dialect.driver
        if self._options.reader == "fast" and driver != "pymysql":
            raise SettingsError(
                f"the fast reader reads through pymysql, and the driver is {driver}",
                where="USERPROFILE_MYSQL_READER",
                remedy="write mysql+pymysql://... in USERPROFILE_MYSQL_URL, or set it to auto",
            )
        return self._options.reader != "general" and driver == "pymysql"

    def _packets(self, select: sqlalchemy.Select[Any]) -> Iterator[tuple[bytes, int]]:
        import pymysql
        from pymysql.cursors import SSCursor

        # SQLAlchemy's result fetches a row ahead, so the driver's own cursor is used. It is given
        # no parameters and takes a percent sign as it is.
        sql = str(select.compile(self._engine)).replace("%%", "%")
        cursor = SSCursor(self._connection.connection.dbapi_connection)
        self._cursor = cursor
        with self._driver_errors(pymysql, "selecting the rows"):
            cursor.execute(sql)
            blocks = PacketLines(cursor).batches()
        while True:
            with self._driver_errors(pymysql, "reading the rows"):
                block = next(blocks, None)
            if block is None:
                cursor.close()
                return
            yield block

    def _values(self, select: sqlalchemy.Select[Any]) -> Iterator[tuple[bytes, int]]:
        for rows in self._fetched(self._execute(select)):
            values = [row[0] for row in rows]
            if None in values:
                raise too_long()
            yield b"".join(values), len(values)

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
            _begin(connection, options.zone)
        snapshot = TableSnapshot(engine, connection, options)
        yield snapshot
    except BaseException:
        if snapshot is not None:
            snapshot.abandon()
        raise
    finally:
        with typed_errors(engine, doing="closing the connection"):
            connection.close()


def _begin(connection: sqlalchemy.Connection, zone: str) -> None:
    dialect = connection.dialect
    statements = _BEGIN_SNAPSHOT.get("mysql" if dialect.name in MYSQL_DIALECTS else dialect.name)
    if statements is None:
        driver = connection.connection.dbapi_connection
        if driver is not None and "REPEATABLE READ" in dialect.get_isolation_level_values(driver):
            connection.execution_options(isolation_level="REPEATABLE READ")
        return
    if not _ZONE.fullmatch(zone):
        raise SettingsError(
            f"{zone!r} is no offset from UTC",
            where="USERPROFILE_USER_TIMESTAMP_ZONE",
            remedy="write it as +08:00",
        )
    # AUTOCOMMIT keeps SQLAlchemy from opening a transaction of its own before ours.
    connection.execution_options(isolation_level="AUTOCOMMIT")
    for statement in statements:
        connection.exec_driver_sql(statement.format(zone=zone))


def observe_table(engine: sqlalchemy.Engine, options: TableOptions) -> dict[str, Any]:
    """Look at a table without reading it: for the metadata of the source.

    Returns:
        `kind`, `name`, `columns` (all of the first table), and `row_estimate` where the database
        keeps one (MySQL: an estimate of InnoDB's statistics, easily off by half).
    """
    with typed_errors(engine, doing="connecting"):
        connection = engine.connect()
    with connection:
        facts: dict[str, Any] = {"kind": engine.dialect.name, "name": source_name(engine, options)}
        if options.query is not None:
            return {**facts, "columns": query_columns(engine, connection, options.query)}
        tables = expand_tables(options.table)
        facts["columns"] = table_columns(engine, connection, tables[0])
        if engine.dialect.name in MYSQL_DIALECTS:
            estimates = [_row_estimate(engine, connection, table) for table in tables]
            known = [estimate for estimate in estimates if estimate is not None]
            if known:  # a view has none
                facts["row_estimate"] = sum(known)
    return facts


def probe_table(engine: sqlalchemy.Engine, options: TableOptions) -> int:
    """Read one row of the first table, as an export would see it, and return its number of fields.

    Returns:
        0 when no row is there.

    Raises:
        SourceError: The database refuses.
        SourceUnavailableError: It does not answer.
    """
    import sqlalchemy

    with typed_errors(engine, doing="connecting"):
        connection = engine.connect()
    with connection, typed_errors(engine, doing=f"reading a row of {options.name}"):
        snapshot = TableSelect(engine, connection, options)
        what: list[Any] = [sqlalchemy.column(name) for name in options.columns]
        row = connection.execute(snapshot.of(snapshot.tables[0], *what).limit(1)).first()
    return 0 if row is None else len(row)


def _row_estimate(
    engine: sqlalchemy.Engine, connection: sqlalchemy.Connection, table: str
) -> int | None:
    import sqlalchemy

    schema, name = split_name(table)
    with typed_errors(engine, doing=f"reading the statistics of table {table}"):
        estimate = connection.scalar(
            sqlalchemy.text(
                "SELECT table_rows FROM information_schema.tables WHERE "
                "table_schema = COALESCE(:schema, DATABASE()) AND table_name = :name"
            ),
            {"schema": schema, "name": name},
        )
    return None if estimate is None else int(estimate)
