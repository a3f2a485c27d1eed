"""Read CREATE VIEW: columns, comments, and the rules of a view.

Belongs here: what one CREATE VIEW says. Does not belong here: what its SELECT reads
(`lineage.py`), putting it into Spark (`views.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from userprofile_assets.errors import SqlFileError
from userprofile_assets.warehouse.create_table import (
    PARTITION_COLUMN,
    check_target,
    first_clause,
    literal,
    pairs,
    read_column,
)
from userprofile_assets.warehouse.table_model import Column
from userprofile_assets.warehouse.variables import BIZDATE, expand

if TYPE_CHECKING:
    from collections.abc import Mapping

    from userprofile_assets.warehouse.statements import ParsedStatement
    from userprofile_assets.warehouse.table_model import SqlFile


@dataclass(frozen=True, kw_only=True)
class CreateView:
    """What CREATE VIEW says; the last of `columns` is `dt`, and none has a type."""

    comment: str | None
    columns: tuple[Column, ...]
    properties: Mapping[str, str]


def read_create_view(
    file: SqlFile, parsed: ParsedStatement, variables: Mapping[str, str]
) -> CreateView:
    """Read a CREATE VIEW.

    Raises:
        SqlFileError: It breaks a rule; names file and line.
    """
    tree, line = parsed.tree, parsed.statement.line
    where = file.at(line)
    schema = tree.this
    check_target(file, line, schema.this if isinstance(schema, exp.Schema) else schema, "creates")
    if not tree.args.get("replace"):
        raise SqlFileError(
            "CREATE VIEW without OR REPLACE fails, or keeps a former text, on the second day",
            where=where,
            remedy="write CREATE OR REPLACE VIEW",
        )
    if not isinstance(schema, exp.Schema):
        raise SqlFileError(
            "CREATE VIEW does not list columns",
            where=where,
            remedy="list them, each with a comment: "
            f"CREATE OR REPLACE VIEW {file.table} (a COMMENT '...', dt COMMENT '...') AS SELECT",
        )
    columns = tuple(
        read_column(item) if isinstance(item, exp.ColumnDef) else Column(item.name, "")
        for item in schema.expressions
    )
    _check_columns(file, line, [column.name.lower() for column in columns])
    _check_no_day(tree, variables, where)
    found = tree.args.get("properties")
    clauses: list[exp.Expr] = list(found.expressions) if found is not None else []
    return CreateView(
        comment=literal(first_clause(clauses, exp.SchemaCommentProperty), variables, where),
        columns=columns,
        properties=pairs(item for item in clauses if type(item) is exp.Property),
    )


def _check_columns(file: SqlFile, line: int, names: list[str]) -> None:
    if names[-1] != PARTITION_COLUMN:
        raise SqlFileError(
            f"the last column of the view is not {PARTITION_COLUMN}, but {names[-1]}",
            where=file.at(line),
            remedy=f"select {PARTITION_COLUMN} last, as Spark does with a table's partition "
            "column: a day of a view is that of the tables it reads",
        )


def _check_no_day(tree: exp.Expr, variables: Mapping[str, str], where: str) -> None:
    """Refuse the business date: a view has one text for every day."""
    for item in tree.find_all(exp.Literal):
        text = expand(item.name, variables, keep=(BIZDATE,), where=where)
        if item.is_string and f"${{{BIZDATE}}}" in text:
            raise SqlFileError(
                "the view has ${bizdate} in it: each day would replace the view of the others",
                where=where,
                remedy=f"take the condition out, and let whoever reads the view ask for a day by "
                f"{PARTITION_COLUMN}",
            )
