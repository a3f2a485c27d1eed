"""Rows of Spark's tables as the serving database takes them: its columns, types and texts.

Belongs here: what becomes of a batch before any database sees it. Does not belong here: reading
files (`parquet_day.py`), sending rows (`bulk.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from userprofile_assets.errors import ServingError
from userprofile_assets.serving.arrow_texts import storable

if TYPE_CHECKING:
    import sqlalchemy

BATCH_ROWS = 65_536
"""Rows that are held at once."""

ROW_NUMBER = "row_no"
DAY = "dt"


def data_columns(table: sqlalchemy.Table) -> list[str]:
    """Return the columns that come from the rows: neither the day nor the row's number."""
    return [column.name for column in table.columns if column.name not in {DAY, ROW_NUMBER}]


def served_batch(batch: Any, table: sqlalchemy.Table) -> Any:
    """Return a batch with the columns of a table, in their order; those it lacks are NULL.

    Args:
        batch: A `pyarrow.RecordBatch`, columns by name in any case.
        table: The table of the serving database.

    Raises:
        ServingError: A column has another type than the table's, or a number is too large.
    """
    import pyarrow as pa

    by_name = {name.lower(): name for name in batch.schema.names}
    names = data_columns(table)
    arrays = []
    for name in names:
        column = table.columns[name]
        found = by_name.get(name)
        values = None if found is None else batch.column(found)
        arrays.append(_values(values, column, batch.num_rows))
    return pa.RecordBatch.from_arrays(arrays, names=names)


def not_taken(table: str, what: str) -> ServingError:
    """Return the error for rows that the database does not take, without a value of a row.

    Args:
        table: The table.
        what: What came back.
    """
    return ServingError(
        f"the rows of the day do not fit the table: {what}",
        where=table,
        remedy="look for a uid that the table of Spark has twice; the former day is still served",
    )


def _values(values: Any, column: sqlalchemy.Column[Any], rows: int) -> Any:
    import pyarrow as pa

    wanted = _arrow_type(column)
    if values is None:
        values = pa.nulls(rows, wanted)
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if _is_text(wanted) != _is_text(values.type) and not pa.types.is_null(values.type):
        raise _wrong(column, values.type)
    try:
        values = values.cast(wanted)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise _wrong(column, values.type) from error
    if not _is_text(wanted):
        return values
    length: int = getattr(column.type, "length", 0)
    return storable(values, length, needs_text=not column.nullable)


def _arrow_type(column: sqlalchemy.Column[Any]) -> Any:
    import pyarrow as pa
    import sqlalchemy

    if isinstance(column.type, sqlalchemy.Boolean):
        return pa.bool_()
    return pa.int64() if isinstance(column.type, sqlalchemy.Integer) else pa.string()


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _wrong(column: sqlalchemy.Column[Any], kind: Any) -> ServingError:
    return ServingError(
        f"column {column.name} has the type {kind}, or a value that does not fit",
        where=str(column.table.name),
        remedy="let the table in sql/ have the column's type as this project ships it",
    )
