"""The SELECTs of what is copied, and what it is called.

Belongs here: table or query, the condition, names. Runs nothing. Does not belong here: the text of
a row (`table_rows.py`), key ranges (`key_ranges.py`).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from userprofile_assets.ingestion.table_columns import escape_percents
from userprofile_assets.ingestion.table_errors import database_name
from userprofile_assets.table_names import expand_tables, split_name

if TYPE_CHECKING:
    import sqlalchemy

    from userprofile_assets.ingestion.table_options import TableOptions


def source_name(engine: sqlalchemy.Engine, options: TableOptions) -> str:
    """Name a table for manifests and metadata: `db.table`, or for SQLite `file:table`."""
    if options.query is not None:
        return f"{database_name(engine)}:query"
    schema, name = split_name(options.table)
    if engine.dialect.name == "sqlite":
        return f"{database_name(engine)}:{options.table}"
    return f"{schema or engine.url.database or ''}.{name}".removeprefix(".")


def source_identity(engine: sqlalchemy.Engine, table: str, query: str | None) -> str:
    """Tell which source is read, for comparing it with that of another day; without secrets.

    Args:
        engine: Where it is.
        table: The table.
        query: The query with `${bizdate}` still in it, or None.
    """
    what = f"table {table}"
    if query is not None:
        what = f"query {hashlib.sha256(query.encode()).hexdigest()[:16]}"
    return f"{database_name(engine)}, {what}"


class TableSelect:
    """Builds the SELECTs of what is copied; runs none.

    Attributes:
        tables: The tables to read one after the other; one empty name for a query.
    """

    def __init__(self, connection: sqlalchemy.Connection, options: TableOptions) -> None:
        self._connection = connection
        self._options = options
        self.tables = expand_tables(options.table) if options.query is None else ("",)

    def of(
        self, table: str, *what: sqlalchemy.ColumnElement[Any], within: str | None = None
    ) -> sqlalchemy.Select[Any]:
        """Select from a table, under the condition.

        Args:
            table: One of `tables`.
            what: The columns.
            within: One more condition, of `key_ranges.py`.
        """
        import sqlalchemy
        from sqlalchemy.sql import quoted_name

        options = self._options
        if options.query is None:
            schema, name = split_name(table)
            source = sqlalchemy.table(name, schema=schema)
        else:
            # The line end keeps a closing comment from swallowing the bracket, here and below.
            query = escape_percents(self._connection, f"({options.query}\n) AS q")
            source = sqlalchemy.table(quoted_name(query, quote=False))
        select = sqlalchemy.select(*what).select_from(source)
        for condition in (options.where, within):
            if condition is not None:
                # Not text(): it would take `:name` inside of the condition for a parameter.
                select = select.where(
                    sqlalchemy.literal_column(f"({condition}\n)", sqlalchemy.Boolean)
                )
        return select

    def in_order(self, select: sqlalchemy.Select[Any]) -> sqlalchemy.Select[Any]:
        """Order by the split key, if there is one."""
        import sqlalchemy

        key = self._options.split_key
        return select.order_by(sqlalchemy.column(key)) if key else select
