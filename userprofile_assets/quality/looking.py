"""What a person runs to see why a rule says what it says, and a few of those rows.

Belongs here: statements for people, sample rows. Does not belong here: measuring.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from userprofile_assets.errors import SparkError
from userprofile_assets.quality.baselines import days_needed
from userprofile_assets.quality.masking import mask
from userprofile_assets.quality.measures import broken, value_expression
from userprofile_assets.quality.other_tables import far_sql, with_day
from userprofile_assets.quality.quoting import quote_days, quote_name, quote_text
from userprofile_assets.quality.rule import Samples

if TYPE_CHECKING:
    from userprofile_assets.quality.measurement import Query
    from userprofile_assets.quality.rule import Rule
    from userprofile_assets.quality.table_file import TableDoc

SAMPLES = 5

_SHOWN_ROWS = 100
_MOST_CHARACTERS = 200


def looking_sql(doc: TableDoc, rule: Rule, day: str) -> str | None:
    """Return the statement that shows the rows that break a rule, or how its number comes about."""
    rows = _rows(doc, rule, day)
    if rows is not None:
        return f"SELECT * FROM {rows} LIMIT {_SHOWN_ROWS}"  # noqa: S608 - quoted names and values
    if rule.kind == "sql":
        return with_day(rule.sql or "", day)
    if rule.kind == "changed":
        return None
    days: tuple[str, ...] = (day,)
    if rule.baseline:
        days = (*days_needed(rule.baseline, day), day)
    number = value_expression(rule, doc.types, day="dt")
    near = (
        f"SELECT dt, {number} AS value FROM {quote_name(doc.table)} "  # noqa: S608 - as above
        f"WHERE {quote_days(days)} GROUP BY dt"
    )
    if rule.kind == "equals" and rule.other and rule.other.aggregate:
        return f"{near} UNION ALL {far_sql(rule, days)}"
    return f"{near} ORDER BY dt" if rule.baseline else near


def sample_rows(doc: TableDoc, rule: Rule, day: str, query: Query) -> Samples | None:
    """Return a few rows that break a rule, masked; None where a rule has no such rows."""
    rows = _rows(doc, rule, day)
    if rows is None:
        return None
    columns = tuple(doc.types)
    names = ", ".join(map(quote_name, columns))
    try:
        found = query(f"SELECT {names} FROM {rows} LIMIT {SAMPLES}")  # noqa: S608 - as above
    except SparkError:
        return None  # the result itself stands without them
    masked = mask(found, columns, doc)
    return Samples(columns, tuple(tuple(_text(value) for value in row) for row in masked))


def _rows(doc: TableDoc, rule: Rule, day: str) -> str | None:
    """Return the FROM and WHERE of the rows that break a rule."""
    table, condition = quote_name(doc.table), f"dt = {quote_text(day)}"
    also = f" AND ({rule.where}\n)" if rule.where else ""
    if rule.kind in {"not_null", "accepted_values", "matches", "between"}:
        return f"{table} WHERE {condition} AND ({broken(rule, doc.types)})"
    function = rule.aggregate.function if rule.aggregate and not rule.baseline else ""
    if function == "null_count":
        return f"{table} WHERE {condition} AND {quote_name(rule.columns[0])} IS NULL{also}"
    if rule.kind == "unique" or function == "duplicate_count":
        names = ", ".join(map(quote_name, rule.columns))
        return (
            f"{table} WHERE {condition}{also} AND ({names}) IN (SELECT {names} "  # noqa: S608 - as above
            f"FROM {table} WHERE {condition}{also} GROUP BY {names} HAVING count(*) > 1) "
            f"ORDER BY {names}"
        )
    if rule.kind == "relationship" and rule.other:
        name = quote_name(rule.columns[0])
        there = f" AND ({rule.other.where}\n)" if rule.other.where else ""
        return (
            f"{table} WHERE {condition}{also} AND {name} IS NOT NULL AND {name} NOT IN "  # noqa: S608 - as above
            f"(SELECT {quote_name(rule.other.column or '')} FROM {quote_name(rule.other.table)} "
            f"WHERE {condition}{there} AND {quote_name(rule.other.column or '')} IS NOT NULL)"
        )
    return None


def _text(value: Any) -> str | None:
    """Return a value as text, shortened."""
    if value is None:
        return None
    text = str(value)
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}..."
