"""Sending many rows to the database: the quickest way that each kind has.

Belongs here: which way. Does not belong here: the ways of SQLite and MySQL (`bulk_sqlite.py`,
`bulk_mysql.py`), transactions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from userprofile_assets.serving import bulk_mysql, bulk_sqlite
from userprofile_assets.serving.served_rows import ROW_NUMBER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import sqlalchemy


def insert_rows(
    connection: sqlalchemy.Connection,
    table: sqlalchemy.Table,
    fixed: Mapping[str, str],
    batches: Iterable[Any],
    log: Callable[[str], None],
) -> int:
    """Insert rows in the transaction of a connection.

    Args:
        connection: The connection.
        table: The table.
        fixed: Columns that have one value in all rows, such as the day.
        batches: Batches of Arrow with the table's other columns (`served_rows.served_batch`).
        log: Told when a quicker way is closed.

    Returns:
        The number of rows.

    Raises:
        ServingError: The database does not take a row, such as a second one with the same key.
    """
    numbered = _numbered(batches) if ROW_NUMBER in table.columns else batches
    name = connection.dialect.name
    if name == "sqlite":
        return bulk_sqlite.insert_rows(connection, table, fixed, numbered)
    if name in {"mysql", "mariadb"} and connection.dialect.driver == "pymysql":
        return bulk_mysql.insert_rows(connection, table, fixed, numbered, log)
    return _insert(connection, table, fixed, numbered)


def _numbered(batches: Iterable[Any]) -> Iterator[Any]:
    import numpy as np  # noqa: PLC0415 - definitions load without it
    import pyarrow as pa

    done = 0
    for batch in batches:
        numbers = pa.array(np.arange(done + 1, done + 1 + batch.num_rows, dtype=np.int64))
        done += batch.num_rows
        yield batch.add_column(0, ROW_NUMBER, numbers)


def _insert(
    connection: sqlalchemy.Connection,
    table: sqlalchemy.Table,
    fixed: Mapping[str, str],
    batches: Iterable[Any],
) -> int:
    """Insert by SQLAlchemy, which every database understands."""
    rows = 0
    for batch in batches:
        if batch.num_rows:
            connection.execute(table.insert(), [{**row, **fixed} for row in batch.to_pylist()])
        rows += batch.num_rows
    return rows
