"""Read CREATE TABLE and ADD PARTITION: a file's statements become its table's definition.

Belongs here: columns, format, places, and the rules that one file must keep by itself. Does not
belong here: anything that needs a second file (`graph.py`), or columns of a SELECT (`lineage.py`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from userprofile_assets.errors import SqlFileError
from userprofile_assets.warehouse.statements import BIZDATE, ParsedStatement, parse_statements
from userprofile_assets.warehouse.table_model import Column, SqlFile, TableDefinition
from userprofile_assets.warehouse.variables import expand

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PARTITION_COLUMN = "dt"
_OF_THE_DAY = f"{PARTITION_COLUMN} = '${{{BIZDATE}}}'"
# What Spark calls them in DESCRIBE TABLE EXTENDED; `colelction` is Hive's spelling.
_SERDE_PROPERTIES = {
    "fields": "field.delim",
    "escaped": "escape.delim",
    "collection_items": "colelction.delim",
    "map_keys": "mapkey.delim",
    "lines": "line.delim",
    "null": "serialization.null.format",
}


@dataclass(frozen=True)
class ParsedTable:
    """A definition, and the tree of its INSERT for what only the graph can tell."""

    definition: TableDefinition
    insert: exp.Insert | None


def parse_table(file: SqlFile, variables: Mapping[str, str]) -> ParsedTable:
    """Read what a file says about its table; `reads` and `column_lineage` stay empty.

    Args:
        file: The file.
        variables: Values by name; `bizdate` is left in places where it stands.

    Raises:
        SqlFileError: The file does not parse or breaks a rule; names file and line.
    """
    parsed = parse_statements(file, variables)
    create = _only(file, parsed, "create", "CREATE TABLE")
    if create is None:
        raise SqlFileError(
            "there is no CREATE TABLE",
            where=file.name,
            remedy=f"add CREATE TABLE IF NOT EXISTS {file.table} (...)",
        )
    partition = _only(file, parsed, "add_partition", "ADD PARTITION")
    insert = _only(file, parsed, "insert", "INSERT")
    for other in (partition, insert):
        if other is not None:
            _check_after(file, create, other)
    table = _read_create(file, create, variables)
    place = None if partition is None else _read_partition(file, partition, variables)
    if insert is not None:
        _check_insert(file, insert)
    _check_filled(file, create, place=place, insert=insert)
    definition = TableDefinition(
        table=file.table,
        layer=file.layer,
        file=file,
        description=file.description,
        comment=table.comment,
        columns=table.columns,
        partition_columns=table.partition_columns,
        is_external=table.location is not None,
        format=table.format,
        options=table.options,
        properties=table.properties,
        location=table.location,
        partition_location=place,
        statements=tuple(item.statement for item in parsed),
        code_version=hashlib.sha256(file.text.encode("utf-8")).hexdigest()[:12],
    )
    tree = None if insert is None else insert.tree
    return ParsedTable(definition, tree if isinstance(tree, exp.Insert) else None)


@dataclass(frozen=True, kw_only=True)
class _Create:
    comment: str | None
    columns: tuple[Column, ...]
    partition_columns: tuple[Column, ...]
    format: str
    options: Mapping[str, str]
    properties: Mapping[str, str]
    location: str | None


def _only(
    file: SqlFile, parsed: list[ParsedStatement], kind: str, shown: str
) -> ParsedStatement | None:
    found = [item for item in parsed if item.statement.kind == kind]
    if len(found) > 1:
        raise SqlFileError(
            f"{shown} stands here and in line {found[0].statement.line}",
            where=file.at(found[1].statement.line),
            remedy="a file makes one table, and an INSERT OVERWRITE replaces what one before it "
            "wrote: keep one of them, with UNION ALL where it has several sources",
        )
    return found[0] if found else None


def _check_after(file: SqlFile, create: ParsedStatement, later: ParsedStatement) -> None:
    if later.statement.line < create.statement.line:
        raise SqlFileError(
            f"it needs the table that line {create.statement.line} creates",
            where=file.at(later.statement.line),
            remedy="put CREATE TABLE first",
        )


def _check_target(file: SqlFile, line: int, table: object, verb: str) -> None:
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


def _read_create(file: SqlFile, parsed: ParsedStatement, variables: Mapping[str, str]) -> _Create:
    tree, line = parsed.tree, parsed.statement.line
    schema = tree.this
    if not isinstance(schema, exp.Schema) or tree.args.get("expression") is not None:
        raise SqlFileError(
            "CREATE TABLE does not list columns",
            where=file.at(line),
            remedy="list the columns with types, and write the query as INSERT OVERWRITE",
        )
    _check_target(file, line, schema.this, "creates")
    if not tree.args.get("exists"):
        raise SqlFileError(
            "CREATE TABLE without IF NOT EXISTS fails on the second day",
            where=file.at(line),
            remedy="write CREATE TABLE IF NOT EXISTS",
        )
    found = tree.args.get("properties")
    clauses: list[exp.Expr] = list(found.expressions) if found is not None else []
    where = file.at(line)
    location = _literal(_first(clauses, exp.LocationProperty), variables, where)
    _check_location(file, line, location, external=_first(clauses, exp.ExternalProperty))
    columns, partition_columns = _columns(file, line, schema, clauses)
    options = {
        key: expand(value, variables, keep=(BIZDATE,), where=where)
        for key, value in _options(clauses).items()
    }
    return _Create(
        comment=_literal(_first(clauses, exp.SchemaCommentProperty), variables, where),
        columns=columns,
        partition_columns=partition_columns,
        format=_format(clauses),
        options=options,
        properties=_pairs(item for item in clauses if type(item) is exp.Property),
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


def _first(clauses: list[exp.Expr], kind: type[exp.Expr]) -> exp.Expr | None:
    return next((clause for clause in clauses if isinstance(clause, kind)), None)


def _literal(clause: exp.Expr | None, variables: Mapping[str, str], where: str) -> str | None:
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
    listed = [_column(item) for item in schema.expressions if isinstance(item, exp.ColumnDef)]
    clause = _first(clauses, exp.PartitionedByProperty)
    items: list[exp.Expr] = [] if clause is None else clause.this.expressions
    declared = {
        item.name.lower(): _column(item) for item in items if isinstance(item, exp.ColumnDef)
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


def _column(item: exp.ColumnDef) -> Column:
    comment = next(
        (
            constraint.kind.this.name
            for constraint in item.args.get("constraints") or []
            if isinstance(constraint.kind, exp.CommentColumnConstraint)
        ),
        None,
    )
    kind = item.args.get("kind")
    # simpleString: `STRUCT<a: INT>` is struct<a:int>, `DECIMAL(10, 2)` is decimal(10,2).
    written = "" if kind is None else kind.sql(dialect="spark").lower()
    return Column(item.name, written.replace(": ", ":").replace(", ", ","), comment)


def _format(clauses: list[exp.Expr]) -> str:
    clause = _first(clauses, exp.FileFormatProperty)
    if clause is None:
        row_format = _first(clauses, exp.RowFormatDelimitedProperty)
        # Spark 4: ROW FORMAT alone makes a Hive text table, nothing at all a Parquet one.
        return "parquet" if row_format is None else "hive text"
    name = clause.this.name.lower() or "custom"
    if not clause.args.get("hive_format"):
        return str(name)
    return f"hive {'text' if name == 'textfile' else name}"


def _options(clauses: list[exp.Expr]) -> dict[str, str]:
    given = _first(clauses, exp.OptionsProperty)
    if given is not None:
        return _pairs(given.expressions)
    delimited = _first(clauses, exp.RowFormatDelimitedProperty)
    if delimited is not None:
        return {
            key: delimited.args[arg].name
            for arg, key in _SERDE_PROPERTIES.items()
            if delimited.args.get(arg) is not None
        }
    serde = _first(clauses, exp.RowFormatSerdeProperty)
    if serde is not None and serde.args.get("serde_properties") is not None:
        return _pairs(serde.args["serde_properties"].expressions)
    return {}


def _pairs(items: Iterable[exp.Expr]) -> dict[str, str]:
    return {item.this.name: item.args["value"].name for item in items}


def _read_partition(
    file: SqlFile, parsed: ParsedStatement, variables: Mapping[str, str]
) -> str | None:
    line = parsed.statement.line
    _check_target(file, line, parsed.tree.this, "adds a partition to")
    action = parsed.tree.args["actions"][0]
    if not action.args.get("exists"):
        raise SqlFileError(
            "ADD PARTITION without IF NOT EXISTS fails when a day is run again",
            where=file.at(line),
            remedy="write ADD IF NOT EXISTS PARTITION",
        )
    _check_day(file, line, action.this.expressions)
    return _literal(action.args.get("location"), variables, file.at(line))


def _check_day(file: SqlFile, line: int, parts: list[exp.Expr]) -> None:
    """Refuse a partition other than that of the business date."""
    part = parts[0] if len(parts) == 1 else None
    if (
        isinstance(part, exp.EQ)
        and part.this.name.lower() == PARTITION_COLUMN
        and part.expression.is_string
        and part.expression.name == f"${{{BIZDATE}}}"
    ):
        return
    shown = ", ".join(part.sql(dialect="spark") for part in parts)
    raise SqlFileError(
        f"its partition is ({shown}), not the static ({_OF_THE_DAY})",
        where=file.at(line),
        remedy=f"write PARTITION ({_OF_THE_DAY}), so that a run touches its own day only",
    )


def _check_insert(file: SqlFile, parsed: ParsedStatement) -> None:
    tree, line = parsed.tree, parsed.statement.line
    target = tree.this
    named = isinstance(target, exp.Schema) or tree.args.get("by_name")
    table = target.this if isinstance(target, exp.Schema) else target
    _check_target(file, line, table, "inserts into")
    if not tree.args.get("overwrite"):
        raise SqlFileError(
            "INSERT INTO would add a day's rows again when the day is run again",
            where=file.at(line),
            remedy="write INSERT OVERWRITE TABLE",
        )
    if named:
        raise SqlFileError(
            "INSERT with a list of columns or BY NAME is not supported",
            where=file.at(line),
            remedy="select the columns in the order of CREATE TABLE",
        )
    partition = table.args.get("partition")
    if partition is None:
        raise SqlFileError(
            f"INSERT without PARTITION ({_OF_THE_DAY}) would replace every day",
            where=file.at(line),
            remedy=f"write INSERT OVERWRITE TABLE {file.table} PARTITION ({_OF_THE_DAY})",
        )
    _check_day(file, line, partition.expressions)
    query = tree.args.get("expression")
    if not isinstance(query.unnest() if isinstance(query, exp.Subquery) else query, exp.Query):
        raise SqlFileError(
            "INSERT without a SELECT is not supported",
            where=file.at(line),
            remedy="write INSERT OVERWRITE TABLE ... SELECT",
        )


def _check_filled(
    file: SqlFile, create: ParsedStatement, *, place: str | None, insert: ParsedStatement | None
) -> None:
    if place is None and insert is None:
        raise SqlFileError(
            "nothing fills the table",
            where=file.at(create.statement.line),
            remedy="add ALTER TABLE ... ADD IF NOT EXISTS PARTITION ... LOCATION of what an "
            "ingest asset writes, or INSERT OVERWRITE TABLE ... SELECT",
        )
    if place is not None and insert is not None:
        raise SqlFileError(
            "INSERT would write over the files that ADD PARTITION ... LOCATION puts the table on",
            where=file.at(insert.statement.line),
            remedy="keep one of them: a table shows an object, or holds what a SELECT makes",
        )
