"""Check days of a table against its rules: measure, compare, judge.

Belongs here: the order of these. Does not belong here: keeping the results (`history.py`), what
follows from them (`assets/`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from userprofile_assets.bizdate import to_bizdate
from userprofile_assets.quality.baselines import compared_with, days_needed
from userprofile_assets.quality.history import NoHistory
from userprofile_assets.quality.judge import judge
from userprofile_assets.quality.looking import looking_sql, sample_rows
from userprofile_assets.quality.masking import reveals
from userprofile_assets.quality.measurement import careful
from userprofile_assets.quality.other_tables import (
    far_side,
    measure_changed,
    measure_relationship,
    measure_sql,
)
from userprofile_assets.quality.rule import RuleResult
from userprofile_assets.quality.scan import is_scanned, scan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from userprofile_assets.quality.facts import Facts
    from userprofile_assets.quality.history import History
    from userprofile_assets.quality.measurement import Measured, Measurement, Query
    from userprofile_assets.quality.rule import Rule
    from userprofile_assets.quality.table_file import TableDoc


def check_days(
    doc: TableDoc,
    bizdates: Sequence[str],
    *,
    query: Query,
    history: History | None = None,
    facts: Facts | None = None,
    counted: Mapping[str, int] | None = None,
) -> list[RuleResult]:
    """Check some days of a table.

    Args:
        doc: The table with its rules.
        bizdates: The days; each is judged for itself.
        query: Runs a statement on Spark.
        history: Values of earlier days. A day of this call has what this call measures, and not
            what an earlier run did.
        facts: What is known about the objects of an external table, by bizdate.
        counted: Rows of days that were counted already, by bizdate.

    Returns:
        One result for each day and rule, by day and then in the order of the file.

    Raises:
        SparkUnavailableError: Spark does not answer.
        SparkTimeoutError: A statement took too long.
    """
    days = tuple(sorted({to_bizdate(day) for day in bizdates}))
    if not doc.rules or not days:
        return []
    query = careful(query)
    measured = _measure(doc, days, query, facts or {}, counted or {})
    values = _earlier_values(doc, days, measured, history or NoHistory())
    results = []
    for day in days:
        for rule in doc.rules:
            result = _result(doc, rule, day, measured[day, rule.name], values)
            if result.status == "failed":
                result = replace(result, samples=sample_rows(doc, rule, day, query))
            results.append(result)
    return results


def _measure(
    doc: TableDoc,
    days: tuple[str, ...],
    query: Query,
    facts: Facts,
    counted: Mapping[str, int],
) -> Measured:
    measured = scan(doc, [rule for rule in doc.rules if is_scanned(rule)], days, query, counted)
    for rule in doc.rules:
        if rule.kind == "relationship":
            measured |= measure_relationship(doc, rule, days, query)
        elif rule.kind == "sql":
            measured |= measure_sql(rule, days, query)
        elif rule.kind == "changed":
            measured |= measure_changed(rule, days, facts)
        elif rule.kind == "equals":
            for day, far in far_side(rule, days, query, facts).items():
                near = measured[day, rule.name]
                measured[day, rule.name] = replace(
                    near,
                    there=far.value,
                    missing=far.missing,
                    error=near.error or far.error,
                )
    return measured


def _earlier_values(
    doc: TableDoc, days: tuple[str, ...], measured: Measured, history: History
) -> dict[tuple[str, str], float]:
    """Return the values of the days that baselines need, by metric and day."""
    rules = [rule for rule in doc.rules if rule.baseline]
    needed = {
        earlier
        for rule in rules
        if rule.baseline
        for day in days
        for earlier in days_needed(rule.baseline, day)
    }
    found = (
        dict(history.values(doc.table, {rule.metric for rule in rules}, needed)) if rules else {}
    )
    for rule in rules:
        for day in days:
            # Also where nothing was measured: what an earlier run of the day found is not true now.
            found.pop((rule.metric, day), None)
            value = measured[day, rule.name].value
            if value is not None:
                found[rule.metric, day] = value
    return found


def _result(
    doc: TableDoc,
    rule: Rule,
    day: str,
    found: Measurement,
    values: Mapping[tuple[str, str], float],
) -> RuleResult:
    compared = None
    if rule.baseline:
        of_metric = {dt: value for (metric, dt), value in values.items() if metric == rule.metric}
        compared = compared_with(rule.baseline, day, of_metric)
    hidden = reveals(rule, doc)
    judgement = judge(rule, found, compared, hidden=hidden)
    baseline = compared.value if compared else found.there
    return RuleResult(
        table=doc.table,
        rule=rule.name,
        text=rule.text,
        bizdate=day,
        metric=rule.metric,
        strength=rule.strength,
        status=judgement.status,
        value=None if hidden else found.value,
        baseline=None if hidden else baseline,
        thresholds=rule.thresholds(),
        message=judgement.message,
        sql=looking_sql(doc, rule, day),
    )
