"""The daily partitions that every asset shares, and how a backfill cuts them into runs.

One object of each for the whole project: assets with differing ones would be split into several
runs (https://github.com/dagster-io/dagster/issues/19625).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

if TYPE_CHECKING:
    from userprofile_assets.settings import Settings


def daily_partitions(settings: Settings) -> dg.DailyPartitionsDefinition:
    """Return one partition a day from START_DATE to yesterday, in TIMEZONE.

    `end_offset` stays 0: today's log is still being written, and with 1 the schedule would fill
    today instead of yesterday.
    """
    return dg.DailyPartitionsDefinition(start_date=settings.start_date, timezone=settings.timezone)


def backfill_policy(settings: Settings) -> dg.BackfillPolicy:
    """Return how many days of a backfill share a run: BACKFILL_DAYS_PER_RUN."""
    days = settings.backfill_days_per_run
    if days == "all":
        return dg.BackfillPolicy.single_run()
    return dg.BackfillPolicy.multi_run(max_partitions_per_run=days)
