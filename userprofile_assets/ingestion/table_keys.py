"""The keys of a table: primary, unique, other indexes.

Belongs here: asking the database. Does not belong here: its columns (`table_columns.py`).
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from userprofile_assets.ingestion.table_errors import MYSQL_DIALECTS, typed_errors
from userprofile_assets.table_names import split_name

if TYPE_CHECKING:
    import sqlalchemy

_PRIMARY = "PRIMARY"


def table_keys(
    engine: sqlalchemy.Engine, connection: sqlalchemy.Connection, table: str
) -> list[dict[str, Any]]:
    """Return the keys of a table, the primary one first; of a view, none.

    Returns:
        For each `kind` (`primary`, `unique`, `index`), `name` and `columns` in their order. A key
        of an expression is left out, since it is one of no column.

    Raises:
        SourceError: The database refuses.
        SourceUnavailableError: It does not answer.
    """
    schema, name = split_name(table)
    with typed_errors(engine, doing=f"reading the keys of table {table}"):
        if engine.dialect.name in MYSQL_DIALECTS:
            keys = _mysql_keys(connection, name, schema)
        else:
            keys = _inspected_keys(connection, name, schema)
    order = ("primary", "unique", "index")
    return sorted(keys, key=lambda key: (order.index(key["kind"]), key["name"]))


def _mysql_keys(
    connection: sqlalchemy.Connection, name: str, schema: str | None
) -> list[dict[str, Any]]:
    """Ask information_schema, for the reason that `table_columns.py` gives."""
    import sqlalchemy

    found = connection.execute(
        sqlalchemy.text(
            "SELECT index_name, non_unique, column_name FROM information_schema.statistics "
            "WHERE table_schema = COALESCE(:schema, DATABASE()) AND table_name = :name "
            "ORDER BY index_name, seq_in_index"
        ),
        {"schema": schema, "name": name},
    )
    keys: dict[str, dict[str, Any]] = {}
    for key, not_unique, column in found:
        kind = "primary" if key == _PRIMARY else "index" if int(not_unique) else "unique"
        entry = keys.setdefault(key, {"kind": kind, "name": key, "columns": []})
        entry["columns"].append(column)
    return [key for key in keys.values() if None not in key["columns"]]


def _inspected_keys(
    connection: sqlalchemy.Connection, name: str, schema: str | None
) -> list[dict[str, Any]]:
    import sqlalchemy
    from sqlalchemy import exc

    inspector = sqlalchemy.inspect(connection)
    primary = inspector.get_pk_constraint(name, schema=schema)["constrained_columns"]
    keys: list[dict[str, Any]] = []
    if primary:
        keys.append({"kind": "primary", "name": _PRIMARY, "columns": list(primary)})
    with warnings.catch_warnings():
        # It warns of indexes of expressions, which it leaves out.
        warnings.simplefilter("ignore", exc.SAWarning)
        indexes = inspector.get_indexes(name, schema=schema)
    for index in indexes:
        columns = index["column_names"]
        if None not in columns and columns != primary:
            kind = "unique" if index["unique"] else "index"
            keys.append({"kind": kind, "name": index["name"] or "", "columns": list(columns)})
    return keys
