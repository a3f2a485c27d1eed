"""What a SELECT reads, and which column comes from where.

Belongs here: sqlglot's scopes and lineage for the SELECT of an INSERT OVERWRITE, of a view, or of
the keys of a lookup. Does not belong here: finding the tables (`graph.py`). Imported only when a
file has one: sqlglot's optimizer costs another 40 ms.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.lineage import Node, to_node
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import build_scope, traverse_scope
from sqlglot.schema import MappingSchema

from userprofile_assets.errors import SqlFileError
from userprofile_assets.warehouse.create_table import simple_type, table_name
from userprofile_assets.warehouse.statements import quiet_sqlglot

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

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


@dataclass(frozen=True)
class Followed:
    """What is known of a table's columns.

    Args:
        sources: Where each comes from.
        types: Spark's simpleString of those that were inferred, by name; of a view only.
    """

    sources: Mapping[str, ColumnSources]
    types: Mapping[str, str] = field(default_factory=dict)


def tables_read(tree: object) -> dict[str, int | None]:
    """Return the tables in FROM, JOIN and subqueries, each with the line that first names it.

    Names of CTEs and table functions are left out, by scope: a CTE may have the name of a table.

    Args:
        tree: The tree of the INSERT, of the CREATE VIEW, or of the SELECT of the keys.
    """
    found: dict[str, int | None] = {}
    for scope in traverse_scope(_query(tree)):
        for source in scope.sources.values():
            if isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier):
                found.setdefault(table_name(source), source.this.meta.get("line"))
    return dict(sorted(found.items()))


def follow_columns(
    tree: object, target: TableDefinition, tables: Mapping[str, TableDefinition]
) -> Followed:
    """Say for every column of the target which columns of other tables its values come from.

    All three kinds are positional: the first output of the SELECT goes to the target's first
    column, whatever its alias. Columns that only filter, join or sort rows are not counted. The
    rows of a lookup's SELECT are its keys, the first columns of the table; everything else in the
    table follows from all of them.

    Args:
        tree: The tree of the INSERT, of the CREATE VIEW, or of the SELECT of the keys.
        target: The table it makes.
        tables: Every table it reads, by name.

    Raises:
        SqlFileError: A column does not exist or is ambiguous, or the SELECT has another number of
            columns than the target.
    """
    select = _Select(tree, target, tables)
    names = [column.name for column in target.columns]
    if target.kind == "lookup":
        # Too many keys are an error of `follow`; otherwise the keys are the first columns.
        found = select.follow(names[: max(1, select.width)])
        everything = tuple(sorted({source for sources in found for source in sources}))
        keys = dict(zip(names, found, strict=False))
        return Followed({**dict.fromkeys(names, everything), **keys})
    if target.kind == "view":
        found = select.follow([*names, *(c.name for c in target.partition_columns)])
        return Followed(dict(zip(names, found, strict=False)), select.types(names))
    return Followed(dict(zip(names, select.follow(names), strict=True)))


class _Select:
    """The SELECT that makes a table, its names resolved against the tables it reads.

    Args:
        tree: As for `follow_columns`.
        target: The table it makes.
        tables: Every table it reads, by name.

    Raises:
        SqlFileError: A column does not exist or is ambiguous, or there is a LATERAL subquery.
    """

    def __init__(
        self, tree: object, target: TableDefinition, tables: Mapping[str, TableDefinition]
    ) -> None:
        self._query = _query(tree)
        self._target = target
        self._tables = tables
        self._statement = next(s for s in target.statements if s.kind in _HOW_MANY)
        if any(isinstance(found.this, exp.Subquery) for found in self._query.find_all(exp.Lateral)):
            # sqlglot takes its columns for those of the table before it.
            raise SqlFileError(
                "the columns of the SELECT cannot be followed: LATERAL (SELECT ...)",
                where=target.file.at(self._statement.line),
                remedy="write a JOIN with a subquery, or with a CTE, that has the columns",
            )
        self._schema = _schema(tables)
        with self._explained():
            qualified = qualify(
                self._query.copy(),
                schema=self._schema,
                dialect=_DIALECT,
                identify=False,
                quote_identifiers=False,
            )
        # `qualify` returns the kind of tree that it was given, which mypy cannot know.
        assert isinstance(qualified, exp.Query)  # noqa: S101
        self._qualified = qualified

    @property
    def width(self) -> int:
        """How many columns it has."""
        return _width(self._qualified)

    def follow(self, columns: Sequence[str]) -> list[ColumnSources]:
        """Return the sources of each of these columns, which the outputs of the SELECT make.

        Raises:
            SqlFileError: The SELECT has another number of columns.
        """
        outputs = self._outputs(columns)
        with self._explained():
            scope = build_scope(self._qualified)
            if scope is None:
                raise SqlglotError("the SELECT has no columns")
            nodes = [
                to_node(output, scope, _DIALECT, schema=self._schema, trim_selects=False)
                for output in outputs
            ]
        # sqlglot knows small letters only.
        declared = {
            (name, column.name.lower()): column.name
            for name, table in self._tables.items()
            for column in (*table.columns, *table.partition_columns)
        }
        return [_sources(node, declared) for node in nodes]

    def types(self, columns: Sequence[str]) -> dict[str, str]:
        """Return the types that sqlglot infers; a generator's and unknown ones are left out."""
        with self._explained():
            annotated = annotate_types(
                self._qualified.copy(), schema=self._schema, dialect=_DIALECT
            )
        found = {}
        for name, position in zip(columns, self._positions(), strict=False):
            select = annotated.selects[position]
            kind = select.type
            if not isinstance(select, exp.Aliases) and kind and kind.this not in _NO_TYPES:
                found[name] = simple_type(kind)
        return found

    def _positions(self) -> list[int]:
        """Return for each output the expression that makes it.

        A generator such as `stack(...) AS (k, v)` makes several columns.
        """
        selects = enumerate(self._qualified.selects)
        return [position for position, select in selects for _ in range(_columns(select))]

    def _outputs(self, columns: Sequence[str]) -> list[int]:
        """Return for each of these columns the position of the expression that makes it."""
        where = self._target.file.at(self._statement.line)
        for union in self._qualified.find_all(exp.SetOperation):
            left, right = _width(union.left), _width(union.right)
            if left != right:
                raise SqlFileError(
                    f"one side of UNION has {left} columns, the other {right}",
                    where=where,
                    remedy="select as many on both sides",
                )
        positions = self._positions()
        if len(positions) != len(columns):
            selected = [name for select in self._qualified.selects for name in _names(select)]
            raise SqlFileError(
                f"SELECT has {len(positions)} columns ({', '.join(selected)}), but "
                f"{self._target.table} has {len(columns)} ({', '.join(columns)})",
                where=where,
                remedy=_HOW_MANY[self._statement.kind],
            )
        return positions

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what sqlglot raises into an error of this project, and keep it from logging."""
        try:
            with quiet_sqlglot():
                yield
        except SqlglotError as error:
            raise _lineage_error(
                error, self._query, self._target, self._tables, self._statement.line
            ) from error


# What to do when the number of columns is wrong, by the kind of the statement.
_HOW_MANY = {
    "insert": "select one expression for each column of CREATE TABLE, in its order, without "
    "the partition column (SELECT * takes it along: SELECT * EXCEPT (dt))",
    "view": "select one expression for each column of the view's list, in its order, dt last",
    "keys": "select the lookup's keys: the first columns of CREATE TABLE, without the partition "
    "column (SELECT * takes it along: SELECT * EXCEPT (dt))",
}
_NO_TYPES = {exp.DataType.Type.UNKNOWN, exp.DataType.Type.NULL}


def _query(tree: object) -> exp.Query:
    """Return the SELECT, with the CTEs that Spark lets stand before INSERT."""
    query = tree.expression if isinstance(tree, (exp.Insert, exp.Create)) else tree
    if isinstance(query, exp.Subquery):
        query = query.unnest()
    # What parsing has checked (`ddl.py`), told to mypy.
    assert isinstance(query, exp.Query)  # noqa: S101
    before = tree.args.get("with_") if isinstance(tree, (exp.Insert, exp.Create)) else None
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
        # A view's are not known in full.
        types = {
            c.name.lower(): c.type or "unknown" for c in (*table.columns, *table.partition_columns)
        }
        visible[name] = list(types)
        columns[name] = {**types, _METADATA_COLUMN: _METADATA_TYPE}
    return MappingSchema(columns, visible=visible, dialect=_DIALECT)


def _names(select: exp.Expr) -> list[str]:
    if isinstance(select, exp.Aliases):
        return [alias.name for alias in select.expressions]
    return [select.alias_or_name or select.sql(dialect=_DIALECT)]


def _columns(select: exp.Expr) -> int:
    return len(_names(select))


def _width(query: exp.Query) -> int:
    return sum(_columns(select) for select in query.selects)


def _sources(node: Node, declared: Mapping[tuple[str, str], str]) -> ColumnSources:
    found: set[tuple[str, str]] = set()
    for leaf in node.walk():
        if isinstance(leaf.source, exp.Table) and isinstance(leaf.expression, exp.Table):
            column = _column_name(leaf.name)
            if leaf.source.name and column != _METADATA_COLUMN:
                table = leaf.source.name
                found.add((table, declared.get((table, column.lower()), column)))
    return tuple(sorted(found))


@cache
def _column_name(name: str) -> str:
    """Return the column of `table.column`; parsing it each time is a tenth of the whole."""
    return exp.to_column(name).name


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
