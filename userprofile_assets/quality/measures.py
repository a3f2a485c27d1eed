r"""The SQL expressions that measure rules: what stands in the one SELECT of a table.

Belongs here: one expression a number. Does not belong here: statements (`scan.py`,
`other_tables.py`), what a number means (`judge.py`).

NULL breaks `not_null` and nothing else. NaN breaks `between`, and makes a sum or a mean NaN. Of no
rows the sum, mean, least and greatest value are NULL, and counts are 0.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from userprofile_assets.quality.quoting import quote_name, quote_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from userprofile_assets.quality.rule import Aggregate, Rule

ROWS = "count(*)"

_WHOLE = ("tinyint", "smallint", "int", "bigint")
_FRACTION = ("float", "double")
_TIME = re.compile(r"timestamp.*|date")
_NUMBER = re.compile(r"[-+]?[0-9]+(\.[0-9]+)?")


def value_expression(rule: Rule, types: Mapping[str, str], *, day: str) -> str:
    """Return the expression of a rule's number over the rows of a day.

    Args:
        rule: A rule whose number is about the rows of its own table.
        types: Types of the columns, empty where one is not known.
        day: SQL of the bizdate: the column `dt`, or a literal.
    """
    if rule.kind == "unique":
        return _surplus(rule.columns, rule.where)
    if rule.kind == "freshness":
        newest = (
            f"max({_filtered(f'CAST({quote_name(rule.columns[0])} AS TIMESTAMP)', rule.where)})"
        )
        end = f"CAST(date_add(to_date({day}, 'yyyyMMdd'), 1) AS TIMESTAMP)"
        return f"unix_seconds({end}) - unix_seconds({newest})"
    if rule.aggregate:
        return aggregate_expression(rule.aggregate, rule.where, types)
    return f"count_if({broken(rule, types)})"


def rows_expression(rule: Rule) -> str:
    """Return the number of rows that the rule looks at."""
    return ROWS if rule.where is None else f"count_if({_condition(rule.where)})"


def aggregate_expression(aggregate: Aggregate, where: str | None, types: Mapping[str, str]) -> str:
    """Return the expression of an aggregate over the rows that meet `where`."""
    if aggregate.column is None:
        return ROWS if where is None else f"count_if({_condition(where)})"
    name = quote_name(aggregate.column)
    kind = types.get(aggregate.column, "")
    if aggregate.function == "null_count":
        return f"count_if({_both(f'{name} IS NULL', where)})"
    if aggregate.function == "duplicate_count":
        return _surplus((aggregate.column,), where)
    if aggregate.function == "count_distinct":
        return f"count(DISTINCT {_filtered(name, where)})"
    if aggregate.function == "sum" and kind in _WHOLE:
        # A BIGINT overflows with an error; 30 digits hold the sum of any table.
        name = f"CAST({name} AS DECIMAL(20, 0))"
    elif aggregate.function in {"avg", "stddev"}:
        name = f"CAST({name} AS DOUBLE)"
    function = "stddev_samp" if aggregate.function == "stddev" else aggregate.function
    return f"{function}({_filtered(name, where)})"


def broken(rule: Rule, types: Mapping[str, str]) -> str:
    """Return the condition of the rows that break a counting rule, its `where` included."""
    if rule.kind == "not_null":
        nulls = " OR ".join(f"{quote_name(column)} IS NULL" for column in rule.columns)
        return _both(nulls, rule.where)
    name = quote_name(rule.columns[0])
    kind = types.get(rule.columns[0], "")
    text = name if kind == "string" else f"CAST({name} AS STRING)"
    if rule.kind == "accepted_values":
        values = ", ".join(map(quote_text, rule.values))
        return _both(f"{text} NOT IN ({values})", rule.where)
    if rule.kind == "matches":
        whole = quote_text(f"^(?:{rule.pattern})\\z")
        return _both(f"NOT ({text} RLIKE {whole})", rule.where)
    return _both(_outside(rule, name, kind), rule.where)


def _outside(rule: Rule, name: str, kind: str) -> str:
    """Return the condition of values that are not between two ends."""
    if _TIME.fullmatch(kind):
        ends = [
            None if end is None else f"CAST({quote_text(end)} AS {kind})" for end in _ends(rule)
        ]
    else:
        ends = [None if end is None else _number(end) for end in _ends(rule)]
    value = name
    conditions = []
    if kind in {"", "unknown", "string"}:
        # A text that is no number is outside of any range.
        value = f"try_cast({name} AS DOUBLE)"
        conditions.append(f"({name} IS NOT NULL AND {value} IS NULL)")
    if kind in {"", "unknown", "string", *_FRACTION}:
        # NaN is greater than every number to Spark, so without an upper end it would be inside.
        conditions.append(f"isnan({value})")
    low, high = ends
    conditions += [f"{value} < {low}"] if low else []
    conditions += [f"{value} > {high}"] if high else []
    return " OR ".join(conditions)


def _ends(rule: Rule) -> tuple[str | None, str | None]:
    return rule.low, rule.high


def _number(text: str) -> str:
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{text!r} is no number")
    return text


def _surplus(columns: tuple[str, ...], where: str | None) -> str:
    """Return the number of rows that could go without a value of the columns going too.

    Rows with a NULL in one of them are not counted: NULL equals nothing.
    """
    names = [quote_name(column) for column in columns]
    first, *others = [_filtered(names[0], where), *names[1:]]
    keys = ", ".join([first, *others])
    present = " AND ".join(f"{name} IS NOT NULL" for name in names)
    return f"count_if({_both(present, where)}) - count(DISTINCT {keys})"


def _filtered(expression: str, where: str | None) -> str:
    return expression if where is None else f"CASE WHEN {_condition(where)} THEN {expression} END"


def _both(condition: str, where: str | None) -> str:
    return f"({condition})" if where is None else f"({condition}) AND {_condition(where)}"


def _condition(where: str) -> str:
    # The line end closes a comment that the author may have put behind it.
    return f"({where}\n)"
