"""The rows of a day out of its Parquet files, without Spark.

Belongs here: which files of a directory are the day's, and reading them batch by batch. Does not
belong here: which directory it is (Spark's catalogue knows), what becomes of the rows.
"""

from __future__ import annotations

import tempfile
from typing import IO, TYPE_CHECKING, Any

from userprofile_assets.errors import ServingError, StorageError
from userprofile_assets.serving.served_rows import BATCH_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from userprofile_assets.ingestion.store import ObjectStore


def parquet_batches(
    store: ObjectStore, directory: str, columns: Sequence[str], temporary: Path
) -> Iterator[Any]:
    """Yield the rows of all files of a directory, `BATCH_ROWS` at once.

    Parquet is read from its end, and a store gives an object from its start: so one file at a time
    lies in a temporary one that has no name, which nothing that is killed leaves behind.

    Args:
        store: The object storage.
        directory: Key of the directory.
        columns: The columns that are wanted, in any case; those a file lacks are left out.
        temporary: Directory for the temporary file; it is made.

    Raises:
        ServingError: A file is no Parquet.
        StorageError: The storage refuses, or there is no space for the temporary file.
        StorageUnavailableError: The storage does not answer.
    """
    wanted = {name.lower() for name in columns}
    for key in _data_files(store, directory):
        with _local_copy(store, key, temporary) as file:
            yield from _batches(file, wanted, f"{store.uri}/{key}")


def _data_files(store: ObjectStore, directory: str) -> list[str]:
    """Return the files that Spark would read: not hidden, not empty, not deeper."""
    prefix = f"{directory}/"
    found = []
    for info in store.list(prefix):
        name = info.key.removeprefix(prefix)
        if info.size and "/" not in name and not name.startswith(("_", ".")):
            found.append(info.key)
    return sorted(found)


def _local_copy(store: ObjectStore, key: str, temporary: Path) -> IO[bytes]:
    try:
        temporary.mkdir(parents=True, exist_ok=True)
        file = tempfile.TemporaryFile(dir=temporary)  # noqa: SIM115 - the caller's to close
    except OSError as error:
        raise _no_file(error, temporary) from error
    try:
        for chunk in store.read(key):
            file.write(chunk)
        file.seek(0)
    except OSError as error:
        file.close()
        raise _no_file(error, temporary) from error
    except BaseException:
        file.close()
        raise
    return file


def _no_file(error: OSError, temporary: Path) -> StorageError:
    return StorageError(
        f"a temporary file cannot be written ({error.strerror})",
        where=str(temporary),
        remedy="make USERPROFILE_HOME a directory with space that this user may write to",
    )


def _batches(file: IO[bytes], wanted: set[str], name: str) -> Iterator[Any]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        opened = parquet.ParquetFile(file)
        there = [column for column in opened.schema_arrow.names if column.lower() in wanted]
        # One thread: the other cores are Spark's and the database's.
        yield from opened.iter_batches(batch_size=BATCH_ROWS, columns=there, use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise ServingError(
            f"it cannot be read as Parquet ({error})",
            where=name,
            remedy="materialize the table's day again",
        ) from error
