"""The columns of a table or a query: name, type, comment, nullable.

Belongs here: asking the database what there is. Does not belong here: reading rows
(`table_rows.py`), what a type's text is (`mysql_lines.py`).
"""

from __future__ import annotations

import difflib
import warnings
from typing import TYPE_CHECKING, Any

from userprofile_assets.errors import SourceMissingError
from userprofile_assets.ingestion.table_errors import MYSQL_DIALECTS, database_name, typed_errors
from userprofile_assets.table_names import split_name

if TYPE_CHECKING:
    import sqlalchemy


def table_columns(
    engine: sqlalchemy.Engine, connection: sqlalchemy.Connection, table: str
) -> list[dict[str, Any]]:
    """Return the columns of a table, in the table's order.

    Raises:
        SourceMissingError: There is no such table; names near ones.
    """
    import sqlalchemy

    schema, name = split_name(table)
    with typed_errors(engine, doing=f"reading the columns of table {table}"):
        if engine.dialect.name in MYSQL_DIALECTS:
            columns = _mysql_columns(connection, name, schema)
        else:
            columns = _inspected_columns(connection, name, schema)
        if not columns:
            near = _near_tables(sqlalchemy.inspect(connection), name, schema)
            raise SourceMissingError(
                f"there is no table {table}" + (f"; near names: {', '.join(near)}" if near else ""),
                where=database_name(engine),
                remedy="correct USERPROFILE_USER_TABLE, or the database in USERPROFILE_MYSQL_URL; "
                "a table that its user may not SELECT from looks missing too",
            )
    return columns


def _mysql_columns(
    connection: sqlalchemy.Connection, name: str, schema: str | None
) -> list[dict[str, Any]]:
    """Ask information_schema: SQLAlchemy's inspector uses SHOW CREATE TABLE instead.

    That needs rights on the whole table, which a careful grant of some columns does not give, and
    it loses the names of types that SQLAlchemy does not know.
    """
    import sqlalchemy

    found = connection.execute(
        sqlalchemy.text(
            "SELECT column_name, column_type, column_comment, is_nullable "
            "FROM information_schema.columns "
            "WHERE table_schema = COALESCE(:schema, DATABASE()) AND table_name = :name "
            "ORDER BY ordinal_position"
        ),
        {"schema": schema, "name": name},
    )
    return [
        {"name": column, "type": kind, "comment": comment or None, "nullable": nullable == "YES"}
        for column, kind, comment, nullable in found
    ]


def _inspected_columns(
    connection: sqlalchemy.Connection, name: str, schema: str | None
) -> list[dict[str, Any]]:
    import sqlalchemy
    from sqlalchemy import exc

    with warnings.catch_warnings():
        # A type that SQLAlchemy does not know is no harm: values are read without types.
        warnings.simplefilter("ignore", exc.SAWarning)
        try:
            columns = sqlalchemy.inspect(connection).get_columns(name, schema=schema)
        except exc.NoSuchTableError:
            return []
    return [
        {
            "name": column["name"],
            "type": _type_name(column["type"], connection.dialect),
            "comment": column.get("comment") or None,
            "nullable": bool(column.get("nullable", True)),
        }
        for column in columns
    ]


def _near_tables(inspector: sqlalchemy.Inspector, name: str, schema: str | None) -> list[str]:
    from sqlalchemy import exc

    try:
        names = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
    except exc.DBAPIError:
        return []  # no such schema, or no right to list it: the message does without
    return difflib.get_close_matches(name, names, n=3, cutoff=0.5)


def _type_name(kind: Any, dialect: sqlalchemy.Dialect) -> str:
    """Write a type as its database does."""
    from sqlalchemy import exc

    try:
        return str(kind.compile(dialect=dialect))
    except exc.CompileError:
        return "unknown"


def query_columns(
    engine: sqlalchemy.Engine, connection: sqlalchemy.Connection, query: str
) -> list[dict[str, Any]]:
    """Return the columns of a query, without running more of it than the server must.

    Raises:
        SourceError: The database refuses the query.
    """
    with typed_errors(
        engine,
        doing="reading the columns of the query",
        remedy="check USERPROFILE_USER_QUERY: one SELECT, each of its columns with a name of its "
        "own, no semicolon",
    ):
        result = connection.exec_driver_sql(
            escape_percents(connection, f"SELECT * FROM ({query}\n) AS q WHERE 1 = 0")  # noqa: S608 - the query is the setting
        )
        with result:
            cursor: Any = result.cursor
            fields = getattr(getattr(cursor, "_result", None), "fields", None)
            return [
                {
                    "name": column[0],
                    "type": "unknown" if fields is None else _wire_type(fields[index]),
                    "comment": None,
                    "nullable": True,
                }
                for index, column in enumerate(cursor.description)
            ]


_BINARY_CHARSET = 63
_ZEROFILL = 64
_WIRE_TYPES = {
    7: "timestamp", 10: "date", 12: "datetime", 16: "bit", 242: "vector", 247: "enum", 248: "set",
    255: "geometry",
}  # fmt: skip
_WIRE_BLOBS = range(249, 253)
_WIRE_STRINGS = {15, 253, 254}


def _wire_type(field: Any) -> str:
    """Name the type of a result's column as far as its text form depends on it (PyMySQL)."""
    code = field.type_code
    if code in _WIRE_BLOBS:
        return "blob" if field.charsetnr == _BINARY_CHARSET else "text"
    if code in _WIRE_STRINGS:
        return "varbinary" if field.charsetnr == _BINARY_CHARSET else "varchar"
    if field.flags & _ZEROFILL:
        return "int zerofill"
    return _WIRE_TYPES.get(code, "number")


def escape_percents(connection: sqlalchemy.Connection, sql: str) -> str:
    """Double the percent signs for drivers that take one for a parameter."""
    return sql.replace("%", "%%") if connection.dialect.paramstyle.endswith("format") else sql
