"""Looking at a table without copying it: for metadata and for `userprofile doctor`.

Belongs here: one look at columns and statistics, one row as a probe. Does not belong here: the
connection (`table_engine.py`), columns (`table_columns.py`), reading all rows
(`open_snapshot.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from userprofile_assets.ingestion.table_columns import query_columns, table_columns
from userprofile_assets.ingestion.table_errors import MYSQL_DIALECTS, typed_errors
from userprofile_assets.ingestion.table_keys import table_keys
from userprofile_assets.ingestion.table_options import TableOptions, check_options
from userprofile_assets.ingestion.table_select import TableSelect, source_name
from userprofile_assets.ingestion.table_session import send_values_whole
from userprofile_assets.table_names import expand_tables, split_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    import sqlalchemy

__all__ = ["TableOptions", "observe_table", "probe_table"]


def observe_table(engine: sqlalchemy.Engine, options: TableOptions) -> dict[str, Any]:
    """Look at a table without reading it: for the metadata of the source.

    Returns:
        `kind`, `name`, `columns` and `keys` (of the first table), and `row_estimate` and
        `byte_estimate` where the database keeps them (MySQL: estimates of InnoDB's statistics,
        easily off by half).

    Raises:
        SettingsError: The options are not for this database, or contradict each other.
    """
    check_options(engine, options)
    with typed_errors(engine, doing="connecting"):
        connection = engine.connect()
    with connection:
        if engine.dialect.name in MYSQL_DIALECTS:
            with typed_errors(engine, doing="preparing the session"):
                send_values_whole(connection)
        facts: dict[str, Any] = {"kind": engine.dialect.name, "name": source_name(engine, options)}
        if options.query is not None:
            return {**facts, "columns": query_columns(engine, connection, options.query)}
        tables = expand_tables(options.table)
        facts["columns"] = table_columns(engine, connection, tables[0])
        keys = table_keys(engine, connection, tables[0])
        if keys:
            facts["keys"] = keys
        facts |= _statistics(engine, connection, tables)
    return facts


def probe_table(engine: sqlalchemy.Engine, options: TableOptions) -> int:
    """Read one row of the first table, as an export would see it, and return its number of fields.

    Returns:
        0 when no row is there.

    Raises:
        SourceError: The database refuses.
        SourceUnavailableError: It does not answer.
    """
    import sqlalchemy

    with typed_errors(engine, doing="connecting"):
        connection = engine.connect()
    with connection, typed_errors(engine, doing=f"reading a row of {options.name}"):
        select = TableSelect(connection, options)
        what: list[Any] = [sqlalchemy.column(name) for name in options.columns]
        row = connection.execute(select.of(select.tables[0], *what).limit(1)).first()
    return 0 if row is None else len(row)


def _statistics(
    engine: sqlalchemy.Engine, connection: sqlalchemy.Connection, tables: Sequence[str]
) -> dict[str, int]:
    """Return estimates of rows and bytes, those of all tables together; of a view, nothing."""
    if engine.dialect.name not in MYSQL_DIALECTS:
        return {}
    import sqlalchemy

    found: dict[str, int] = {}
    for table in tables:
        schema, name = split_name(table)
        with typed_errors(engine, doing=f"reading the statistics of table {table}"):
            row = connection.execute(
                sqlalchemy.text(
                    "SELECT table_rows AS row_estimate, "
                    "data_length + index_length AS byte_estimate "
                    "FROM information_schema.tables WHERE "
                    "table_schema = COALESCE(:schema, DATABASE()) AND table_name = :name"
                ),
                {"schema": schema, "name": name},
            ).first()
        for kind in ("row_estimate", "byte_estimate"):
            value = None if row is None else getattr(row, kind)
            if value is not None:
                found[kind] = found.get(kind, 0) + int(value)
    return found
