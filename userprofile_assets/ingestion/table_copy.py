"""Copy a table into one object: snapshot -> text -> publish.

Belongs here: putting the parts together, the check that nothing was lost, the facts for the
manifest. Nothing is kept on the local disk but what the store itself needs for an upload.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from userprofile_assets.errors import SourceError
from userprofile_assets.ingestion.open_snapshot import open_snapshot
from userprofile_assets.ingestion.retry import retrying
from userprofile_assets.ingestion.table_errors import database_name
from userprofile_assets.ingestion.table_options import TableOptions
from userprofile_assets.ingestion.table_select import source_name
from userprofile_assets.ingestion.text_dialect import check_delimiter

if TYPE_CHECKING:
    from collections.abc import Callable

    import sqlalchemy

    from userprofile_assets.ingestion.manifest import Manifest
    from userprofile_assets.ingestion.publish import Publisher, Sink, Target

__all__ = ["TableOptions", "copy_table"]


def copy_table(
    engine: sqlalchemy.Engine,
    *,
    publisher: Publisher,
    target: Target,
    options: TableOptions,
    log: Callable[[str], None],
) -> Manifest:
    """Publish the rows of a table as one object of delimited text.

    A transient error starts the whole export again, on a new connection and a new snapshot:
    going on behind the last row would mix two snapshots.

    Args:
        engine: Where the table is; see `table_engine.engine_for`.
        publisher: Publishes the object with its manifest, all or nothing.
        target: The day's object.
        options: What to copy.
        log: Told in sentences what happens.

    Raises:
        SourceMissingError: The table, a column or the split key is not there.
        SourceError: The database refuses, a value has no text form, or the rows that came are
            not as many as the snapshot counted.
        SourceUnavailableError: The database did not answer, on every try.
    """
    check_delimiter(options.delimiter)

    def write(sink: Sink) -> dict[str, Any]:
        return _export(engine, sink, options, log)

    @retrying(log)
    def attempt() -> Manifest:
        return publisher.publish(target, write)

    return attempt()


def _export(
    engine: sqlalchemy.Engine, sink: Sink, options: TableOptions, log: Callable[[str], None]
) -> dict[str, Any]:
    """Write all rows of one snapshot into `sink` and return the facts about the source."""
    name = source_name(engine, options)
    with open_snapshot(engine, options) as snapshot:
        if "slices" in snapshot.facts:
            log(f"{name}: read in {snapshot.facts['slices']} slices")
        if snapshot.rows is not None:
            log(f"{name}: {snapshot.rows} rows in the snapshot")
        for text in snapshot.text():
            sink.write(text)
        if sink.rows != snapshot.rows:
            raise SourceError(
                f"the snapshot counted {snapshot.rows} rows of {options.name}, "
                f"but {sink.rows} came",
                where=database_name(engine),
                remedy="the table changed while it was read: only InnoDB tables have snapshots; "
                "run again when nobody writes, or convert the table",
            )
        snapshot.check_columns()
        return {
            "kind": engine.dialect.name,
            "name": name,
            "rows": snapshot.rows,
            "columns": snapshot.columns,
            "where": options.where,
            "split_key": options.split_key,
            **snapshot.facts,
        }
