"""The blocking check of external tables: Spark counts the rows that the manifest promised.

Every copy is reconciled: what was counted while the object was written, and what Spark counts when
it reads it, must be one number. A dialect that reads differently, an object replaced behind the
project's back or a half-visible directory shows here, before anything is built on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from userprofile_assets.bizdate import to_partition_key
from userprofile_assets.checks.equal_rows import equal_rows_check, equal_rows_result
from userprofile_assets.errors import SparkError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import dagster as dg

    from userprofile_assets.ingestion.manifest import Manifest

CHECK_NAME = "rows_equal_manifest"


def row_count_check(table: str) -> dg.AssetCheckSpec:
    """Return the check's spec; a failure stops what is downstream."""
    return equal_rows_check(
        table, CHECK_NAME, "Spark counts as many rows as the manifest of the object says."
    )


def reconciled(
    table: str, manifest: Manifest, counted: int | SparkError, metadata: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Return a day's metadata if Spark counted what the manifest promised.

    Raises:
        SparkError: The rows could not be counted, or their number is another one.
    """
    if isinstance(counted, SparkError):
        raise counted
    if counted != manifest.rows:
        raise _differs(table, manifest, counted)
    return metadata


def differing(
    table: str, manifests: Mapping[str, Manifest], counts: Mapping[str, int | SparkError]
) -> dict[str, SparkError]:
    """Return the days that were counted and have another number of rows, each with its error."""
    return {
        bizdate: _differs(table, manifests[bizdate], count)
        for bizdate, count in counts.items()
        if not isinstance(count, SparkError) and count != manifests[bizdate].rows
    }


def _differs(table: str, manifest: Manifest, counted: int) -> SparkError:
    return SparkError(
        f"Spark counts {counted} rows, the manifest says {manifest.rows}",
        where=f"{table}, {to_partition_key(manifest.bizdate)}",
        remedy=f"materialize {manifest.asset} of that day again; "
        f"if it stays, compare {manifest.key} with the table's format",
    )


def check_of(
    table: str, manifests: Mapping[str, Manifest], counts: Mapping[str, int | SparkError]
) -> dg.AssetCheckResult:
    """Return the check's result for the days of a run.

    Args:
        table: The table.
        manifests: Bizdate -> manifest, for each day that is published.
        counts: Bizdate -> rows by Spark, or the error of counting them.
    """
    differing = {
        to_partition_key(bizdate): (
            f"{manifest.rows} rows by the manifest, "
            + ("not countable" if isinstance(count, SparkError) else f"{count} by Spark")
        )
        for bizdate, manifest in manifests.items()
        if (count := counts[bizdate]) != manifest.rows
    }
    return equal_rows_result(table, CHECK_NAME, differing, days=len(manifests))
