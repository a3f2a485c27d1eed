"""Write the rows of a lookup as one Parquet file, in bounded memory.

Belongs here: types, sizes of row groups, compression. Does not belong here: where the bytes go.

Snappy, since every reader of Spark's own default knows it. The Arrow schema is left out of the
footer: Spark does not read it, and the file stays the same for the same rows.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from userprofile_assets.errors import PermanentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pyarrow as pa

    from userprofile_assets.enrichment.lookup import LookupColumn

# A row group is held in memory. 64k rows of an agent table are about 15 MB; the second limit is for
# values of several MB, of which 64k would not fit into memory, nor into one Arrow string array.
_GROUP_ROWS = 65_536
_GROUP_CHARACTERS = 32 * 1024**2


def write_parquet(
    rows: Iterator[tuple[Any, ...]],
    columns: Sequence[LookupColumn],
    sink: Callable[[bytes], Any],
) -> int:
    """Write `rows` as a Parquet file and return their number.

    Args:
        rows: Tuples in the order of `columns`; None is NULL.
        columns: Names and types; comments belong to the catalogue and are not written.
        sink: Takes the bytes of the file in order, as `Upload.write` or `file.write` do.

    Raises:
        PermanentError: A value does not fit the type of its column; names the row group and column.
    """
    import pyarrow as pa
    from pyarrow import parquet

    arrow = {"string": pa.string(), "bigint": pa.int64(), "boolean": pa.bool_()}
    schema = pa.schema([(column.name, arrow[column.type]) for column in columns])
    count = 0
    target = pa.PythonFile(_Forward(sink), mode="w")
    with parquet.ParquetWriter(target, schema, compression="snappy", store_schema=False) as writer:
        for group in _groups(rows):
            writer.write_table(_table(group, schema, first_row=count), row_group_size=len(group))
            count += len(group)
    target.close()
    return count


def _groups(rows: Iterator[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    group: list[tuple[Any, ...]] = []
    characters = 0
    for row in rows:
        group.append(row)
        characters += sum(len(value) for value in row if isinstance(value, str))
        if len(group) >= _GROUP_ROWS or characters >= _GROUP_CHARACTERS:
            yield group
            group, characters = [], 0
    if group:
        yield group


def _table(group: list[tuple[Any, ...]], schema: pa.Schema, *, first_row: int) -> pa.Table:
    import pyarrow as pa

    arrays = []
    for field, values in zip(schema, zip(*group, strict=True), strict=True):
        try:
            arrays.append(pa.array(values, type=field.type))
        except (pa.ArrowException, UnicodeError, OverflowError) as error:
            raise PermanentError(
                f"a value of rows {first_row + 1:,} to {first_row + len(group):,} is no "
                f"{field.type} ({error})",
                where=f"column {field.name}",
                remedy="this is a defect of the lookup that made the rows; report it",
            ) from error
    return pa.Table.from_arrays(arrays, schema=schema)


class _Forward(io.RawIOBase):
    """A file that hands on what is written and can say only how much that was."""

    def __init__(self, sink: Callable[[bytes], Any]) -> None:
        self._sink = sink
        self._written = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        size = len(data)
        self._sink(bytes(data))
        self._written += size
        return size

    def tell(self) -> int:
        return self._written
