"""What is copied, inside of several snapshots that read ranges of the key at once (MySQL).

Belongs here: which connection reads what, putting the rows together. Does not belong here: opening
the snapshots so that they are the same (`open_snapshot.py`, `table_lock.py`), the ranges
(`key_ranges.py`), threads (`round_robin.py`).

The rows come in a fixed order: about 1 MiB of each slice in turn, each slice in the order of the
key. So the same rows give the same bytes, with the same number of slices.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from userprofile_assets.ingestion.key_ranges import key_ranges
from userprofile_assets.ingestion.round_robin import RoundRobin, same_pieces
from userprofile_assets.ingestion.table_rows import RowReader
from userprofile_assets.ingestion.table_snapshot import TableSnapshot

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import sqlalchemy

    from userprofile_assets.ingestion.table_options import TableOptions

_PIECE_BYTES = 1024 * 1024

_CONSISTENCY = {"lock": "one snapshot", "none": "none"}


class SlicedSnapshot(TableSnapshot):
    """What is copied, inside of one open snapshot on each of several connections.

    `rows` is known beforehand when all snapshots are the same: the first one's, under which the
    boundaries were looked for too. Otherwise it is the sum of what each sent.

    Args:
        connections: The first one also divides the tables and looks at their columns.
    """

    def __init__(
        self,
        engine: sqlalchemy.Engine,
        connections: Sequence[sqlalchemy.Connection],
        options: TableOptions,
    ) -> None:
        super().__init__(engine, connections[0], options)
        self._readers = [
            self._reader,
            *(RowReader(engine, other, options, self.columns) for other in connections[1:]),
        ]
        self._joined: RoundRobin | None = None
        self._sent = [0] * len(connections)
        self._ranges = {
            table: key_ranges(engine, connections[0], options, self._select, table)
            for table in self._select.tables
        }
        if options.consistency == "lock":
            self.rows = sum(divided.rows for divided in self._ranges.values())
        used = max(len(divided.conditions) for divided in self._ranges.values())
        if used > 1:
            self.facts |= {"slices": used, "consistency": _CONSISTENCY[options.consistency]}

    def text(self) -> Iterator[bytes]:
        """Yield all rows as text; see the head of the module for their order."""
        shares = list(
            zip_longest(
                *(
                    [(table, condition) for condition in divided.conditions]
                    for table, divided in self._ranges.items()
                )
            )
        )
        streams = [
            same_pieces(self._rows_of(number, [part for part in share if part]), _PIECE_BYTES)
            for number, share in enumerate(shares)
        ]
        self._joined = RoundRobin(streams, wake=self._hang_up)
        yield from self._joined
        if self.rows is None:
            self.rows = sum(self._sent)

    def _rows_of(self, number: int, parts: Sequence[tuple[str, str | None]]) -> Iterator[bytes]:
        reader = self._readers[number]
        for table, condition in parts:
            yield from reader.text(table, condition)
            self._sent[number] += reader.sent_rows()

    def _hang_up(self) -> None:
        for reader in self._readers:
            reader.hang_up()

    def abandon(self) -> None:
        """End all threads, drop all connections."""
        if self._joined is not None:
            self._joined.stop()
        for reader in self._readers:
            reader.abandon()
