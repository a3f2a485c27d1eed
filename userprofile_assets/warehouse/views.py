"""Put a view into Spark's catalogue, only if it is not there as its file says.

Belongs here: comparing and replacing a view. Does not belong here: parsing it (`create_view.py`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlglot.dialects.spark import Spark
from sqlglot.tokenizer_core import TokenType

from userprofile_assets.errors import SparkError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from userprofile_assets.warehouse.executor import Executor
    from userprofile_assets.warehouse.table_model import TableDefinition

# As many as runs that may make one view at once; each try that fails is one that another won.
_ATTEMPTS = 10

_DEPTH = {TokenType.L_PAREN: 1, TokenType.R_PAREN: -1}


def replace_view(
    executor: Executor, view: TableDefinition, variables: Mapping[str, str], *, where: str
) -> bool:
    """Make the view what its file says.

    Replacing one that is the same would do no harm, but two runs that make one view at once fail:
    Spark looks first and creates then.

    Args:
        executor: Runs the statements.
        view: The view.
        variables: Values of the file's variables.
        where: The view and its file, for errors.

    Returns:
        Whether it was replaced, or made.

    Raises:
        SparkError: Spark refused, or a table has the view's name.
    """
    statement = view.statement("view")
    if statement is None:
        raise ValueError(f"{view.table} is no view")
    text = statement.render(variables)
    query = query_of(text)
    refused: SparkError | None = None
    for _ in range(_ATTEMPTS):
        found = _described(executor, view, where=where)
        if found is not None and _is_current(found, view, query, where=where):
            return False
        try:
            executor.run(text, where=where)
        except SparkError as error:
            # Perhaps another run was faster. Spark replaces a view by dropping and creating it, so
            # that with more than two runs a later try may fail too.
            refused = error
        else:
            return True
    raise refused or AssertionError("no attempt")


def query_of(create: str) -> str:
    """Return the SELECT of a CREATE VIEW as Spark keeps it: the author's own characters."""
    depth = 0
    tokens = Spark().tokenize(create)
    for number, token in enumerate(tokens):
        depth += _DEPTH.get(token.token_type, 0)
        if depth == 0 and token.token_type is TokenType.ALIAS:
            return create[tokens[number + 1].start : tokens[-1].end + 1]
    raise ValueError("CREATE VIEW without AS")


def _described(
    executor: Executor, view: TableDefinition, *, where: str
) -> Mapping[str, Any] | None:
    """Return what Spark tells of the view; None if it cannot, so that making it decides."""
    if not executor.table_exists(view.table):
        return None
    try:
        rows = executor.run(f"DESCRIBE EXTENDED {view.table} AS JSON", where=where)
    except SparkError:
        # Another run is replacing it: between the two looks it was dropped.
        return None
    described: dict[str, Any] = json.loads(rows[0][0])
    return described


def _is_current(found: Mapping[str, Any], view: TableDefinition, query: str, *, where: str) -> bool:
    if found.get("type") != "VIEW":
        raise SparkError(
            "Spark has a table of this name, the file makes a view; nothing was changed",
            where=where,
            remedy=f'drop the table (userprofile query "DROP TABLE {view.table}"), or give the '
            "view another name",
        )
    wanted = [(c.name, c.comment or "") for c in (*view.columns, *view.partition_columns)]
    columns = [(c["name"], c.get("comment", "")) for c in found["columns"]]
    return (
        found.get("view_text") == query
        and columns == wanted
        and found.get("comment", "") == (view.comment or "")
    )
