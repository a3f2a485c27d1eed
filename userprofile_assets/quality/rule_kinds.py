"""What each kind of rule says behind its key: `unique: [uid]`, `matches: {column, pattern}`.

Belongs here: one function a kind. Does not belong here: the grammar of texts (`assertion.py`), the
options that all kinds share (`rule_parser.py`).
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from userprofile_assets.quality.assertion import MANIFEST, parse_assertion, parse_duration
from userprofile_assets.quality.known_columns import NUMERIC, TIME
from userprofile_assets.quality.range_ends import check_ends
from userprofile_assets.quality.rule import REVEALING, Aggregate, Kind, Other, Rule
from userprofile_assets.quality.threshold import Threshold

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from userprofile_assets.quality.assertion import Assertion
    from userprofile_assets.quality.known_columns import KnownColumns
    from userprofile_assets.quality.yaml_nodes import Node

_NUMBER_FUNCTIONS = REVEALING | {"stddev"}
_DYNAMIC_WARN, _DYNAMIC_ERROR = Threshold(">", 3), Threshold(">", 6)
_WORDS = {">=": "at_least", "<=": "at_most", "!=": "is_not", ">": "above", "<": "below", "=": "is"}
_MOST_NAME = 100
_VARIABLE = re.compile(r"\$\{([^}]*)\}?")


def read_assertion(known: KnownColumns, node: Node) -> Rule:
    """Read a rule that is one text."""
    try:
        said = parse_assertion(node.text("a rule"))
    except ValueError as error:
        what, _, remedy = str(error).partition("\n")
        raise node.error(what, remedy or None) from None
    if said.kind == "freshness":
        return _fresh(known, said.column or "", said.within_seconds or 0, node)
    columns: tuple[str, ...] = ()
    if said.aggregate and said.aggregate.column:
        columns = (said.aggregate.column,)
        _check_aggregate(known, said.aggregate, known.table, node)
    if said.other and said.other.table != MANIFEST:
        known.check_table(said.other.table, node)
        if said.other.aggregate:
            _check_aggregate(known, said.other.aggregate, said.other.table, node)
    warn, error_at = _thresholds(said)
    # A volatility is kept as the number itself: the change is worked out anew each time.
    metric = said.subject if said.kind in {"equals", "changed"} else str(said.aggregate)
    return replace(
        _rule(said.kind, said.subject, metric, columns),
        aggregate=said.aggregate,
        baseline=said.baseline,
        other=said.other,
        warn=warn,
        error=error_at,
    )


def _check_aggregate(known: KnownColumns, number: Aggregate, table: str, node: Node) -> None:
    if number.column is None:
        return
    known.column(number.column, node, table=table)
    if number.function in _NUMBER_FUNCTIONS:
        known.check_type(number.column, NUMERIC, f"{number} needs numbers", node, table=table)


def _thresholds(said: Assertion) -> tuple[Threshold | None, Threshold | None]:
    if said.expected:
        return None, said.expected.opposite()
    is_dynamic = said.baseline is not None and said.baseline.kind == "dynamic"
    if is_dynamic and not (said.warn or said.error):
        return _DYNAMIC_WARN, _DYNAMIC_ERROR
    return said.warn, said.error


def _unique(known: KnownColumns, node: Node) -> Rule:
    columns = _columns(known, node, "unique")
    joined = ", ".join(columns)
    return _rule("unique", f"unique({joined})", f"duplicate_count({joined})", columns)


def _not_null(known: KnownColumns, node: Node) -> Rule:
    columns = _columns(known, node, "not_null")
    joined = ", ".join(columns)
    return _rule("not_null", f"not_null({joined})", f"null_count({joined})", columns)


def _accepted_values(known: KnownColumns, node: Node) -> Rule:
    entries, column = _of_column(known, node, "accepted_values", ("values",))
    values = []
    for item in _needed(node, entries, "values").items("values"):
        if not isinstance(item.value, str):
            raise item.error(
                "an accepted value is not a text", "leave NULL out: it is never counted here"
            )
        values.append(item.value)
    text = f"accepted_values({column}: {', '.join(values)})"
    rule = _rule("accepted_values", text, text, (column,))
    return replace(rule, name=slug(f"accepted_values_{column}"), values=tuple(values))


def _matches(known: KnownColumns, node: Node) -> Rule:
    entries, column = _of_column(known, node, "matches", ("pattern",))
    pattern = _needed(node, entries, "pattern").text("pattern")
    text = f"matches({column}: {pattern})"
    rule = _rule("matches", text, text, (column,))
    return replace(rule, name=slug(f"matches_{column}"), pattern=pattern)


def _between(known: KnownColumns, node: Node) -> Rule:
    entries, column = _of_column(known, node, "between", ("min", "max"))
    nodes: dict[str, Node] = {key: entries[key] for key in ("min", "max") if key in entries}
    ends = {key: end.text(key) for key, end in nodes.items()}
    if not ends:
        raise node.error("between needs min, max or both", "write {column: c, min: 0, max: 9}")
    check_ends(column, known.type_of(column), nodes, node)
    text = f"between({column}: {ends.get('min', '...')} to {ends.get('max', '...')})"
    rule = _rule("between", text, text, (column,))
    name = slug(f"between_{column}")
    return replace(rule, name=name, low=ends.get("min"), high=ends.get("max"))


def _relationship(known: KnownColumns, node: Node) -> Rule:
    entries, column = _of_column(known, node, "relationship", ("to",))
    to = _needed(node, entries, "to")
    table, _, other = to.text("to").partition(".")
    known.check_table(table, to)
    known.column(other, to, table=table)
    text = f"relationship({column} to {table}.{other})"
    rule = _rule("relationship", text, text, (column,))
    name = slug(f"relationship_{column}_to_{table}")
    return replace(rule, name=name, other=Other(table, column=other))


def _freshness(known: KnownColumns, node: Node) -> Rule:
    entries, column = _of_column(known, node, "freshness", ("within",))
    within = _needed(node, entries, "within")
    try:
        seconds = parse_duration(within.text("within"))
    except ValueError as error:
        raise within.error(str(error)) from None
    return _fresh(known, column, seconds, node)


def _fresh(known: KnownColumns, column: str, seconds: int, node: Node) -> Rule:
    known.column(column, node)
    known.check_type(column, TIME, "freshness needs a timestamp or a date", node)
    text = f"freshness({column})"
    return replace(
        _rule("freshness", text, text, (column,)),
        within_seconds=seconds,
        error=Threshold(">", seconds),
    )


def _sql(known: KnownColumns, node: Node) -> Rule:  # noqa: ARG001 - as all kinds
    statement = node.text("sql").rstrip("; \n")
    check_variables(statement, node, known=("bizdate",))
    text = " ".join(statement.split())
    # Its text makes no name, so it must be given one.
    return replace(_rule("sql", text, f"sql {text}", ()), name="", sql=statement)


READERS: Mapping[str, Callable[[KnownColumns, Node], Rule]] = {
    "assertion": read_assertion,
    "unique": _unique,
    "not_null": _not_null,
    "accepted_values": _accepted_values,
    "matches": _matches,
    "between": _between,
    "relationship": _relationship,
    "freshness": _freshness,
    "sql": _sql,
}
"""The key of a rule, and what reads the value behind it."""


def check_variables(sql: str, node: Node, *, known: tuple[str, ...]) -> None:
    """Refuse a variable that is not known: Spark would replace it, from the environment too.

    Raises:
        QualityFileError: There is one.
    """
    for found in _VARIABLE.finditer(sql):
        if found[1] not in known:
            raise node.error(
                f"there is no variable {found[0]} here",
                "the variables there are: "
                + (", ".join(known) or "none; the column dt is the day"),
            )


def slug(text: str) -> str:
    """Make a name of a rule's text: `row_count > 0` becomes `row_count_above_0`."""
    for sign, word in _WORDS.items():
        text = text.replace(sign, f" {word} ")
    text = re.sub(r"(?<![0-9a-z])-(?=[0-9])", "minus_", text.lower()).replace("%", "_percent")
    return re.sub(r"[^a-z0-9]+", "_", text).strip("_")[:_MOST_NAME]


def _rule(kind: Kind, text: str, metric: str, columns: tuple[str, ...]) -> Rule:
    return Rule(
        name=slug(text),
        text=text,
        kind=kind,
        strength="soft",
        metric=metric,
        warn=None,
        error=None,
        columns=columns,
    )


def _of_column(
    known: KnownColumns, node: Node, what: str, keys: tuple[str, ...]
) -> tuple[dict[str, Node], str]:
    entries = node.entries(what, ("column", *keys))
    column = _needed(node, entries, "column")
    return entries, known.column(column.text("column"), column)


def _needed(node: Node, entries: Mapping[str, Node], key: str) -> Node:
    if key not in entries:
        raise node.error(f"{key} is missing", f"add {key}")
    return entries[key]


def _columns(known: KnownColumns, node: Node, what: str) -> tuple[str, ...]:
    node.texts(what)  # refuses one that is there twice
    return tuple(known.column(item.text(what), item) for item in node.items(what))
