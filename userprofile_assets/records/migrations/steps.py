"""Steps of revisions that may be run again after a kill."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlalchemy


def make_tables(connection: sqlalchemy.Connection, metadata: sqlalchemy.MetaData) -> None:
    """Make the tables and the indexes that are not there yet.

    MySQL makes an index by a statement of its own, so a killed process leaves a table without.
    """
    for table in metadata.sorted_tables:
        table.create(connection, checkfirst=True)
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            index.create(connection, checkfirst=True)
