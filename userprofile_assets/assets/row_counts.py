"""The blocking check of external tables: Spark counts the rows that the manifest promised.

Every copy is reconciled: what was counted while the object was written, and what Spark counts when
it reads it, must be one number. A dialect that reads differently, an object replaced behind the
project's back or a half-visible directory shows here, before anything is built on it.
"""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg

from userprofile_assets.errors import SparkError
from userprofile_assets.ingestion.manifest import Manifest

CHECK_NAME = "rows_equal_manifest"


def row_count_check(table: str) -> dg.AssetCheckSpec:
    """Return the check's spec; a failure stops what is downstream."""
    return dg.AssetCheckSpec(
        CHECK_NAME,
        asset=table,
        blocking=True,
        description="Spark counts as many rows as the manifest of the object says.",
    )


def unequal(table: str, key: str, manifest: Manifest, counted: int) -> SparkError:
    """Return the error of a day whose counts differ."""
    return SparkError(
        f"Spark counts {counted} rows, the manifest says {manifest.rows}",
        where=f"{table}, {key}",
        remedy=f"materialize {manifest.asset} of that day again; "
        f"if it stays, compare {manifest.key} with the table's format",
    )


def check_of(
    table: str, *, counted: int, mismatches: Mapping[str, tuple[int, int]]
) -> dg.AssetCheckResult:
    """Return the check's result for the days of a run.

    Args:
        table: The table.
        counted: How many days were counted.
        mismatches: Partition key -> rows by the manifest, rows by Spark.
    """
    return dg.AssetCheckResult(
        asset_key=table,
        check_name=CHECK_NAME,
        passed=not mismatches,
        severity=dg.AssetCheckSeverity.ERROR,
        description=(
            "; ".join(
                f"{key}: {promised} rows by the manifest, {found} by Spark"
                for key, (promised, found) in mismatches.items()
            )
            or f"equal on {counted} {'day' if counted == 1 else 'days'}"
        ),
        metadata={
            "days": counted,
            "days that differ": dg.MetadataValue.json(sorted(mismatches)),
        },
    )
