"""Many rows into SQLite: one prepared statement of its driver, without SQLAlchemy around each row.

Belongs here: values of Arrow as Python's, quickly. Does not belong here: anything of other
databases.
"""

from __future__ import annotations

import sqlite3
from itertools import repeat
from typing import TYPE_CHECKING, Any

from userprofile_assets.serving.served_rows import not_taken

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import sqlalchemy

# KiB of pages that a publishing holds: the trees of a day with a million profiles fit.
_CACHE_KIB = 256 * 1024

# Below so many different values a column costs less as a dictionary.
_FEW_VALUES = 4096


def insert_rows(
    connection: sqlalchemy.Connection,
    table: sqlalchemy.Table,
    fixed: Mapping[str, str],
    batches: Iterable[Any],
) -> int:
    """Insert rows; see `bulk.insert_rows`."""
    raw = connection.connection.driver_connection
    if raw is None:
        raise AssertionError("an open connection has a driver's")
    raw.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    rows = 0
    for batch in batches:
        columns = [*fixed, *batch.schema.names]
        marks = ", ".join("?" * len(columns))
        sql = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 - our own names
        values = [repeat(value, batch.num_rows) for value in fixed.values()]
        lists = [_python_values(column) for column in batch.columns]
        try:
            raw.executemany(sql, zip(*values, *lists, strict=True))
        except sqlite3.IntegrityError as error:
            # Not chained: SQLite's message names columns only, MySQL's the value, see there.
            raise not_taken(table.name, str(error)) from None
        rows += batch.num_rows
    return rows


def _python_values(column: Any) -> list[Any]:
    """Return a column as a list, 5 times as fast as `to_pylist` where few values repeat."""
    import numpy as np  # noqa: PLC0415 - definitions load without it
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_integer(column.type) and not column.null_count:
        numbers: list[Any] = column.to_numpy().tolist()
        return numbers
    encoded = pc.dictionary_encode(column, null_encoding="encode")
    if len(encoded.dictionary) > _FEW_VALUES:
        values: list[Any] = column.to_pylist()
        return values
    known = np.array([*encoded.dictionary.to_pylist(), None], dtype=object)
    taken: list[Any] = known[encoded.indices.to_numpy()].tolist()
    return taken
