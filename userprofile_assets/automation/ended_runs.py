"""The runs that ended since a sensor last looked.

Belongs here: reading them from Dagster's instance, and the cursor. Does not belong here: what of
them is worth an alert.

Dagster's own run status sensors call a function for each run; ours look at many runs at once, since
the runs of a backfill that fail for one cause are one message. They also see runs that were started
by the command line, of which those know nothing.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Literal

    End = Literal[
        dg.DagsterEventType.RUN_SUCCESS,
        dg.DagsterEventType.RUN_FAILURE,
        dg.DagsterEventType.RUN_CANCELED,
    ]

PARTITION_TAG = "dagster/partition"
_RANGE_TAGS = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
# Set after a run failed, by an instance that retries runs (dagster 1.13, `event_methods.py`).
_WILL_RETRY_TAG = "dagster/will_retry"
_SECONDS_UNTIL_TAGGED = 30.0

_AT_ONCE = 100


@dataclass(frozen=True)
class EndedRun:
    """A run that ended, and the event that said so."""

    run: dg.DagsterRun
    event: dg.EventLogRecord

    @property
    def days(self) -> str:
        """Its day, `first...last` for a range, empty for none."""
        tags = self.run.tags
        first, last = (tags.get(tag) for tag in _RANGE_TAGS)
        if first and last:
            return first if first == last else f"{first}...{last}"
        return tags.get(PARTITION_TAG, "")

    @property
    def started_by(self) -> str:
        """What started it, in words."""
        tags = self.run.tags
        for tag, words in (
            ("dagster/backfill", "backfill {}"),
            ("dagster/schedule_name", "schedule {}"),
            ("dagster/sensor_name", "sensor {}"),
        ):
            if tag in tags:
                return words.format(tags[tag])
        return "hand"

    @property
    def will_retry(self) -> bool:
        """Whether Dagster starts it again by itself."""
        return self.run.tags.get(_WILL_RETRY_TAG) == "true"


def has_day(run: dg.DagsterRun, day: str) -> bool:
    """Tell whether a run is of a day, alone or among others."""
    first, last = (run.tags.get(tag) for tag in _RANGE_TAGS)
    if first and last:
        return first <= day <= last
    return run.tags.get(PARTITION_TAG) == day


class EndedRuns:
    """Reads the runs that ended in some ways, after a cursor.

    Args:
        instance: Dagster's instance.
        cursor: `self.cursor` of the last look; None: begin now, without the past.
        ends: The events that say so, such as `RUN_FAILURE`.
        location: Code location whose runs are meant; None: all. Runs of the command line have none.
    """

    def __init__(
        self,
        instance: dg.DagsterInstance,
        cursor: str | None,
        ends: Sequence[End],
        *,
        location: str | None = None,
    ) -> None:
        self._instance = instance
        self._ends = ends
        self._location = location
        self._seen: dict[str, int] = json.loads(cursor) if cursor else {}

    @property
    def cursor(self) -> str:
        """How far it has been read."""
        return json.dumps(self._seen, sort_keys=True)

    def read(self) -> list[EndedRun]:
        """Return the next runs, at most a hundred of each kind of end."""
        return [ended for end in self._ends for ended in self._read(end)]

    def _read(self, end: End) -> Iterator[EndedRun]:
        seen = self._seen.get(end.value)
        if seen is None:
            newest = self._instance.fetch_run_status_changes(end, limit=1).records
            self._seen[end.value] = newest[0].storage_id if newest else 0
            return
        after = dg.RunStatusChangeRecordsFilter(event_type=end, after_storage_id=seen)
        found = self._instance.fetch_run_status_changes(after, limit=_AT_ONCE, ascending=True)
        for record in found.records:
            run = self._instance.get_run_by_id(record.run_id)
            if run is not None and self._undecided(run, record):
                return
            self._seen[end.value] = record.storage_id
            if run is not None and self._is_ours(run):
                yield EndedRun(run, record)

    def _undecided(self, run: dg.DagsterRun, event: dg.EventLogRecord) -> bool:
        """Whether it failed a moment ago and it is not written yet if it is retried."""
        return (
            run.status == dg.DagsterRunStatus.FAILURE
            and self._instance.run_retries_enabled
            and _WILL_RETRY_TAG not in run.tags
            and time.time() - event.timestamp < _SECONDS_UNTIL_TAGGED
        )

    def _is_ours(self, run: dg.DagsterRun) -> bool:
        origin = run.remote_job_origin
        return self._location is None or origin is None or origin.location_name == self._location


def broken_checks(
    instance: dg.DagsterInstance, run_id: str
) -> Iterator[tuple[str | None, dg.AssetCheckEvaluation]]:
    """Yield the checks of a run that did not pass, each with the key of its step.

    Of a step that was tried again what the last try said counts.
    """
    records = instance.get_records_for_run(
        run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
    ).records
    last: dict[Any, tuple[str | None, dg.AssetCheckEvaluation]] = {}
    for record in sorted(records, key=lambda record: record.storage_id):
        event = record.event_log_entry.dagster_event
        if event is not None:
            check = event.asset_check_evaluation_data
            last[check.asset_check_key, check.partition] = event.step_key, check
    for step, check in last.values():
        if not check.passed:
            yield step, check
