"""The check of the serving tables: the database has as many rows of a day as Spark counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from userprofile_assets.bizdate import to_partition_key
from userprofile_assets.checks.equal_rows import equal_rows_check, equal_rows_result

if TYPE_CHECKING:
    from collections.abc import Mapping

    import dagster as dg

    from userprofile_assets.errors import SparkError

CHECK_NAME = "rows_equal_spark"


def served_rows_check(table: str) -> dg.AssetCheckSpec:
    """Return the check's spec; a failure stops what is downstream."""
    return equal_rows_check(
        table, CHECK_NAME, "The serving database has as many rows of the day as Spark counts."
    )


def served_rows_result(
    table: str, counted: Mapping[str, int | SparkError], served: Mapping[str, int]
) -> dg.AssetCheckResult:
    """Return the check's result for the days that a run published.

    Args:
        table: The table.
        counted: Bizdate -> rows by Spark.
        served: Bizdate -> rows that the database has.
    """
    differing = {
        to_partition_key(bizdate): f"{served[bizdate]} rows served, {rows} by Spark"
        for bizdate, rows in counted.items()
        if served[bizdate] != rows
    }
    return equal_rows_result(table, CHECK_NAME, differing, days=len(counted))
