"""Read a file's statements: together they are its table's definition.

Belongs here: which statements make a table of which kind, and the rules that one file must keep by
itself. Does not belong here: what CREATE says (`create_table.py`, `create_view.py`), anything that
needs a second file (`graph.py`), or columns of a SELECT (`lineage.py`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from userprofile_assets.errors import SqlFileError
from userprofile_assets.warehouse.create_table import (
    PARTITION_COLUMN,
    check_target,
    literal,
    read_create_table,
)
from userprofile_assets.warehouse.create_view import read_create_view
from userprofile_assets.warehouse.statements import ParsedStatement, parse_statements
from userprofile_assets.warehouse.table_kind import (
    LOOKUP_PROPERTY,
    Filling,
    check_location,
    check_lookup_format,
    kind_of,
)
from userprofile_assets.warehouse.table_model import SqlFile, TableDefinition
from userprofile_assets.warehouse.variables import BIZDATE

if TYPE_CHECKING:
    from collections.abc import Mapping

_OF_THE_DAY = f"{PARTITION_COLUMN} = '${{{BIZDATE}}}'"


@dataclass(frozen=True)
class ParsedTable:
    """A definition, and the tree of its INSERT, view or keys for what only the graph can tell."""

    definition: TableDefinition
    query: exp.Expr | None


def parse_table(file: SqlFile, variables: Mapping[str, str]) -> ParsedTable:
    """Read what a file says about its table; `reads` and `column_lineage` stay empty.

    Args:
        file: The file.
        variables: Values by name; `bizdate` is left in places where it stands.

    Raises:
        SqlFileError: The file does not parse or breaks a rule; names file and line.
    """
    parsed = parse_statements(file, variables)
    view = _only(file, parsed, "view", "CREATE VIEW")
    if view is not None:
        return _parse_view(file, parsed, view, variables)
    create = _only(file, parsed, "create", "CREATE TABLE")
    if create is None:
        raise SqlFileError(
            "there is no CREATE TABLE",
            where=file.name,
            remedy=f"add CREATE TABLE IF NOT EXISTS {file.table} (...)",
        )
    partition = _only(file, parsed, "add_partition", "ADD PARTITION")
    insert = _only(file, parsed, "insert", "INSERT")
    keys = _only(file, parsed, "keys", "SELECT")
    for other in (partition, insert, keys):
        if other is not None:
            _check_after(file, create, other)
    table = read_create_table(file, create, variables)
    place = None if partition is None else _read_partition(file, partition, variables)
    if insert is not None:
        _check_insert(file, insert)
    lookup = table.properties.get(LOOKUP_PROPERTY)
    filling = Filling(lookup=lookup, partition=partition, insert=insert, keys=keys)
    kind = kind_of(file, create, filling)
    if kind != "external":
        check_location(file, create, table, variables)
    if kind == "lookup":
        check_lookup_format(file, create, table)
    definition = TableDefinition(
        table=file.table,
        kind=kind,
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
        lookup=lookup,
        statements=tuple(item.statement for item in parsed),
        code_version=_code_version(file),
    )
    query = insert or keys
    return ParsedTable(definition, None if query is None else query.tree)


def _parse_view(
    file: SqlFile,
    parsed: list[ParsedStatement],
    view: ParsedStatement,
    variables: Mapping[str, str],
) -> ParsedTable:
    other = next((item for item in parsed if item.statement.kind not in {"view", "other"}), None)
    if other is not None:
        raise SqlFileError(
            f"the file makes a view in line {view.statement.line}, which nothing else goes with",
            where=file.at(other.statement.line),
            remedy="keep either the view or the table",
        )
    read = read_create_view(file, view, variables)
    definition = TableDefinition(
        table=file.table,
        kind="view",
        layer=file.layer,
        file=file,
        description=file.description,
        comment=read.comment,
        columns=read.columns[:-1],
        partition_columns=read.columns[-1:],
        is_external=False,
        format="view",
        options={},
        properties=read.properties,
        location=None,
        partition_location=None,
        statements=tuple(item.statement for item in parsed),
        code_version=_code_version(file),
    )
    return ParsedTable(definition, view.tree)


def _code_version(file: SqlFile) -> str:
    return hashlib.sha256(file.text.encode("utf-8")).hexdigest()[:12]


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


def _read_partition(
    file: SqlFile, parsed: ParsedStatement, variables: Mapping[str, str]
) -> str | None:
    line = parsed.statement.line
    check_target(file, line, parsed.tree.this, "adds a partition to")
    action = parsed.tree.args["actions"][0]
    if not action.args.get("exists"):
        raise SqlFileError(
            "ADD PARTITION without IF NOT EXISTS fails when a day is run again",
            where=file.at(line),
            remedy="write ADD IF NOT EXISTS PARTITION",
        )
    _check_day(file, line, action.this.expressions)
    return literal(action.args.get("location"), variables, file.at(line))


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
    check_target(file, line, table, "inserts into")
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
