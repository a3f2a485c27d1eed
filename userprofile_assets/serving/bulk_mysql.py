"""Many rows into MySQL and MariaDB: LOAD DATA LOCAL, or large INSERTs where the server has it off.

Belongs here: rows as text, and the few packets of LOAD DATA. Does not belong here: transactions.

The rows go from Arrow's buffers to the socket: no file is written, and none is ever opened. PyMySQL
itself would open whatever file the server names, so it is not asked to: its `local_infile` stays
off, and the packets of a load are sent from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from userprofile_assets.serving.served_rows import not_taken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import sqlalchemy

# Bytes of a packet or a statement; max_allowed_packet is 16 MiB by default, and 1 MiB at least
# where anybody uses blobs. A row has 11,000 at most.
_PACKET_BYTES = 512 * 1024

# LOAD DATA LOCAL is off: MariaDB and MySQL 5, MySQL 8, MariaDB from 10.5, and by an account's
# FILE-like privileges.
_NO_LOCAL = frozenset({1148, 3948, 3950, 4166})
_DUPLICATE = 1062


def insert_rows(
    connection: sqlalchemy.Connection,
    table: sqlalchemy.Table,
    fixed: Mapping[str, str],
    batches: Iterable[Any],
    log: Callable[[str], None],
) -> int:
    """Insert rows; see `bulk.insert_rows`."""
    import pymysql

    raw = connection.connection.driver_connection
    if raw is None:
        raise AssertionError("an open connection has a driver's")
    with raw.cursor() as cursor:
        # What an administrator may have set changes how texts are read, or cuts them.
        cursor.execute("SET SESSION sql_mode = 'STRICT_ALL_TABLES'")
        source = _Source(batches)
        if source.columns is None:
            return 0
        try:
            if not _load(raw, table.name, fixed, source):
                log(f"{table.name}: the server has LOAD DATA LOCAL off (local_infile), so INSERT")
                _insert(cursor, table.name, fixed, source)
        except pymysql.err.IntegrityError as error:
            # Not chained: the server's message quotes the value.
            raise not_taken(table.name, f"error {error.args[0]}") from None
    return source.rows


class _Source:
    """The batches, the first of which is looked at before any is sent."""

    def __init__(self, batches: Iterable[Any]) -> None:
        self._batches = iter(batches)
        self._first = next(self._batches, None)
        self.columns: list[str] | None = self._first.schema.names if self._first else None
        self.rows = 0

    def __iter__(self) -> Iterator[Any]:
        if self._first is None:
            return
        self.rows += self._first.num_rows
        yield self._first
        for batch in self._batches:
            self.rows += batch.num_rows
            yield batch


def _load(raw: Any, table: str, fixed: Mapping[str, str], source: _Source) -> bool:
    """Load rows; return False if the server refuses LOAD DATA LOCAL as such."""
    from pymysql.constants import COMMAND
    from pymysql.err import MySQLError
    from pymysql.protocol import OKPacketWrapper

    constants = ", ".join(f"`{name}` = '{value}'" for name, value in fixed.items())
    statement = (
        f"LOAD DATA LOCAL INFILE 'rows' INTO TABLE `{table}` CHARACTER SET utf8mb4 "
        f"({_names(source.columns or ())}) SET {constants}"
    )
    raw._execute_command(COMMAND.COM_QUERY, statement)  # noqa: SLF001 - no public way to the packets
    try:
        packet = raw._read_packet()  # noqa: SLF001 - as above
    except MySQLError as error:
        if error.args[0] in _NO_LOCAL:
            return False
        raise
    if not packet.is_load_local_packet():
        raise AssertionError("a server answers LOAD DATA LOCAL by asking for rows")
    try:
        for batch in source:
            for data in _packets(_load_lines(batch)):
                raw.write_packet(data)
    finally:
        # The statement's end, after an error too: what was loaded is rolled back by the caller.
        if raw.open:
            raw.write_packet(b"")
            done = OKPacketWrapper(raw._read_packet())  # noqa: SLF001 - as above
    if done.warning_count or done.affected_rows != source.rows:
        _refuse(raw, table, source.rows, done.affected_rows)
    return True


def _refuse(raw: Any, table: str, sent: int, taken: int) -> None:
    """Raise the error of a load: with LOCAL the server only warns, of a second key too."""
    with raw.cursor() as cursor:
        cursor.execute("SHOW WARNINGS LIMIT 100")
        codes = sorted({int(row[1]) for row in cursor.fetchall()})
    what = f"{taken:,} of {sent:,} rows were taken"
    if codes:
        what += f", warnings {', '.join(map(str, codes))}"
        what += " (a key twice)" if _DUPLICATE in codes else ""
    raise not_taken(table, what)


def _insert(cursor: Any, table: str, fixed: Mapping[str, str], source: _Source) -> None:
    columns = _names([*(source.columns or ()), *fixed])
    head = f"INSERT INTO `{table}` ({columns}) VALUES ".encode()  # noqa: S608 - our own names
    constants = "".join(f",'{value}'" for value in fixed.values())
    for batch in source:
        for data in _packets(_insert_lines(batch, f"{constants}),")):
            cursor.execute(head + data[:-1])


def _names(columns: Iterable[str]) -> str:
    # CUBE is a word of MySQL 8, though not of MariaDB.
    return ", ".join(f"`{column}`" for column in columns)


def _load_lines(batch: Any) -> Any:
    """Return each row as a line of LOAD DATA: tabs between fields, backslash N for NULL."""
    escapes = (("\\", "\\\\"), ("\t", "\\\t"), ("\n", "\\\n"))
    fields = [_text(column, escapes) for column in batch.columns]
    return _joined(fields, "\t", null="\\N", start="", end="\n")


def _insert_lines(batch: Any, end: str) -> Any:
    """Return each row in parentheses, with a comma behind it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    fields = []
    for column in batch.columns:
        field = _text(column, (("\\", "\\\\"), ("'", "\\'")))
        if pa.types.is_string(column.type):
            field = pc.binary_join_element_wise("'", field, "'", "")
        fields.append(field)
    return _joined(fields, ",", null="NULL", start="(", end=end)


def _text(column: Any, escapes: Sequence[tuple[str, str]]) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    if not pa.types.is_string(column.type):
        return column.cast(pa.string())
    for character, escaped in escapes:
        if pc.any(pc.match_substring(column, character)).as_py():
            column = pc.replace_substring(column, character, escaped)
    return column


def _joined(fields: Sequence[Any], separator: str, *, null: str, start: str, end: str) -> Any:
    import pyarrow.compute as pc

    whole = pc.binary_join_element_wise(
        *fields, separator, null_handling="replace", null_replacement=null
    )
    return pc.binary_join_element_wise(start, whole, end, "")


def _packets(lines: Any) -> Iterator[bytes]:
    """Cut an array of texts into pieces of `_PACKET_BYTES`, out of its one buffer."""
    import numpy as np  # noqa: PLC0415 - definitions load without it

    if not len(lines):
        return
    _, offsets, data = lines.buffers()
    ends = np.frombuffer(offsets, dtype=np.int32)[lines.offset : lines.offset + len(lines) + 1]
    view = memoryview(data)
    begin = int(ends[0])
    while begin < ends[-1]:
        at = int(np.searchsorted(ends, begin + _PACKET_BYTES, side="right")) - 1
        end = max(int(ends[at]), int(ends[np.searchsorted(ends, begin, side="right")]))
        yield bytes(view[begin:end])
        begin = end
