"""The quality rules of a table as asset checks of its step.

A rule is a check. Its result stands for all days of the run, since Dagster keeps one result a step;
the table in its metadata has each day. Values of `pii` columns are masked before they come here.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

import dagster as dg

from userprofile_assets.bizdate import to_partition_key
from userprofile_assets.errors import RefusedDayError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from userprofile_assets.quality.rule import Rule, RuleResult, Samples
    from userprofile_assets.quality.table_file import TableDoc

# Longer descriptions push the list of checks off the page; the metadata has all days.
_MOST_DAYS_TOLD = 5


def rule_check_specs(
    doc: TableDoc, partitions: dg.PartitionsDefinition[str]
) -> list[dg.AssetCheckSpec]:
    """Return the spec of each rule; a strong one blocks what is downstream.

    Args:
        doc: The table with its rules.
        partitions: Those of the table, so that the UI shows a result beside its day.
    """
    return [
        dg.AssetCheckSpec(
            rule.name,
            asset=doc.table,
            blocking=rule.strength == "strong",
            partitions_def=partitions,
            description=_description(rule),
            metadata={"rule": rule.text, "file": f"sql/{rule.where_from}"},
        )
        for rule in doc.rules
    ]


def rule_check_results(results: Sequence[RuleResult]) -> list[dg.AssetCheckResult]:
    """Return one result for each rule, in the order of the file.

    Args:
        results: Of one table, any number of days.
    """
    order = list(dict.fromkeys(result.rule for result in results))
    by_rule = sorted(results, key=lambda result: (order.index(result.rule), result.bizdate))
    return [_result(list(group)) for _, group in groupby(by_rule, key=lambda r: r.rule)]


def refused_days(results: Sequence[RuleResult]) -> dict[str, RefusedDayError]:
    """Return the days that a strong rule refuses: partition key -> what is wrong with it."""
    refused: dict[str, list[RuleResult]] = {}
    for result in results:
        if result.blocks:
            refused.setdefault(result.bizdate, []).append(result)
    return {to_partition_key(day): _refusal(broken) for day, broken in sorted(refused.items())}


def _description(rule: Rule) -> str:
    thresholds = rule.thresholds()
    return f"{rule.text} ({rule.strength}{f'; {thresholds}' if thresholds else ''})"


def _result(days: Sequence[RuleResult]) -> dg.AssetCheckResult:
    bad = [day for day in days if day.status in {"failed", "warned"}]
    blocks = any(day.blocks for day in days)
    told = bad or list(days)
    parts = [
        day.message if len(days) == 1 else f"{to_partition_key(day.bizdate)}: {day.message}"
        for day in told[:_MOST_DAYS_TOLD]
    ]
    if len(told) > _MOST_DAYS_TOLD:
        parts.append(f"and {len(told) - _MOST_DAYS_TOLD} more days")
    return dg.AssetCheckResult(
        asset_key=days[0].table,
        check_name=days[0].rule,
        passed=not bad,
        severity=dg.AssetCheckSeverity.ERROR if blocks else dg.AssetCheckSeverity.WARN,
        description="; ".join(parts),
        metadata=_metadata(days, told),
    )


def _metadata(days: Sequence[RuleResult], told: Sequence[RuleResult]) -> dict[str, Any]:
    first = told[0]
    metadata: dict[str, Any] = {"threshold": first.thresholds}
    if len(days) == 1:
        metadata["status"] = first.status
        if first.value is not None:
            metadata["value"] = first.value
        if first.baseline is not None:
            metadata["baseline"] = first.baseline
    else:
        metadata["days"] = _days_table(days)
    if first.sql:
        metadata["look at it with"] = dg.MetadataValue.md(f"```sql\n{first.sql}\n```")
    if first.samples:
        metadata["sample rows"] = _rows_table(first.samples)
    return metadata


def _days_table(days: Sequence[RuleResult]) -> dg.TableMetadataValue:
    return dg.MetadataValue.table(
        [
            dg.TableRecord(
                {
                    "day": to_partition_key(day.bizdate),
                    "status": day.status,
                    "value": day.value,
                    "baseline": day.baseline,
                    "message": day.message,
                }
            )
            for day in days
        ],
        dg.TableSchema(
            [
                dg.TableColumn("day", "string"),
                dg.TableColumn("status", "string"),
                dg.TableColumn("value", "float"),
                dg.TableColumn("baseline", "float"),
                dg.TableColumn("message", "string"),
            ]
        ),
    )


def _rows_table(samples: Samples) -> dg.TableMetadataValue:
    return dg.MetadataValue.table(
        [dg.TableRecord(dict(zip(samples.columns, row, strict=True))) for row in samples.rows],
        dg.TableSchema([dg.TableColumn(name, "string") for name in samples.columns]),
    )


def _refusal(broken: Sequence[RuleResult]) -> RefusedDayError:
    table, day = broken[0].table, to_partition_key(broken[0].bizdate)
    rules = "; ".join(f"{result.rule}: {result.message}" for result in broken)
    return RefusedDayError(
        f"the day is made, but breaks {len(broken)} strong "
        f"{'rule' if len(broken) == 1 else 'rules'} ({rules}); nothing is built on it",
        where=f"{table}, {day}",
        remedy=f"look at the rows (the checks of {table} have the SQL); correct the source, or "
        "`userprofile rollback` the object, and materialize the day again; if the data are right, "
        f"correct the rule and materialize {table} of that day again",
    )
