"""One SELECT for the rules that are about the rows of their own table, over all days asked for.

Belongs here: the statement, and what it gives for a day without rows. Does not belong here: its
expressions (`measures.py`), rules that need another table (`other_tables.py`).

What tells values apart is a statement of its own, which reads its columns only. In the same SELECT
Spark would carry the numbers of all other rules along with each distinct value.

A rule that Spark refuses (a bad pattern, a `where` that does not parse) would take all others with
it, and so would a day whose files are broken. So what fails as a whole is tried in parts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from userprofile_assets.errors import SparkError
from userprofile_assets.quality.measurement import Measurement, failed_to_measure, plain_number
from userprofile_assets.quality.measures import ROWS, rows_expression, value_expression
from userprofile_assets.quality.quoting import quote_days, quote_name, quote_text
from userprofile_assets.quality.rule import is_count, is_distinct

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from userprofile_assets.quality.measurement import Measured, Query
    from userprofile_assets.quality.rule import Rule
    from userprofile_assets.quality.table_file import TableDoc

_NOT_SCANNED = frozenset({"relationship", "sql", "changed"})


def is_scanned(rule: Rule) -> bool:
    """Tell whether the scan measures a rule, or the near side of it."""
    return rule.kind not in _NOT_SCANNED


def scan(
    doc: TableDoc,
    rules: Sequence[Rule],
    days: tuple[str, ...],
    query: Query,
    counted: Mapping[str, int],
) -> Measured:
    """Measure rules on days, in as few statements as is good.

    Args:
        doc: The table.
        rules: Some that `is_scanned` holds for.
        days: Bizdates.
        query: Runs a statement.
        counted: Rows of days that somebody has counted already, by bizdate. If nothing but rows
            is to be counted, Spark is not asked again: of a log that is a scan of all its text.

    Raises:
        SparkUnavailableError: Spark does not answer.
        SparkTimeoutError: It took too long.
    """
    if not days:
        return {}
    known = {day: (counted[day],) for day in days if day in counted}
    parts = []
    for part in _together(rules):
        if len(known) == len(days) and _expressions(doc, part, days) == [ROWS]:
            parts.append(_measured(doc, part, days, known))
        else:
            parts.append(_whole_or_in_parts(doc, part, days, query))
    return {key: found for part in parts for key, found in part.items()}


def _together(rules: Sequence[Rule]) -> list[list[Rule]]:
    """Put the rules together that one statement measures."""
    parts: dict[object, list[Rule]] = {}
    for rule in rules:
        parts.setdefault((rule.columns, rule.where) if is_distinct(rule) else None, []).append(rule)
    return list(parts.values())


def _whole_or_in_parts(
    doc: TableDoc, rules: Sequence[Rule], days: tuple[str, ...], query: Query
) -> Measured:
    try:
        return _scan(doc, rules, days, query)
    except SparkError as error:
        if len(days) > 1:
            parts = [_whole_or_in_parts(doc, rules, (day,), query) for day in days]
        elif len(rules) > 1:
            half = len(rules) // 2
            halves = (rules[:half], rules[half:])
            parts = [_whole_or_in_parts(doc, part, days, query) for part in halves]
        else:
            return {(days[0], rules[0].name): failed_to_measure(error)}
    return {key: found for part in parts for key, found in part.items()}


def statement(doc: TableDoc, rules: Sequence[Rule], days: tuple[str, ...]) -> str:
    """Return the SELECT: the day, then the numbers of `expressions`."""
    numbers = ", ".join(_expressions(doc, rules, days))
    table, condition = quote_name(doc.table), quote_days(days)
    if len(days) == 1:
        # Without GROUP BY: a least or greatest text would make Spark sort all rows by dt.
        return f"SELECT {quote_text(days[0])}, {numbers} FROM {table} WHERE {condition}"  # noqa: S608 - quoted names and values
    return f"SELECT dt, {numbers} FROM {table} WHERE {condition} GROUP BY dt"  # noqa: S608 - as above


def _scan(doc: TableDoc, rules: Sequence[Rule], days: tuple[str, ...], query: Query) -> Measured:
    by_day = {row[0]: row[1:] for row in query(statement(doc, rules, days))}
    return _measured(doc, rules, days, by_day)


def _measured(
    doc: TableDoc,
    rules: Sequence[Rule],
    days: tuple[str, ...],
    by_day: Mapping[str, tuple[Any, ...]],
) -> Measured:
    expressions = _expressions(doc, rules, days)
    measured: Measured = {}
    for day in days:
        row = by_day.get(day)
        numbers = dict(zip(expressions, row, strict=True)) if row else {}
        for rule in rules:
            measured[day, rule.name] = _measurement(doc, rule, days, numbers)
    return measured


def _measurement(
    doc: TableDoc, rule: Rule, days: tuple[str, ...], numbers: dict[str, Any]
) -> Measurement:
    rows = numbers.get(rows_expression(rule), 0)
    nothing = None if rule.kind == "freshness" or not is_count(rule.aggregate) else 0
    expression = value_expression(rule, doc.types, day=_day(days))
    value = plain_number(numbers.get(expression, nothing))
    if value is None and rows and rule.kind in {"freshness", "aggregate"}:
        return _without_value(rule, int(rows))
    return Measurement(value=value, rows=int(rows))


def _without_value(rule: Rule, rows: int) -> Measurement:
    column = rule.columns[0]
    if rule.aggregate is None or rule.aggregate.function != "stddev":
        return Measurement(rows=rows, error=f"none of {rows} rows has a {column}")
    if rows == 1:
        return Measurement(rows=rows, missing="a stddev needs two rows")
    return Measurement(rows=rows, error=f"fewer than two of {rows} rows have a {column}")


def _expressions(doc: TableDoc, rules: Sequence[Rule], days: tuple[str, ...]) -> list[str]:
    """Return each expression once, in a fixed order."""
    found: dict[str, None] = {}
    for rule in rules:
        found[value_expression(rule, doc.types, day=_day(days))] = None
        found[rows_expression(rule)] = None
    return list(found)


def _day(days: tuple[str, ...]) -> str:
    return quote_text(days[0]) if len(days) == 1 else "dt"
