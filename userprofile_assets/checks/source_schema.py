"""The check of the users' table: whether its columns are those of before.

A column that is missing or has another type stops the step before anything is copied
(`assets/step_records.py`); what this check tells is the rest: it warns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from userprofile_assets.records.schema_change import SchemaChange

CHECK_NAME = "source_columns_unchanged"


def source_schema_check(asset: str) -> dg.AssetCheckSpec:
    """Return the check's spec."""
    return dg.AssetCheckSpec(
        CHECK_NAME,
        asset=asset,
        description="The source has the columns of before. A new one, or another source, warns; "
        "a column that is missing or has another type stops the copy.",
    )


def source_schema_result(asset: str, changes: Sequence[SchemaChange]) -> dg.AssetCheckResult:
    """Return the result for the looks of a run."""
    told = sorted({str(change) for change in changes if change})
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=CHECK_NAME,
        passed=not any(change.warns for change in changes),
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(told) or "nothing changed",
    )
