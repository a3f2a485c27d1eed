"""Read CREATE TABLE: columns, format, places.

Belongs here: what one CREATE TABLE says, and the rules that it must keep. Does not belong here:
what fills the table (`ddl.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from userprofile_assets.errors import SqlFileError
from userprofile_assets.warehouse.table_model import Column
from userprofile_assets.warehouse.variables import BIZDATE, expand

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from userprofile_assets.warehouse.statements import ParsedStatement
    from userprofile_assets.warehouse.table_model import SqlFile

PARTITION_COLUMN = "dt"
# What Spark calls them in DESCRIBE TABLE EXTENDED; `colelction` is Hive's spelling.
_SERDE_PROPERTIES = {
    "fields": "field.delim",
    "escaped": "escape.delim",
    "collection_items": "colelction.delim",
    "map_keys": "mapkey.delim",
    "lines": "line.delim",
    "null": "serialization.null.format",
}


@dataclass(frozen=True, kw_only=True)
class CreateTable:
    """What CREATE TABLE says; see `TableDefinition` for the attributes."""

    comment: str | None
    columns: tuple[Column, ...]
    partition_columns: tuple[Column, ...]
    format: str
    options: Mapping[str, str]
    properties: Mapping[str, str]
    location: str | None


def check_target(file: SqlFile, line: int, table: object, verb: str) -> None:
    """Refuse a statement that works on another table than the file's own."""
    name = table_name(table) if isinstance(table, exp.Table) else str(table)
    if name != file.table:
        raise SqlFileError(
            f"it {verb} {name}, but the file is that of {file.table}",
            where=file.at(line),
            remedy=f"rename one of them; a file {file.layer}/{name}.sql would be the table's, "
            "and a table is named without database",
        )


def table_name(table: exp.Table) -> str:
    """Return a table's name as it is compared: lower case, with the database if one is written."""
    return ".".join(part.name.lower() for part in table.parts)


def read_create_table(
    file: SqlFile, parsed: ParsedStatement, variables: Mapping[str, str]
) -> CreateTable:
    """Read a CREATE TABLE.

    Raises:
        SqlFileError: It breaks a rule; names file and line.
    """
    tree, line = parsed.tree, parsed.statement.line
    schema = tree.this
    if not isinstance(schema, exp.Schema) or tree.args.get("expression") is not None:
        raise SqlFileError(
            "CREATE TABLE does not list columns",
            where=file.at(line),
            remedy="list the columns with types, and write the query as INSERT OVERWRITE",
        )
    check_target(file, line, schema.this, "creates")
    if not tree.args.get("exists"):
        raise SqlFileError(
            "CREATE TABLE without IF NOT EXISTS fails on the second day",
            where=file.at(line),
            remedy="write CREATE TABLE IF NOT EXISTS",
        )
    found = tree.args.get("properties")
    clauses: list[exp.Expr] = list(found.expressions) if found is not None else []
    where = file.at(line)
    location = literal(first_clause(clauses, exp.LocationProperty), variables, where)
    _check_location(file, line, location, external=first_clause(clauses, exp.ExternalProperty))
    columns, partition_columns = _columns(file, line, schema, clauses)
    options = {
        key: expand(value, variables, keep=(BIZDATE,), where=where)
        for key, value in _options(clauses).items()
    }
    return CreateTable(
        comment=literal(first_clause(clauses, exp.SchemaCommentProperty), variables, where),
        columns=columns,
        partition_columns=partition_columns,
        format=_format(clauses),
        options=options,
        properties=pairs(item for item in clauses if type(item) is exp.Property),
        location=location,
    )


def _check_location(
    file: SqlFile, line: int, location: str | None, *, external: exp.Expr | None
) -> None:
    if external is not None and location is None:
        raise SqlFileError(
            "CREATE EXTERNAL TABLE has no LOCATION",
            where=file.at(line),
            remedy="add LOCATION, or leave out EXTERNAL",
        )
    if location is not None and f"${{{BIZDATE}}}" in location:
        raise SqlFileError(
            "the table's LOCATION has ${bizdate}: that of the first day would stay for ever",
            where=file.at(line),
            remedy="give the table the directory above, and each day its own in ADD PARTITION",
        )


def first_clause(clauses: list[exp.Expr], kind: type[exp.Expr]) -> exp.Expr | None:
    """Return the clause of a kind, such as COMMENT, if there is one."""
    return next((clause for clause in clauses if isinstance(clause, kind)), None)


def literal(clause: exp.Expr | None, variables: Mapping[str, str], where: str) -> str | None:
    """Return the string of a clause such as COMMENT 'x', variables but the day replaced."""
    if clause is None:
        return None
    return expand(clause.this.name, variables, keep=(BIZDATE,), where=where)


def _columns(
    file: SqlFile, line: int, schema: exp.Schema, clauses: list[exp.Expr]
) -> tuple[tuple[Column, ...], tuple[Column, ...]]:
    """Return columns and partition columns.

    PARTITIONED BY either names columns of the list (USING) or declares further ones (Hive).
    """
    listed = [read_column(item) for item in schema.expressions if isinstance(item, exp.ColumnDef)]
    clause = first_clause(clauses, exp.PartitionedByProperty)
    items: list[exp.Expr] = [] if clause is None else clause.this.expressions
    declared = {
        item.name.lower(): read_column(item) for item in items if isinstance(item, exp.ColumnDef)
    }
    known = {column.name.lower(): column for column in listed} | declared
    names = [item.name.lower() for item in items]
    if names != [PARTITION_COLUMN] or PARTITION_COLUMN not in known:
        raise SqlFileError(
            "the table is not partitioned by the one column "
            f"{PARTITION_COLUMN}, but by ({', '.join(names)})",
            where=file.at(line),
            remedy=f"declare the column {PARTITION_COLUMN} STRING and write "
            f"PARTITIONED BY ({PARTITION_COLUMN}): a partition is a business date",
        )
    columns = tuple(column for column in listed if column.name.lower() not in names)
    return columns, tuple(known[name] for name in names)


def read_column(item: exp.ColumnDef) -> Column:
    """Return the column that an entry of a list of columns declares."""
    comment = next(
        (
            constraint.kind.this.name
            for constraint in item.args.get("constraints") or []
            if isinstance(constraint.kind, exp.CommentColumnConstraint)
        ),
        None,
    )
    kind = item.args.get("kind")
    return Column(item.name, "" if kind is None else simple_type(kind), comment)


def simple_type(kind: exp.Expr) -> str:
    """Write a type as Spark's simpleString: `DECIMAL(10, 2)` is decimal(10,2)."""
    written = kind.sql(dialect="spark").lower()
    return written.replace(": ", ":").replace(", ", ",")


def _format(clauses: list[exp.Expr]) -> str:
    clause = first_clause(clauses, exp.FileFormatProperty)
    if clause is None:
        row_format = first_clause(clauses, exp.RowFormatDelimitedProperty)
        # Spark 4: ROW FORMAT alone makes a Hive text table, nothing at all a Parquet one.
        return "parquet" if row_format is None else "hive text"
    name = clause.this.name.lower() or "custom"
    if not clause.args.get("hive_format"):
        return str(name)
    return f"hive {'text' if name == 'textfile' else name}"


def _options(clauses: list[exp.Expr]) -> dict[str, str]:
    given = first_clause(clauses, exp.OptionsProperty)
    if given is not None:
        return pairs(given.expressions)
    delimited = first_clause(clauses, exp.RowFormatDelimitedProperty)
    if delimited is not None:
        return {
            key: delimited.args[arg].name
            for arg, key in _SERDE_PROPERTIES.items()
            if delimited.args.get(arg) is not None
        }
    serde = first_clause(clauses, exp.RowFormatSerdeProperty)
    if serde is not None and serde.args.get("serde_properties") is not None:
        return pairs(serde.args["serde_properties"].expressions)
    return {}


def pairs(items: Iterable[exp.Expr]) -> dict[str, str]:
    """Return `'key' = 'value'` entries as a dict."""
    return {item.this.name: item.args["value"].name for item in items}
