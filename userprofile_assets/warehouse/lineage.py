"""What an INSERT reads, and which column comes from where.

Belongs here: sqlglot's scopes and lineage for one INSERT OVERWRITE ... SELECT. Does not belong
here: finding the tables (`graph.py`). Imported only when a file has an INSERT: sqlglot's optimizer
costs another 40 ms.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.lineage import Node, to_node
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import build_scope, traverse_scope
from sqlglot.schema import MappingSchema

from userprofile_assets.errors import SqlFileError
from userprofile_assets.warehouse.ddl import table_name
from userprofile_assets.warehouse.statements import quiet_sqlglot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from userprofile_assets.warehouse.table_model import ColumnSources, TableDefinition

_DIALECT = "spark"
# Spark's hidden column of tables made with USING; `SELECT *` leaves it out.
_METADATA_COLUMN = "_metadata"
_METADATA_TYPE = (
    "struct<file_path:string,file_name:string,file_size:bigint,file_block_start:bigint,"
    "file_block_length:bigint,file_modification_time:timestamp>"
)
_POSITION = re.compile(r"\.? ?Line:? (?P<line>\d+), Col:? \d+\.?")
_NAMED = re.compile(r"(?:Column '|Unknown column: )(?P<name>\w+)")


def tables_read(insert: exp.Insert) -> dict[str, int | None]:
    """Return the tables in FROM, JOIN and subqueries, each with the line that first names it.

    Names of CTEs and table functions are left out, by scope: a CTE may have the name of a table.
    """
    found: dict[str, int | None] = {}
    for scope in traverse_scope(_query(insert)):
        for source in scope.sources.values():
            if isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier):
                found.setdefault(table_name(source), source.this.meta.get("line"))
    return dict(sorted(found.items()))


def insert_lineage(
    insert: exp.Insert, target: TableDefinition, tables: Mapping[str, TableDefinition]
) -> dict[str, ColumnSources]:
    """Say for every column of the target which columns of other tables its values come from.

    INSERT is positional: the first output of the SELECT goes to the target's first column,
    whatever its alias. Columns that only filter, join or sort rows are not counted.

    Args:
        insert: The tree of the INSERT.
        target: The table it writes.
        tables: Every table it reads, by name.

    Raises:
        SqlFileError: A column does not exist or is ambiguous, or the SELECT has another number of
            columns than the target.
    """
    statement = target.statement("insert")
    line = None if statement is None else statement.line
    query = _query(insert)
    schema = _schema(tables)
    try:
        with quiet_sqlglot():
            qualified = qualify(
                query.copy(),
                schema=schema,
                dialect=_DIALECT,
                identify=False,
                quote_identifiers=False,
            )
            outputs = _outputs(qualified, target, line)
            scope = build_scope(qualified)
            if scope is None:
                raise SqlglotError("the SELECT has no columns")
            return {
                column.name: _sources(
                    to_node(output, scope, _DIALECT, schema=schema, trim_selects=False)
                )
                for column, output in zip(target.columns, outputs, strict=True)
            }
    except SqlglotError as error:
        raise _lineage_error(error, query, target, tables, line) from error


def _query(insert: exp.Insert) -> exp.Query:
    """Return the SELECT, with the CTEs that Spark lets stand before INSERT."""
    query = insert.expression
    if isinstance(query, exp.Subquery):
        query = query.unnest()
    # What parsing has checked (`ddl.py`), told to mypy.
    assert isinstance(query, exp.Query)  # noqa: S101
    before = insert.args.get("with_")
    if before is None:
        return query
    query, before = query.copy(), before.copy()
    own = query.args.get("with_")
    if own is not None:
        before.set("expressions", [*before.expressions, *own.expressions])
    query.set("with_", before)
    return query


def _schema(tables: Mapping[str, TableDefinition]) -> MappingSchema:
    columns: dict[str, object] = {}
    visible: dict[str, object] = {}
    for name, table in tables.items():
        # Spark puts partition columns last in SELECT *.
        types = {c.name.lower(): c.type for c in (*table.columns, *table.partition_columns)}
        visible[name] = list(types)
        columns[name] = {**types, _METADATA_COLUMN: _METADATA_TYPE}
    return MappingSchema(columns, visible=visible, dialect=_DIALECT)


def _outputs(query: exp.Query, target: TableDefinition, line: int | None) -> list[int]:
    """Return, for each column of the target, the position of the expression that makes it.

    A generator such as `stack(...) AS (k, v)` makes several columns.
    """
    for union in query.find_all(exp.SetOperation):
        left, right = _width(union.left), _width(union.right)
        if left != right:
            raise SqlFileError(
                f"one side of UNION has {left} columns, the other {right}",
                where=target.file.at(line),
                remedy="select as many on both sides",
            )
    positions = [
        position for position, select in enumerate(query.selects) for _ in range(_columns(select))
    ]
    if len(positions) != len(target.columns):
        selected = [name for select in query.selects for name in _names(select)]
        raise SqlFileError(
            f"SELECT has {len(positions)} columns ({', '.join(selected)}), but {target.table} "
            f"has {len(target.columns)} ({', '.join(c.name for c in target.columns)})",
            where=target.file.at(line),
            remedy="select one expression for each column of CREATE TABLE, in its order, without "
            "the partition column (SELECT * takes it along: SELECT * EXCEPT (dt))",
        )
    return positions


def _names(select: exp.Expr) -> list[str]:
    if isinstance(select, exp.Aliases):
        return [alias.name for alias in select.expressions]
    return [select.alias_or_name or select.sql(dialect=_DIALECT)]


def _columns(select: exp.Expr) -> int:
    return len(_names(select))


def _width(query: exp.Query) -> int:
    return sum(_columns(select) for select in query.selects)


def _sources(node: Node) -> ColumnSources:
    found: set[tuple[str, str]] = set()
    for leaf in node.walk():
        if isinstance(leaf.source, exp.Table) and isinstance(leaf.expression, exp.Table):
            column = exp.to_column(leaf.name).name
            if leaf.source.name and column != _METADATA_COLUMN:
                found.add((leaf.source.name, column))
    return tuple(sorted(found))


def _lineage_error(
    error: SqlglotError,
    query: exp.Query,
    target: TableDefinition,
    tables: Mapping[str, TableDefinition],
    line: int | None,
) -> SqlFileError:
    message = str(error)
    position = _POSITION.search(message)
    named = _NAMED.search(message)
    if position is not None:
        line = int(position["line"])
    elif named is not None:
        # sqlglot gives no position for a column with a table's alias: look for its first use.
        wanted = named["name"].lower()
        lines = (
            c.this.meta.get("line") for c in query.find_all(exp.Column) if c.name.lower() == wanted
        )
        line = next((found for found in lines if found is not None), line)
    there = "; ".join(
        f"{name} ({', '.join(c.name for c in (*table.columns, *table.partition_columns))})"
        for name, table in sorted(tables.items())
    )
    return SqlFileError(
        f"the columns of the SELECT cannot be followed: {_POSITION.sub('', message)}",
        where=target.file.at(line),
        remedy="correct the name, or write the alias of its table before it where several "
        f"tables have it; the tables it reads: {there or 'none'}",
    )
