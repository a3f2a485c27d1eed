"""Which assets of which days the demo has to make.

Belongs here: what is good already, what follows from what is not, cutting it into runs. Does not
belong here: making it (`demo_run.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import dagster as dg

from userprofile_assets.bizdate import to_bizdate
from userprofile_assets.build import build_resources
from userprofile_assets.catalog.ingest_specs import ingest_specs
from userprofile_assets.catalog.sql_tables import load_warehouse
from userprofile_assets.errors import NotPublishedError, QueryRefusedError
from userprofile_assets.serving.ad_hoc import ad_hoc_query

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from userprofile_assets.catalog.ingest_specs import IngestSpec
    from userprofile_assets.ingestion.publish import Publisher
    from userprofile_assets.resources.oss import OssResource
    from userprofile_assets.settings import Settings
    from userprofile_assets.warehouse.engine import Engine


@dataclass(frozen=True)
class PlannedRun:
    """One Dagster run: the same assets of days that follow each other."""

    keys: tuple[str, ...]
    assets: tuple[str, ...]


def plan_runs(missing: Mapping[str, Sequence[str]]) -> list[PlannedRun]:
    """Cut what is missing into as few runs as possible without making a good day again.

    Args:
        missing: For each day, in order and without a gap between two days, the assets.
    """
    runs: list[PlannedRun] = []
    before: tuple[str, ...] = ()
    for key, assets in missing.items():
        now = tuple(assets)
        if now and now == before:
            runs[-1] = PlannedRun((*runs[-1].keys, key), now)
        elif now:
            runs.append(PlannedRun((key,), now))
        before = now
    return runs


@dataclass
class DemoDays:
    """Finds what days lack.

    Args:
        settings: The settings.
        keys: Partition keys, in order.
        instance: The instance with the history.
        graph: The assets.
    """

    settings: Settings
    keys: Sequence[str]
    instance: dg.DagsterInstance
    graph: dg.AssetGraph
    _tables: dict[str, set[str] | None] = field(default_factory=dict)

    @cached_property
    def assets(self) -> list[str]:
        """All assets that can be materialized, upstream first."""
        known = {key.to_user_string() for key in self.graph.materializable_asset_keys}
        order = [key.to_user_string() for key in self.graph.toposorted_asset_keys]
        return [name for name in order if name in known]

    def missing(self, engine: Engine) -> dict[str, list[str]]:
        """Return for each day the assets that are not recorded, not there, or too old.

        Whatever is made from a day that is missing is made again. So is a table over an object,
        though it shows the new one by itself: without its step nothing behind it would wait for
        the copy, or for its rules.
        """
        self._tables.clear()
        recorded = {
            name: set(self.instance.get_materialized_partitions(dg.AssetKey(name)))
            for name in self.assets
        }
        return {key: self._missing(key, recorded, engine) for key in self.keys}

    def _missing(self, key: str, recorded: Mapping[str, set[str]], engine: Engine) -> list[str]:
        missing = []
        changed: set[str] = set()
        for name in self.assets:
            is_good = key in recorded[name] and self._is_there(name, key, engine)
            if not is_good or not changed.isdisjoint(self._parents(name)):
                missing.append(name)
                changed.add(name)
        return missing

    def _is_there(self, name: str, key: str, engine: Engine) -> bool:
        bizdate = to_bizdate(key)
        if name in self._ingest:
            try:
                self._publisher.verify(self._ingest[name].key_of(bizdate))
            except NotPublishedError:
                return False
            return True
        if name not in self._kinds:
            return (name, bizdate) in self._served
        if name not in self._tables:
            self._tables[name] = self._days_in_spark(name, engine)
        days = self._tables[name]
        return days is not None and (self._kinds[name] == "view" or bizdate in days)

    def _days_in_spark(self, name: str, engine: Engine) -> set[str] | None:
        """Return the days of a table; None without the table."""
        if not engine.table_exists(name):
            return None
        if self._kinds[name] == "view":
            return set()
        shown: Iterable[Sequence[object]] = engine.execute(f"SHOW PARTITIONS {name}")
        return {str(row[0]).removeprefix("dt=") for row in shown}

    def _parents(self, name: str) -> set[str]:
        parents = self.graph.get(dg.AssetKey(name)).parent_keys
        return {key.to_user_string() for key in parents}

    @cached_property
    def _ingest(self) -> Mapping[str, IngestSpec]:
        return ingest_specs(self.settings)

    @cached_property
    def _kinds(self) -> Mapping[str, str]:
        return {table.table: table.kind for table in load_warehouse(self.settings).tables}

    @cached_property
    def _publisher(self) -> Publisher:
        oss: OssResource = build_resources(self.settings)["oss"].process_config_and_initialize()
        return oss.publisher(lambda _: None)

    @cached_property
    def _served(self) -> set[tuple[str, str]]:
        """Tables and days that the serving database has."""
        days = ", ".join(f"'{to_bizdate(key)}'" for key in self.keys)
        statement = f"SELECT table_name, dt FROM serving_day WHERE dt IN ({days})"  # noqa: S608 - eight digits each
        return {(str(table), str(dt)) for table, dt in read_serving(self.settings, statement)}


def read_serving(settings: Settings, statement: str) -> list[tuple[object, ...]]:
    """Return the rows of a statement on the serving database; none without its tables."""
    url = settings.serving_url
    try:
        with ad_hoc_query(
            url.get_secret_value() if url else None,
            settings.home,
            statement,
            seconds=30,
            rows=1_000_000,
            tls=settings.serving_tls,
            ca=str(settings.serving_ca) if settings.serving_ca else None,
        ) as found:
            return list(found)
    except (NotPublishedError, QueryRefusedError):
        return []
