"""Rules that a scan of their own table cannot measure: each is a statement of its own, or none.

Belongs here: `relationship`, the far side of `equals`, `sql`, `changed since yesterday`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from userprofile_assets.errors import SparkError
from userprofile_assets.quality.assertion import MANIFEST
from userprofile_assets.quality.measurement import (
    Measurement,
    failed_to_measure,
    plain_number,
    single_number,
)
from userprofile_assets.quality.measures import aggregate_expression
from userprofile_assets.quality.quoting import quote_days, quote_name
from userprofile_assets.quality.rule import Aggregate, is_count

if TYPE_CHECKING:
    from collections.abc import Callable

    from userprofile_assets.quality.facts import Facts
    from userprofile_assets.quality.measurement import Measured, Query
    from userprofile_assets.quality.rule import Other, Rule
    from userprofile_assets.quality.table_file import TableDoc

_NO_FACTS = "nothing is known about the object of that day"


def with_day(sql: str, day: str) -> str:
    """Put a day, eight digits, into a statement."""
    return sql.replace("${bizdate}", day)


def measure_relationship(
    doc: TableDoc, rule: Rule, days: tuple[str, ...], query: Query
) -> Measured:
    """Count the rows whose value the other table does not have on the same day."""

    def measure(days: tuple[str, ...]) -> Measured:
        found = {day: (bad, rows) for day, bad, rows in query(relationship_sql(doc, rule, days))}
        measured: Measured = {}
        for day in days:
            bad, rows = found.get(day, (0, 0))
            measured[day, rule.name] = Measurement(int(bad), int(rows))
        return measured

    return _each_day_if_needed(rule, days, measure)


def relationship_sql(doc: TableDoc, rule: Rule, days: tuple[str, ...]) -> str:
    """Return the statement: day, rows that break the rule, rows looked at.

    Values are put together before the join, which then is between distinct ones.
    """
    other, column = _other(rule), quote_name(rule.columns[0])
    condition = quote_days(days)
    also = f" AND ({rule.where}\n)" if rule.where else ""
    also_there = f" AND ({other.where}\n)" if other.where else ""
    return (
        f"SELECT here.dt, sum(CASE WHEN there.value IS NULL AND here.value IS NOT NULL "  # noqa: S608 - quoted names and days; `where` is SQL by intention
        f"THEN here.number ELSE 0 END), sum(here.number) "
        f"FROM (SELECT dt, {column} AS value, count(*) AS number FROM {quote_name(doc.table)} "
        f"WHERE {condition}{also} GROUP BY dt, {column}) AS here "
        f"LEFT JOIN (SELECT DISTINCT dt, {quote_name(other.column or '')} AS value "
        f"FROM {quote_name(other.table)} WHERE {condition}{also_there}) AS there "
        f"ON here.dt = there.dt AND here.value = there.value GROUP BY here.dt"
    )


def measure_sql(rule: Rule, days: tuple[str, ...], query: Query) -> Measured:
    """Run the statement of a rule for each day."""
    measured: Measured = {}
    for day in days:
        try:
            value = single_number(query(with_day(rule.sql or "", day)))
            measured[day, rule.name] = Measurement(value)
        except SparkError as error:
            measured[day, rule.name] = failed_to_measure(error)
    return measured


def measure_changed(rule: Rule, days: tuple[str, ...], facts: Facts) -> Measured:
    """Compare the object of each day with that of the day before: 1 if it is the same."""
    return {(day, rule.name): _changed(facts, day) for day in days}


def far_side(
    rule: Rule, days: tuple[str, ...], query: Query, facts: Facts
) -> dict[str, Measurement]:
    """Return the number that an `equals` compares with, by day."""
    if _other(rule).table == MANIFEST:
        return {
            day: Measurement(facts[day].rows) if day in facts else Measurement(missing=_NO_FACTS)
            for day in days
        }

    def measure(days: tuple[str, ...]) -> Measured:
        found = {row[0]: plain_number(row[1]) for row in query(far_sql(rule, days))}
        nothing = 0 if is_count(_other(rule).aggregate) else None
        return {(day, rule.name): Measurement(found.get(day, nothing)) for day in days}

    measured = _each_day_if_needed(rule, days, measure)
    return {day: number for (day, _), number in measured.items()}


def far_sql(rule: Rule, days: tuple[str, ...]) -> str:
    """Return the statement of an `equals`' other side: day and number."""
    other = _other(rule)
    number = aggregate_expression(other.aggregate or Aggregate("row_count"), other.where, {})
    return (
        f"SELECT dt, {number} FROM {quote_name(other.table)} "  # noqa: S608 - as above
        f"WHERE {quote_days(days)} GROUP BY dt"
    )


def _changed(facts: Facts, day: str) -> Measurement:
    if day not in facts:
        return Measurement(missing=_NO_FACTS)
    known = facts[day]
    if known.sha256_before is None:
        return Measurement(missing="the day before has no object")
    if known.is_same_source:
        return Measurement(missing="both days come from one place, so equal bytes say nothing")
    return Measurement(int(known.sha256 == known.sha256_before))


def _each_day_if_needed(
    rule: Rule, days: tuple[str, ...], measure: Callable[[tuple[str, ...]], Measured]
) -> Measured:
    try:
        return measure(days)
    except SparkError as error:
        if len(days) == 1:
            return {(days[0], rule.name): failed_to_measure(error)}
    parts = [_each_day_if_needed(rule, (day,), measure) for day in days]
    return {key: found for part in parts for key, found in part.items()}


def _other(rule: Rule) -> Other:
    if rule.other is None:
        raise ValueError(f"{rule.text} names no other table")
    return rule.other
