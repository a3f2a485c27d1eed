"""What has to be true of tables before and after their rows are copied.

Belongs here: the wanted columns are there and the same in every shard; who has snapshots. Does not
belong here: asking for the columns of one table (`table_columns.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from userprofile_assets.errors import SourceError, SourceMissingError
from userprofile_assets.ingestion.table_columns import query_columns, table_columns
from userprofile_assets.ingestion.table_errors import database_name
from userprofile_assets.ingestion.table_rows import reading_errors
from userprofile_assets.ingestion.table_select import TableSelect
from userprofile_assets.table_names import split_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    import sqlalchemy

    from userprofile_assets.ingestion.table_options import TableOptions


def wanted_columns(
    engine: sqlalchemy.Engine, connection: sqlalchemy.Connection, options: TableOptions
) -> list[dict[str, Any]]:
    """Return the columns to copy, and refuse shards that do not agree about them.

    Raises:
        SourceMissingError: The table, a column or the split key is not there.
        SourceError: The shards differ.
    """
    first, *others = TableSelect(connection, options).tables
    columns = _columns_of(engine, connection, options, first)
    for table in others:
        difference = other_type(columns, _columns_of(engine, connection, options, table))
        if difference is not None:
            raise SourceError(
                f"the columns of table {table} are not those of {first}: {difference}",
                where=database_name(engine),
                remedy="give all shards the same columns, or export them one by one",
            )
    return columns


def other_type(before: Sequence[dict[str, Any]], after: Sequence[dict[str, Any]]) -> str | None:
    """Say which column has another type; None when none has.

    The text of a value depends on nothing else, so a comment or NOT NULL is no difference.

    Args:
        before: Wanted columns.
        after: The same columns, of another table or at another time.
    """
    for old, new in zip(before, after, strict=True):
        if old["type"] != new["type"]:
            return f"{new['name']} is {new['type']}, not {old['type']}"
    return None


def _columns_of(
    engine: sqlalchemy.Engine,
    connection: sqlalchemy.Connection,
    options: TableOptions,
    table: str,
) -> list[dict[str, Any]]:
    if options.query is not None:
        columns = query_columns(engine, connection, options.query)
    else:
        columns = table_columns(engine, connection, table)
    there = {column["name"]: column for column in columns}
    wanted = [*options.columns, *([options.split_key] if options.split_key else [])]
    missing = [name for name in wanted if name not in there]
    if missing:
        raise SourceMissingError(
            f"{options.name if options.query else f'table {table}'} has no column "
            f"{', '.join(missing)}; its columns are {', '.join(there)}",
            where=database_name(engine),
            remedy="correct USERPROFILE_USER_COLUMNS or USERPROFILE_USER_SPLIT_KEY; "
            "a column that the database's user may not SELECT looks missing too",
        )
    return [there[name] for name in options.columns]


def without_snapshots(
    engine: sqlalchemy.Engine, connection: sqlalchemy.Connection, options: TableOptions
) -> str | None:
    """Return the first table of MySQL that is not InnoDB; of views and queries it is not known."""
    import sqlalchemy

    if options.query is not None:
        return options.name
    engines = sqlalchemy.text(
        "SELECT engine FROM information_schema.tables "
        "WHERE table_schema = COALESCE(:schema, DATABASE()) AND table_name = :name"
    )
    with reading_errors(engine, options, "reading the engine"):
        for table in TableSelect(connection, options).tables:
            schema, name = split_name(table)
            if connection.scalar(engines, {"schema": schema, "name": name}) != "InnoDB":
                return table
    return None
