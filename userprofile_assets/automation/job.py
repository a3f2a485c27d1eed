"""The job that materializes every asset of a day."""

from __future__ import annotations

import dagster as dg

JOB_NAME = "user_profile_analysis_spark"


def build_job() -> dg.UnresolvedAssetJobDefinition:
    """Return the job that materializes every asset of one day."""
    return dg.define_asset_job(
        JOB_NAME,
        selection=dg.AssetSelection.all(),
        description="Copies a day's log and users to object storage, puts Spark tables on them.",
    )
