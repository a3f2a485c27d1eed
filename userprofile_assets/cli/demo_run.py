"""The Dagster runs of `userprofile demo`.

They run in this process on the session that the demo has, and are recorded in the same instance
that `make ui` opens. Does not belong here: what is missing (`demo_days.py`).
"""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
)

from userprofile_assets.automation import JOB_NAME
from userprofile_assets.build import build_definitions
from userprofile_assets.cli.dagster_home import prepare_dagster_home
from userprofile_assets.cli.demo_days import DemoDays

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from userprofile_assets.cli.demo_days import PlannedRun
    from userprofile_assets.settings import Settings

_POLL_SECONDS = 0.2
_STATES = ("made", "good already", "failed", "not run")


@dataclass(frozen=True)
class AssetRow:
    """One asset over the days: what happened to it, and what it holds; None where not known."""

    asset: str
    state: str
    rows: int | None = None
    bytes: int | None = None
    seconds: float | None = None


class DemoRun:
    """Makes what days lack.

    Args:
        settings: The settings.
        keys: Partition keys such as `2024-08-07`, in order and without a gap.
    """

    def __init__(self, settings: Settings, keys: Sequence[str]) -> None:
        prepare_dagster_home(settings)
        # One run for all days, whatever a backfill of the UI does.
        settings = settings.model_copy(update={"backfill_days_per_run": "all"})
        self._keys = list(keys)
        self._instance = dg.DagsterInstance.get()
        self._definitions = build_definitions(settings=settings)
        self.days = DemoDays(
            settings=settings,
            keys=self._keys,
            instance=self._instance,
            graph=self._definitions.resolve_asset_graph(),
        )
        self._runs: dict[str, PlannedRun] = {}

    def materialize(self, run: PlannedRun, progress: Callable[[str], None]) -> bool:
        """Make some assets of some days in one run; return whether all of them succeeded.

        Args:
            run: Which.
            progress: Told which asset is being worked on.
        """
        run_id = str(uuid.uuid4())
        self._runs[run_id] = run
        job = self._definitions.resolve_job_def(JOB_NAME)
        # A run of a single day has the tag by which the UI shows it as one.
        days: dict[str, Any] = {"partition_key": run.keys[0]}
        if len(run.keys) > 1:
            days = {
                "tags": {
                    ASSET_PARTITION_RANGE_START_TAG: run.keys[0],
                    ASSET_PARTITION_RANGE_END_TAG: run.keys[-1],
                }
            }
        with self._following(run_id, progress):
            result = job.execute_in_process(
                **days,
                instance=self._instance,
                asset_selection=[dg.AssetKey(name) for name in run.assets],
                run_id=run_id,
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
                raise_on_error=False,
            )
        return result.success

    def rows(self) -> list[AssetRow]:
        """Return a row for each asset, with what the last materializations of its days recorded."""
        return [self._row(name) for name in self.days.assets]

    def failures(self) -> list[str]:
        """Return what failed in the runs, a text for each step."""
        return [
            f"{event.step_key}: {data.user_failure_data.description or data.error_display_string}"
            if (data := event.step_failure_data).user_failure_data
            else f"{event.step_key}: {data.error_display_string}"
            for event in self._events(dg.DagsterEventType.STEP_FAILURE)
        ]

    def _row(self, name: str) -> AssetRow:
        states: Counter[str] = Counter()
        rows: list[int] = []
        sizes: list[int] = []
        for key in self._keys:
            state, metadata = self._day(name, key)
            states[state] += 1
            for label, values in (("dagster/partition_row_count", rows), ("bytes", sizes)):
                number = _number(metadata.get(label))
                if number is not None:
                    values.append(number)
        return AssetRow(
            name,
            _summary(states),
            rows=sum(rows) if rows else None,
            bytes=sum(sizes) if sizes else None,
            seconds=self._seconds(name),
        )

    def _day(self, name: str, key: str) -> tuple[str, dict[str, dg.MetadataValue[Any]]]:
        """Return what happened to a day of an asset, and what is recorded of it."""
        found = self._instance.fetch_materializations(
            dg.AssetRecordsFilter(dg.AssetKey(name), asset_partitions=[key]), limit=1
        ).records
        asked = next(
            (
                run_id
                for run_id, run in self._runs.items()
                if key in run.keys and name in run.assets
            ),
            None,
        )
        if not found or (asked and found[0].run_id != asked):
            return ("failed" if self._failed(name, asked) else "not run"), {}
        materialization = found[0].asset_materialization
        metadata = dict(materialization.metadata) if materialization else {}
        return ("made" if asked else "good already"), metadata

    def _failed(self, name: str, run_id: str | None) -> bool:
        failed = self._events(dg.DagsterEventType.STEP_FAILURE, run_id)
        return any(event.step_key == name for event in failed)

    def _seconds(self, name: str) -> float | None:
        ended = [
            event.step_success_data.duration_ms / 1000
            for event in self._events(dg.DagsterEventType.STEP_SUCCESS)
            if event.step_key == name
        ]
        return sum(ended) if ended else None

    def _events(
        self, kind: dg.DagsterEventType, run_id: str | None = None
    ) -> list[dg.DagsterEvent]:
        """Return events of one run, or of all."""
        return [
            entry.dagster_event
            for one in ([run_id] if run_id else self._runs)
            for entry in self._instance.all_logs(one, of_type=kind)
            if entry.dagster_event
        ]

    @contextmanager
    def _following(self, run_id: str, progress: Callable[[str], None]) -> Iterator[None]:
        """Report each step that starts, from the instance's own log, as the UI would."""
        finished = threading.Event()

        def follow() -> None:
            seen = 0
            while not finished.wait(_POLL_SECONDS):
                started = self._instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_START)
                if len(started) > seen:
                    seen = len(started)
                    progress(f"Materializing {started[-1].step_key or ''}")

        thread = threading.Thread(target=follow, name="demo-progress", daemon=True)
        thread.start()
        try:
            yield
        finally:
            finished.set()
            thread.join()


def _summary(states: Counter[str]) -> str:
    """Say it in a word where all days have one state: `made`, or `made 1, good already 7`."""
    if len(states) == 1:
        return next(iter(states))
    return ", ".join(f"{state} {states[state]}" for state in _STATES if states[state])


def _number(value: dg.MetadataValue[Any] | None) -> int | None:
    """Return a recorded number, or None where nothing was recorded."""
    number = None if value is None else value.value
    return number if isinstance(number, int) else None
