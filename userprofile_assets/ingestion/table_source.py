"""Looking at a table without copying it: for metadata and for `userprofile doctor`.

Belongs here: one look at columns and statistics, one row as a probe. Does not belong here: the
connection (`table_engine.py`), columns (`table_columns.py`), reading all rows
(`open_snapshot.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from userprofile_assets.ingestion.table_columns import query_columns, table_columns
from userprofile_assets.ingestion.table_errors import MYSQL_DIALECTS, typed_errors
from userprofile_assets.ingestion.table_options import TableOptions, check_options
from userprofile_assets.ingestion.table_select import TableSelect, source_name
from userprofile_assets.table_names import expand_tables, split_name

if TYPE_CHECKING:
    import sqlalchemy

__all__ = ["TableOptions", "observe_table", "probe_table"]


def observe_table(engine: sqlalchemy.Engine, options: TableOptions) -> dict[str, Any]:
    """Look at a table without reading it: for the metadata of the source.

    Returns:
        `kind`, `name`, `columns` (all of the first table), and `row_estimate` where the database
        keeps one (MySQL: an estimate of InnoDB's statistics, easily off by half).

    Raises:
        SettingsError: The options are not for this database, or contradict each other.
    """
    check_options(engine, options)
    with typed_errors(engine, doing="connecting"):
        connection = engine.connect()
    with connection:
        facts: dict[str, Any] = {"kind": engine.dialect.name, "name": source_name(engine, options)}
        if options.query is not None:
            return {**facts, "columns": query_columns(engine, connection, options.query)}
        tables = expand_tables(options.table)
        facts["columns"] = table_columns(engine, connection, tables[0])
        if engine.dialect.name in MYSQL_DIALECTS:
            estimates = [_row_estimate(engine, connection, table) for table in tables]
            known = [estimate for estimate in estimates if estimate is not None]
            if known:  # a view has none
                facts["row_estimate"] = sum(known)
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


def _row_estimate(
    engine: sqlalchemy.Engine, connection: sqlalchemy.Connection, table: str
) -> int | None:
    import sqlalchemy

    schema, name = split_name(table)
    with typed_errors(engine, doing=f"reading the statistics of table {table}"):
        estimate = connection.scalar(
            sqlalchemy.text(
                "SELECT table_rows FROM information_schema.tables WHERE "
                "table_schema = COALESCE(:schema, DATABASE()) AND table_name = :name"
            ),
            {"schema": schema, "name": name},
        )
    return None if estimate is None else int(estimate)
