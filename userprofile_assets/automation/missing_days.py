"""Whether the newest closed day is there by the hour at which it should be.

The tutorial's baseline: DataWorks watches scheduled instances only; this looks at what is there,
so it also sees a schedule that is switched off or a daemon that was not running.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import dagster as dg

from userprofile_assets.alerts.message import Alert, Severity, make_alert
from userprofile_assets.automation.ended_runs import has_day
from userprofile_assets.automation.run_alerts import run_link
from userprofile_assets.bizdate import parse_day, to_partition_key, yesterday

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """What has to be there, and when.

    Attributes:
        by: Time of day.
        timezone: Of that time, and of the days.
        tables: Patterns of the tables' names.
        first_day: Partition key of the first day that there is.
    """

    by: time
    timezone: str
    tables: tuple[str, ...]
    first_day: str

    def day(self, now: datetime) -> str | None:
        """Return the partition key that has to be there now; None: none yet."""
        if now.astimezone(ZoneInfo(self.timezone)).time() < self.by:
            return None
        day = to_partition_key(yesterday(self.timezone, now=now))
        return day if day >= self.first_day else None

    def watched(self, keys: Iterable[dg.AssetKey]) -> list[dg.AssetKey]:
        """Return the assets that are meant, in the order of their names."""
        meant = [k for k in keys if any(fnmatchcase(k.path[-1], p) for p in self.tables)]
        return sorted(meant, key=lambda key: key.to_user_string())


def alert_of_day(
    instance: dg.DagsterInstance,
    day: str,
    tables: Sequence[dg.AssetKey],
    *,
    by: time,
    ui_url: str | None,
) -> Alert | None:
    """Return an alert if a table has no partition of a day."""
    missing = [key.path[-1] for key in tables if not _is_there(instance, key, day)]
    if not missing:
        return None
    runs = _runs(instance, day)
    if runs:
        counted = Counter(run.status.value.lower().replace("_", " ") for run in runs)
        said = ", ".join(f"{number} {status}" for status, number in sorted(counted.items()))
        state = f"Its runs so far: {said}."
    else:
        state = "It has no run so far: is the schedule on, and does the daemon run?"
    return make_alert(
        cause=f"missing day {day}",
        title=f"{day} is not there by {by:%H:%M}",
        text=f"Missing in {', '.join(missing)}.\n{state}",
        severity=Severity.ERROR,
        link=run_link(ui_url, runs[0].run_id) if runs else None,
    )


def _runs(instance: dg.DagsterInstance, day: str) -> list[dg.DagsterRun]:
    """Return the runs of a day, those over several days too, the newest first."""
    # A day begins at most 14 hours before it does in UTC, and no run of it is older.
    begin = datetime.combine(parse_day(day), time.min, UTC) - timedelta(days=1)
    runs = instance.get_runs(filters=dg.RunsFilter(created_after=begin))
    return [run for run in runs if has_day(run, day)]


def _is_there(instance: dg.DagsterInstance, key: dg.AssetKey, day: str) -> bool:
    wanted = dg.AssetRecordsFilter(asset_key=key, asset_partitions=[day])
    return bool(instance.fetch_materializations(wanted, limit=1).records)
