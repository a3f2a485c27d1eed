"""The Dagster run of `userprofile demo`: what is missing of a day, and making it.

It runs in this process on the session that the demo has, and is recorded in the same instance that
`make ui` opens.
"""

from __future__ import annotations

import threading
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg

from userprofile_assets.automation import JOB_NAME
from userprofile_assets.bizdate import to_bizdate
from userprofile_assets.build import build_definitions, build_resources
from userprofile_assets.catalog.ingest_specs import ingest_specs
from userprofile_assets.catalog.sql_tables import load_warehouse
from userprofile_assets.cli.dagster_home import prepare_dagster_home
from userprofile_assets.errors import NotPublishedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from userprofile_assets.resources.oss import OssResource
    from userprofile_assets.settings import Settings
    from userprofile_assets.warehouse.engine import Engine

_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class AssetRow:
    """One asset of the day: what happened to it, and what it holds; None where that is unknown."""

    asset: str
    state: str
    rows: int | None = None
    bytes: int | None = None
    seconds: float | None = None


class DemoRun:
    """Finds and makes what a day lacks.

    Args:
        settings: The settings.
        key: The partition key, such as `2024-08-07`.
    """

    def __init__(self, settings: Settings, key: str) -> None:
        prepare_dagster_home(settings)
        self._settings = settings
        self._key = key
        self._instance = dg.DagsterInstance.get()
        self._definitions = build_definitions(settings=settings)
        self._ingest = ingest_specs(settings)
        self._warehouse = load_warehouse(settings)
        self._run_id: str | None = None
        self._made: frozenset[str] = frozenset()

    @property
    def assets(self) -> list[str]:
        """All assets that can be materialized, upstream first."""
        return [*self._ingest, *(table.table for table in self._warehouse.tables)]

    def missing(self, engine: Engine) -> list[str]:
        """Return the assets whose day is not recorded, not in storage, not in Spark, or too old.

        Too old are rows that were made from a day that is missing. A table over an object is not:
        it shows the new one by itself.
        """
        missing = [name for name in self._ingest if not self._is_good(name, engine)]
        changed = set(missing)
        for table in self._warehouse.tables:
            name = table.table
            is_good = self._is_good(name, engine)
            is_behind = not changed.isdisjoint(self._warehouse.dependencies(name))
            if not is_good or (is_behind and table.kind in {"filled", "lookup"}):
                missing.append(name)
            if not is_good or is_behind:
                changed.add(name)
        return missing

    def materialize(self, names: Sequence[str], progress: Callable[[str], None]) -> bool:
        """Materialize the day of some assets; return whether all of them succeeded.

        Args:
            names: The assets.
            progress: Told the name of the asset that is being worked on.
        """
        self._run_id = str(uuid.uuid4())
        self._made = frozenset(names)
        job = self._definitions.resolve_job_def(JOB_NAME)
        with self._following(self._run_id, progress):
            result = job.execute_in_process(
                partition_key=self._key,
                instance=self._instance,
                asset_selection=[dg.AssetKey(name) for name in names],
                run_id=self._run_id,
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
                raise_on_error=False,
            )
        return result.success

    def rows(self) -> list[AssetRow]:
        """Return a row for each asset, with what its last materialization of the day recorded."""
        return [self._row(name) for name in self.assets]

    def failures(self) -> list[str]:
        """Return what failed in the run, a text for each step."""
        return [
            f"{event.step_key}: {data.user_failure_data.description or data.error_display_string}"
            if (data := event.step_failure_data).user_failure_data
            else f"{event.step_key}: {data.error_display_string}"
            for event in self._events(dg.DagsterEventType.STEP_FAILURE)
        ]

    def _is_good(self, name: str, engine: Engine) -> bool:
        recorded = self._instance.get_materialized_partitions(dg.AssetKey(name))
        if self._key not in recorded:
            return False
        if name in self._ingest:
            resource: OssResource = build_resources(self._settings)["oss"]
            publisher = resource.process_config_and_initialize().publisher(lambda _: None)
            try:
                publisher.verify(self._ingest[name].key_of(to_bizdate(self._key)))
            except NotPublishedError:
                return False
            return True
        if not engine.table_exists(name):
            return False
        if self._warehouse.table(name).kind == "view":
            return True
        partitions = engine.execute(f"SHOW PARTITIONS {name}")
        return f"dt={to_bizdate(self._key)}" in {row[0] for row in partitions}

    def _row(self, name: str) -> AssetRow:
        found = self._instance.fetch_materializations(
            dg.AssetRecordsFilter(dg.AssetKey(name), asset_partitions=[self._key]), limit=1
        ).records
        made = name in self._made
        if not found or (made and found[0].run_id != self._run_id):
            return AssetRow(name, "failed" if self._failed(name) else "not run")
        materialization = found[0].asset_materialization
        metadata = materialization.metadata if materialization else {}
        return AssetRow(
            name,
            "made" if made else "good already",
            rows=_number(metadata.get("dagster/partition_row_count")),
            bytes=_number(metadata.get("bytes")),
            seconds=self._seconds(name) if made else None,
        )

    def _failed(self, name: str) -> bool:
        return any(e.step_key == name for e in self._events(dg.DagsterEventType.STEP_FAILURE))

    def _seconds(self, name: str) -> float | None:
        for event in self._events(dg.DagsterEventType.STEP_SUCCESS):
            if event.step_key == name:
                return event.step_success_data.duration_ms / 1000
        return None

    def _events(self, kind: dg.DagsterEventType) -> list[dg.DagsterEvent]:
        if self._run_id is None:
            return []
        logs = self._instance.all_logs(self._run_id, of_type=kind)
        return [entry.dagster_event for entry in logs if entry.dagster_event]

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
                    progress(started[-1].step_key or "")

        thread = threading.Thread(target=follow, name="demo-progress", daemon=True)
        thread.start()
        try:
            yield
        finally:
            finished.set()
            thread.join()


def _number(value: dg.MetadataValue[Any] | None) -> int | None:
    """Return a recorded number, or None where nothing was recorded."""
    number = None if value is None else value.value
    return number if isinstance(number, int) else None
