"""A blocking check that two counts of each day are equal: its spec and its result.

Belongs here: what Dagster is told. Does not belong here: what is counted (`row_counts.py`,
`served_rows.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

if TYPE_CHECKING:
    from collections.abc import Mapping


def equal_rows_check(table: str, name: str, description: str) -> dg.AssetCheckSpec:
    """Return the check's spec; a failure stops what is downstream."""
    return dg.AssetCheckSpec(name, asset=table, blocking=True, description=description)


def equal_rows_result(
    table: str, name: str, differing: Mapping[str, str], *, days: int
) -> dg.AssetCheckResult:
    """Return the check's result for the days of a run.

    Args:
        table: The table.
        name: The check.
        differing: Partition key -> both counts, for each day on which they differ.
        days: How many days were compared.
    """
    equal = f"equal on {days} {'day' if days == 1 else 'days'}" if days else "no day is published"
    return dg.AssetCheckResult(
        asset_key=table,
        check_name=name,
        passed=not differing,
        severity=dg.AssetCheckSeverity.ERROR,
        description="; ".join(f"{key}: {what}" for key, what in differing.items()) or equal,
        metadata={"days": days, "days that differ": dg.MetadataValue.json(sorted(differing))},
    )
