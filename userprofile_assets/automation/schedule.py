"""The schedule of the job.

`workshop_start_spark` is the name of the tutorial's zero-load root node, whose only work is to
start everything at 00:30.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

if TYPE_CHECKING:
    from userprofile_assets.settings import Settings

SCHEDULE_NAME = "workshop_start_spark"


def build_schedule(
    job: dg.UnresolvedAssetJobDefinition, settings: Settings
) -> dg.UnresolvedPartitionedAssetScheduleDefinition | dg.ScheduleDefinition:
    """Return the schedule: at 00:30 in TIMEZONE, for the day before.

    The partition's key is the run key too, so a day is scheduled once.
    """
    return dg.build_schedule_from_partitioned_job(
        job,
        name=SCHEDULE_NAME,
        description="Materializes the previous day's partition of every asset at 00:30.",
        hour_of_day=0,
        minute_of_hour=30,
        default_status=(
            dg.DefaultScheduleStatus.RUNNING
            if settings.schedule_on
            else dg.DefaultScheduleStatus.STOPPED
        ),
    )
