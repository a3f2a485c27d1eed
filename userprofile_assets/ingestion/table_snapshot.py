"""What is copied, inside of one open snapshot on one connection.

Belongs here: columns, position, the number of rows, the text. Does not belong here: opening
(`open_snapshot.py`), several connections (`table_slices.py`), reading rows (`table_rows.py`).

All rows come over one connection, inside a transaction that was opened with a snapshot, and so does
the number that they are checked against. A lost connection loses the snapshot: nothing is resumed,
the caller starts again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from userprofile_assets.errors import SourceError
from userprofile_assets.ingestion.table_checks import (
    other_type,
    wanted_columns,
    without_snapshots,
)
from userprofile_assets.ingestion.table_errors import MYSQL_DIALECTS, database_name
from userprofile_assets.ingestion.table_position import snapshot_position
from userprofile_assets.ingestion.table_rows import RowReader, reading_errors
from userprofile_assets.ingestion.table_select import TableSelect

if TYPE_CHECKING:
    from collections.abc import Iterator

    import sqlalchemy

    from userprofile_assets.ingestion.table_options import TableOptions


class TableSnapshot:
    """What is copied, inside of an open snapshot; made by `open_snapshot`.

    Attributes:
        columns: The copied columns: name, type, comment (None without one), nullable.
        rows: Number of rows in this snapshot: None until it is known. The server counts while it
            sends what has a snapshot of itself (InnoDB), and beforehand all else.
        facts: For the manifest: `reader` and `position` (MySQL), and what `open_snapshot` adds.
    """

    def __init__(
        self, engine: sqlalchemy.Engine, connection: sqlalchemy.Connection, options: TableOptions
    ) -> None:
        self._engine = engine
        self._connection = connection
        self._options = options
        self._select = TableSelect(connection, options)
        is_mysql = engine.dialect.name in MYSQL_DIALECTS
        self._counts_itself = is_mysql and without_snapshots(engine, connection, options) is None
        self.columns = wanted_columns(engine, connection, options)
        self._reader = RowReader(engine, connection, options, self.columns)
        self.facts: dict[str, Any] = {}
        if is_mysql:
            self.facts["reader"] = self._reader.kind
            if (position := snapshot_position(connection)) is not None:
                self.facts["position"] = position
        self.rows: int | None = None
        if not self._counts_itself:
            self.rows = sum(self._count(table) for table in self._select.tables)

    def check_columns(self) -> None:
        """Look at the columns once more, behind the last row.

        Raises:
            SourceError: They changed while the rows were read.
        """
        now = wanted_columns(self._engine, self._connection, self._options)
        difference = other_type(self.columns, now)
        if difference is not None:
            raise SourceError(
                f"the columns of {self._options.name} changed while it was read: {difference}",
                where=database_name(self._engine),
                remedy="run it again when the change of the table is over",
            )

    def _count(self, table: str) -> int:
        import sqlalchemy

        with reading_errors(self._engine, self._options, "counting the rows"):
            count = self._connection.scalar(self._select.of(table, sqlalchemy.func.count()))
        return int(count or 0)

    def text(self) -> Iterator[bytes]:
        """Yield all rows as text, in pieces of a bounded size. `rows` is known behind the last.

        Raises:
            SourceError: The database refuses, or a value has no text form.
            SourceUnavailableError: The connection broke off.
        """
        sent = 0
        for table in self._select.tables:
            yield from self._reader.text(table)
            sent += self._reader.sent_rows() if self._counts_itself else 0
        if self._counts_itself:
            self.rows = sent

    def abandon(self) -> None:
        """Drop the connection, also in the middle of an answer."""
        self._reader.abandon()
