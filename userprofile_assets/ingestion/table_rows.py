"""The rows of a SELECT as text, over one connection.

Belongs here: choosing the reader, streaming in pieces of a bounded size, dropping a connection in
the middle of an answer. Does not belong here: which rows (`table_select.py`), snapshots
(`open_snapshot.py`), what a line holds (`mysql_lines.py`, `text_dialect.py`).
"""

from __future__ import annotations

import os
import socket
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from userprofile_assets.errors import SettingsError
from userprofile_assets.ingestion.mysql_lines import LineDecoder, line_sql, quote_name, too_long
from userprofile_assets.ingestion.mysql_packets import PacketLines
from userprofile_assets.ingestion.table_errors import (
    MYSQL_DIALECTS,
    typed_driver_errors,
    typed_errors,
)
from userprofile_assets.ingestion.table_select import TableSelect
from userprofile_assets.ingestion.text_dialect import encode_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    import sqlalchemy

    from userprofile_assets.ingestion.table_options import TableOptions

# A batch aims at this much text, so that memory depends neither on the number of rows nor much on
# their width; the first batch is small because the width is not known yet.
_BATCH_BYTES = 4 * 1024 * 1024
_FIRST_BATCH_ROWS = 256
_MOST_BATCH_ROWS = 4096

_RESET_BY_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER: on, for 0 s


def cut_off(sock: socket.socket) -> None:
    """End what waits for bytes of a connection, and have its close reset it.

    A server that is ahead waits for room on our side. Behind a shutdown Linux tells it of none, not
    even when all was read and the socket is closed; it would hold its snapshot until our side is
    forgotten, 60 s later (net.ipv4.tcp_fin_timeout).
    """
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_BY_CLOSE)
    # Not SSLSocket.shutdown, which takes the TLS state from the thread that reads.
    socket.socket.shutdown(sock, socket.SHUT_RDWR)


def reading_errors(
    engine: sqlalchemy.Engine, options: TableOptions, doing: str
) -> AbstractContextManager[None]:
    """Type what the database refuses, with the remedy for the SQL that the settings brought."""
    return typed_errors(engine, doing=f"{doing} of {options.name}", remedy=_remedy(options))


def _remedy(options: TableOptions) -> str | None:
    if options.where is not None:
        return f"check USERPROFILE_USER_WHERE, which is now: {options.where}"
    return None if options.query is None else "check USERPROFILE_USER_QUERY"


class RowReader:
    """Reads the rows of tables over one connection.

    Attributes:
        kind: `fast` or `general`, see `TableOptions.reader`.
    """

    def __init__(
        self,
        engine: sqlalchemy.Engine,
        connection: sqlalchemy.Connection,
        options: TableOptions,
        columns: Sequence[dict[str, Any]],
    ) -> None:
        self._engine = engine
        self._connection = connection
        # Kept, since asking an invalidated connection for it would connect again.
        self._driver_connection: Any = connection.connection.dbapi_connection
        # PyMySQL's file over its socket, which it forgets when it closes; see `abandon`.
        self._file: Any = getattr(self._driver_connection, "_rfile", None)
        self._options = options
        self._columns = columns
        self._select = TableSelect(connection, options)
        self._cursor: Any = None
        self._is_mysql = engine.dialect.name in MYSQL_DIALECTS

    @property
    def kind(self) -> str:
        """`fast` or `general`.

        Raises:
            SettingsError: The fast reader is asked for, and the driver is another one.
        """
        driver = self._engine.dialect.driver
        wanted = self._options.reader
        if self._is_mysql and wanted == "fast" and driver != "pymysql":
            raise SettingsError(
                f"the fast reader reads through pymysql, and the driver is {driver}",
                where="USERPROFILE_MYSQL_READER",
                remedy="write mysql+pymysql://... in USERPROFILE_MYSQL_URL, or set it to auto",
            )
        fast = self._is_mysql and wanted != "general" and driver == "pymysql"
        return "fast" if fast else "general"

    def text(self, table: str, within: str | None = None) -> Iterator[bytes]:
        """Yield the rows of a table as text, in pieces of a bounded size.

        Args:
            table: One table, no pattern.
            within: A key range, or None for all rows.

        Raises:
            SourceError: The database refuses, or a value has no text form.
            SourceUnavailableError: The connection broke off.
        """
        if self._is_mysql:
            return self._mysql_text(table, within)
        return self._general_text(table, within)

    def sent_rows(self) -> int:
        """Ask MySQL how many rows its last SELECT had; nearly free, unlike a COUNT."""
        with self._errors("counting the rows"):
            return int(self._connection.exec_driver_sql("SELECT FOUND_ROWS()").scalar() or 0)

    def hang_up(self) -> None:
        """Wake another thread that waits for the server here: its read fails at once.

        With a driver that shows neither socket nor file descriptor it ends by its time-out.
        """
        sock = getattr(self._driver_connection, "_sock", None)  # PyMySQL has no public name for it
        with suppress(OSError):
            if isinstance(sock, socket.socket):
                cut_off(sock)
            elif hasattr(self._driver_connection, "fileno"):  # mysqlclient
                with socket.socket(fileno=os.dup(self._driver_connection.fileno())) as other:
                    cut_off(other)

    def abandon(self) -> None:
        """Drop the connection, also in the middle of an answer, without reading the rest of it."""
        # PyMySQL's unbuffered cursor and its result both read to the end in their destructors,
        # which takes as long as the export and prints "Exception ignored" on a dead connection.
        # There is no public way to tell them not to.
        unread = getattr(self._cursor, "_result", None)
        if unread is not None and hasattr(unread, "unbuffered_active"):
            unread.unbuffered_active = False
        self._connection.invalidate()
        # The socket stays open as long as this file does, and the traceback of an error keeps it:
        # the server would go on sending into a connection that nobody reads.
        if self._file is not None:
            with suppress(OSError):
                self._file.close()

    def _errors(self, doing: str) -> AbstractContextManager[None]:
        return reading_errors(self._engine, self._options, doing)

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

    def _general_text(self, table: str, within: str | None) -> Iterator[bytes]:
        import sqlalchemy

        options = self._options
        # Columns without types: SQLAlchemy's types would parse what SQLite holds as text.
        what: list[Any] = [sqlalchemy.column(name) for name in options.columns]
        select = self._select.in_order(self._select.of(table, *what, within=within))
        for rows in self._fetched(self._execute(select)):
            yield encode_rows(rows, options.delimiter, columns=options.columns)

    def _mysql_text(self, table: str, within: str | None) -> Iterator[bytes]:
        """Let the server make the lines; see `mysql_lines.py`."""
        import sqlalchemy

        options = self._options
        line = line_sql(
            [(quote_name(column["name"]), column["type"]) for column in self._columns],
            binary=options.binary,
            zero_dates=options.zero_dates,
        )
        select = self._select.in_order(
            self._select.of(table, sqlalchemy.literal_column(line), within=within)
        )
        decoder = LineDecoder(options.columns, options.delimiter)
        lines = self._packets(select) if self.kind == "fast" else self._values(select)
        for block, rows in lines:
            yield decoder.decode(block, rows)

    def _packets(self, select: sqlalchemy.Select[Any]) -> Iterator[tuple[bytes, int]]:
        import pymysql
        from pymysql.cursors import SSCursor

        def errors(doing: str) -> AbstractContextManager[None]:
            options = self._options
            doing = f"{doing} of {options.name}"
            return typed_driver_errors(self._engine, pymysql, doing=doing, remedy=_remedy(options))

        # SQLAlchemy's result fetches a row ahead, so the driver's own cursor is used.
        cursor = SSCursor(self._driver_connection)
        self._cursor = cursor
        with errors("selecting the rows"):
            # No parameters, but `()`: SQLAlchemy has doubled the percent signs, and PyMySQL makes
            # them single again only where it is given some.
            cursor.execute(str(select.compile(self._engine)), ())
            blocks = PacketLines(cursor).batches()
        while True:
            with errors("reading the rows"):
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


def _next_size(size: int, rows: Sequence[Sequence[Any]]) -> int:
    """Choose the rows of the next batch from the width of this one's."""
    sample = rows[:: max(1, len(rows) // 64)]
    width = sum(len(v) if isinstance(v, str | bytes) else 8 for row in sample for v in row)
    fitting = _BATCH_BYTES * len(sample) // max(1, width)
    return max(1, min(size * 4, fitting, _MOST_BATCH_ROWS))
