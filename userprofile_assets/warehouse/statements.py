"""Cut a SQL file into statements and say what kind each one is.

Belongs here: tokens, parse errors with line and column, which statements a file may have. Does not
belong here: what a CREATE says (`ddl.py`), what a SELECT reads (`lineage.py`).

The text of a statement is cut out of the file by the positions of its tokens, so Spark gets the
author's characters. sqlglot's tree is only read, never turned back into SQL.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp
from sqlglot.dialects.spark import Spark
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokenizer_core import Token, TokenType

from userprofile_assets.errors import SqlFileError
from userprofile_assets.warehouse.table_model import SqlFile, Statement, StatementKind
from userprofile_assets.warehouse.variables import BIZDATE, render

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SUPPORTED = (
    "a file has one CREATE TABLE IF NOT EXISTS, then ALTER TABLE ... ADD IF NOT EXISTS PARTITION "
    "... LOCATION, one INSERT OVERWRITE TABLE ... SELECT, or the SELECT of a lookup's keys; or it "
    "has one CREATE OR REPLACE VIEW; SET, ANALYZE TABLE and REFRESH TABLE are allowed"
)
_SPARK = Spark()


@dataclass(frozen=True)
class ParsedStatement:
    """A statement and its tree."""

    statement: Statement
    tree: exp.Expr


def parse_statements(file: SqlFile, variables: Mapping[str, str]) -> list[ParsedStatement]:
    """Parse the statements of a file, variables still in them.

    Args:
        file: The file.
        variables: The variables there are; `bizdate` is known anyway.

    Raises:
        SqlFileError: A variable is unknown, the file does not parse, or holds a statement of a
            kind that a file may not have. Names file, line and column.
    """
    # For its checks: the rendered text would have other columns than the author's.
    render(file.text, variables, keep=(BIZDATE,), where=file.name)
    with quiet_sqlglot():
        try:
            tokens = _SPARK.tokenize(file.text)
        except TokenError as error:
            raise SqlFileError(
                f"the file does not parse ({error})", where=file.name, remedy="correct it"
            ) from error
        return [_parse(file, chunk) for chunk in _chunks(tokens)]


@contextmanager
def quiet_sqlglot() -> Iterator[None]:
    """Keep sqlglot from logging what becomes an error here, or does not matter (odd scopes)."""
    logger = logging.getLogger("sqlglot")
    before = logger.disabled
    logger.disabled = True
    try:
        yield
    finally:
        logger.disabled = before


def _chunks(tokens: list[Token]) -> Iterator[list[Token]]:
    chunk: list[Token] = []
    for token in tokens:
        if token.token_type is not TokenType.SEMICOLON:
            chunk.append(token)
        elif chunk:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _parse(file: SqlFile, tokens: list[Token]) -> ParsedStatement:
    first = tokens[0]
    text = file.text[first.start : tokens[-1].end + 1]
    # Asked before parsing: what sqlglot cannot parse may be a statement that is refused anyway.
    if first.text.upper() not in _VERBS:
        raise _unsupported(file, tokens)
    try:
        tree = _SPARK.parser().parse(tokens, file.text)[0]
    except ParseError as error:
        raise _parse_error(file, error, first.line) from error
    if tree is None or (isinstance(tree, exp.Command) and first.text.upper() != "SET"):
        raise SqlFileError(
            f"the statement that begins with {_shorten(text)!r} does not parse",
            where=file.at(first.line),
            remedy="compare it with Spark's SQL reference; sqlglot, which reads the file, "
            "gives no position",
        )
    kind = _kind(tree)
    if kind is None:
        raise _unsupported(file, tokens)
    statement = Statement(
        kind=kind,
        text=text,
        line=first.line,
        file=file.name,
        target=_target(tree, first.start) if isinstance(tree, exp.Insert) else None,
    )
    return ParsedStatement(statement, tree)


_VERBS = {"CREATE", "ALTER", "INSERT", "WITH", "SELECT", "SET", "ANALYZE", "REFRESH"}


def _target(insert: exp.Insert, offset: int) -> tuple[int, int] | None:
    """Return where the name of the table stands that the INSERT writes to, from `offset` on."""
    table = insert.this.this if isinstance(insert.this, exp.Schema) else insert.this
    if not isinstance(table, exp.Table):
        return None
    places = [part.meta for part in table.parts]
    return places[0]["start"] - offset, places[-1]["end"] + 1 - offset


_CREATED: dict[str, StatementKind] = {"TABLE": "create", "VIEW": "view"}


def _kind(tree: exp.Expr) -> StatementKind | None:
    if isinstance(tree, exp.Create):
        return _CREATED.get(tree.kind or "")
    if isinstance(tree, exp.Alter) and isinstance(_only_action(tree), exp.AddPartition):
        return "add_partition"
    if isinstance(tree, exp.Insert):
        return "insert"
    if isinstance(tree, exp.Query):
        return "keys"
    if isinstance(tree, (exp.Set, exp.Command, exp.Analyze, exp.Refresh)):
        return "other"
    return None


def _only_action(alter: exp.Alter) -> exp.Expr | None:
    actions = alter.args.get("actions") or []
    return actions[0] if len(actions) == 1 else None


def _unsupported(file: SqlFile, tokens: list[Token]) -> SqlFileError:
    shown = " ".join(token.text for token in tokens[:3])
    return SqlFileError(
        f"a statement of this kind is not supported: {shown} ...",
        where=file.at(tokens[0].line),
        remedy=_SUPPORTED,
    )


def _parse_error(file: SqlFile, error: ParseError, line: int) -> SqlFileError:
    """Say where and what from sqlglot's parts; its own message underlines with ANSI escapes."""
    details = error.errors[0] if error.errors else {}
    line, column = details.get("line") or line, details.get("col")
    # The token in the description is a dump of the object, of no use to the author.
    reason = str(details.get("description") or "cannot be parsed").split(" but got <Token")[0]
    before = (details.get("start_context") or "")[-40:].rpartition("\n")[2]
    after = (details.get("end_context") or "")[:40].partition("\n")[0]
    excerpt = f"{before}{details.get('highlight') or ''}{after}".strip()
    return SqlFileError(
        f"the file does not parse: {reason}, near {excerpt!r}",
        where=file.at(line) + (f":{column}" if column else ""),
        remedy="correct the SQL (dialect: Spark)",
    )


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:57]}..."
