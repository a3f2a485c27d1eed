"""Assets that publish a day of a table of Spark to the serving database.

Belongs here: what a step does with its days, and the check of their rows. Does not belong here:
the publishing (`serving/publish.py`), which tables are served (`serving/results.py`).
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg

from userprofile_assets.assets.common import OWNERS, RETRY_POLICY, SPARK_POOL, Daily
from userprofile_assets.assets.days import Days
from userprofile_assets.assets.failures import ends_when_terminated, failing_as_dagster
from userprofile_assets.assets.step_events import LineageEvents
from userprofile_assets.assets.step_records import StepRecords
from userprofile_assets.assets.table_specs import AssetDecorator
from userprofile_assets.bizdate import to_bizdate, to_partition_key
from userprofile_assets.catalog.model import Catalog, Dataset
from userprofile_assets.checks.served_rows import served_rows_check, served_rows_result
from userprofile_assets.errors import NotPublishedError, SparkError, UserProfileError
from userprofile_assets.ingestion.store import ObjectStore
from userprofile_assets.records.database import Records
from userprofile_assets.resources.oss import OssResource
from userprofile_assets.resources.records import RecordsResource
from userprofile_assets.resources.spark import SparkResource
from userprofile_assets.serving.parquet_day import parquet_batches
from userprofile_assets.serving.publish import publish_day
from userprofile_assets.serving.results import RESULTS, spark_table
from userprofile_assets.serving.retention import oldest_kept, remove_old_days
from userprofile_assets.serving.row_counts import count_served
from userprofile_assets.settings import Settings
from userprofile_assets.warehouse.count_rows import count_rows
from userprofile_assets.warehouse.executor import Executor
from userprofile_assets.warehouse.partitions import Partitions
from userprofile_assets.warehouse.places import key_under

Results = Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]

# Seconds for the longest answer of MySQL: removing a day of many million rows.
_ANSWER_SECONDS = 3600


def build_serving_assets(
    settings: Settings, daily: Daily, catalog: Catalog, events: LineageEvents
) -> list[dg.AssetsDefinition]:
    """Return an asset for every table that is served.

    Args:
        settings: The settings.
        daily: The partitions and the backfill policy.
        catalog: All datasets.
        events: What OpenLineage events are made of.
    """
    return [
        _serving_asset(settings, daily, dataset, events)
        for dataset in catalog.datasets
        if dataset.kind == "serving" and dataset.name in RESULTS
    ]


def _serving_asset(
    settings: Settings, daily: Daily, dataset: Dataset, events: LineageEvents
) -> dg.AssetsDefinition:
    @ends_when_terminated
    def serving_table(
        context: dg.AssetExecutionContext,
        spark: SparkResource,
        oss: OssResource,
        records: RecordsResource,
    ) -> Results:
        log = context.log.info
        days = Days()
        with failing_as_dagster():
            executor = spark.executor(log)
            store = oss.store()
            kept = StepRecords.of_step(context, records, events)
            database = records.open(read_timeout=_ANSWER_SECONDS)
        with kept, database, days.recorded_on_error(context, kept.end):
            step = _Step(
                table=dataset.name,
                run=partial(_run, executor, dataset.name),
                store=store,
                spark_uri=settings.effective_spark_uri,
                database=database,
                kept_days=settings.serving_days,
                temporary=settings.home / "serving" / "tmp",
                run_id=context.run.run_id,
                log=log,
            )
            ready = _let_through(kept, dataset, context.partition_keys, days)
            with days.all_bad_on_error(ready):
                step.look(ready)
            for bizdate in ready:
                key = to_partition_key(bizdate)
                if key not in days.bad:
                    days.run(key, partial(step.publish, bizdate))
            with failing_as_dagster():
                # A day that is not kept is good without a publishing; Dagster wants a result.
                checks = [step.check()] if step.published or not days.bad else []
                kept.end(days)
        yield from days.report(context, checks)

    # Of the overloads of dg.asset mypy cannot choose one for arguments in a mapping.
    asset: AssetDecorator = dg.asset(
        **_arguments(settings, daily, dataset), check_specs=[served_rows_check(dataset.name)]
    )
    return asset(serving_table)


def _let_through(kept: StepRecords, dataset: Dataset, keys: Sequence[str], days: Days) -> list[str]:
    """Return the days that no strong rule refuses; the others are bad days."""
    ready = []
    for key in keys:
        try:
            kept.pass_gate(dataset.dependencies, to_bizdate(key))
            ready.append(to_bizdate(key))
        except UserProfileError as error:
            days.bad[key] = error
    return ready


def _run(executor: Executor, table: str, sql: str) -> list[Any]:
    return executor.run(sql, where=f"publishing {table}")


@dataclass(kw_only=True)
class _Step:
    """What one step works with, and what it found and did."""

    table: str
    run: Callable[[str], list[Any]]
    store: ObjectStore
    spark_uri: str
    database: Records
    kept_days: int
    temporary: Path
    run_id: str
    log: Callable[[str], None]
    there: set[str] = field(default_factory=set)
    counts: dict[str, int | SparkError] = field(default_factory=dict)
    published: list[str] = field(default_factory=list)

    @property
    def source(self) -> str:
        """The table of Spark."""
        return spark_table(self.table)

    def look(self, bizdates: Sequence[str]) -> None:
        """Ask Spark which days it has, and count their rows in one scan."""
        if bizdates:
            self.there = Partitions(self.source, self.run).days()
            self.counts = count_rows(self.source, bizdates, self.run)

    def publish(self, bizdate: str) -> dict[str, Any]:
        """Publish one day and return its metadata."""
        if bizdate not in self.there:
            raise NotPublishedError(
                "the table of Spark has no such day",
                where=f"{self.source}, {to_partition_key(bizdate)}",
                remedy=f"materialize {self.source} of that day",
            )
        oldest = oldest_kept(self.database, self.table, self.kept_days, with_day=bizdate)
        if bizdate < oldest:
            self.log(f"{self.table}: {bizdate} is not published, days before {oldest} are not kept")
            return {"not published": f"days before {oldest} are not kept (SERVING_DAYS)"}
        expected = self.counts[bizdate]
        if isinstance(expected, SparkError):
            raise expected
        day = publish_day(
            self.database,
            self.table,
            bizdate,
            partial(
                parquet_batches,
                self.store,
                self._directory(bizdate),
                list(RESULTS[self.table]),
                self.temporary,
            ),
            run_id=self.run_id,
            log=self.log,
            expected=expected,
        )
        self.published.append(bizdate)
        self._remove_old_days()
        metadata: dict[str, Any] = {
            "dagster/partition_row_count": day.rows,
            "location": self.database.name,
            "version": day.version,
            "seconds": round(day.seconds, 2),
            "replaced": day.replaced,
        }
        if day.cells:
            metadata["cells of the cubes"] = dg.MetadataValue.json(day.cells)
        return metadata

    def check(self) -> dg.AssetCheckResult:
        """Compare the rows that are served with those that Spark counts."""
        # Of a run of more days than are kept, the first are gone again.
        oldest = oldest_kept(self.database, self.table, self.kept_days) if self.published else ""
        kept = [day for day in self.published if day >= oldest]
        counted = {day: self.counts[day] for day in kept}
        served = count_served(self.database, self.table, kept) if counted else {}
        return served_rows_result(self.table, counted, served)

    def _directory(self, bizdate: str) -> str:
        location = Partitions(self.source, self.run).location(bizdate)
        directory = key_under(location, self.spark_uri)
        if directory is None:
            raise NotPublishedError(
                f"the day lies at {location}, which is not below {self.spark_uri}",
                where=f"{self.source}, {to_partition_key(bizdate)}",
                remedy=f"materialize {self.source} of that day again",
            )
        return directory

    def _remove_old_days(self) -> None:
        try:
            remove_old_days(self.database, self.table, self.kept_days, log=self.log)
        except UserProfileError as error:
            # The next publishing tries again; until then there are more days than asked for.
            self.log(f"{self.table}: old days are not removed: {error}")


def _arguments(settings: Settings, daily: Daily, dataset: Dataset) -> dict[str, Any]:
    lineage = {
        column.name: [dg.TableColumnDep(dg.AssetKey(table), name) for table, name in column.sources]
        for column in dataset.columns
        if column.sources
    }
    database = _kind(settings)
    return {
        "name": dataset.name,
        "deps": list(dataset.dependencies),
        "partitions_def": daily.partitions,
        "backfill_policy": daily.policy,
        "group_name": dataset.group,
        "kinds": {"sql", database} if database else {"sql"},
        "owners": [dataset.owner] if dataset.owner else OWNERS,
        "tags": dict.fromkeys(dataset.tags, ""),
        "pool": SPARK_POOL,
        "retry_policy": RETRY_POLICY,
        "description": dataset.description,
        "metadata": {
            "dagster/table_name": dataset.name,
            **({"dagster/storage_kind": database} if database else {}),
            "dagster/column_schema": dg.TableSchema(
                columns=[
                    dg.TableColumn(
                        column.name,
                        column.type,
                        description=column.comment,
                        tags=_tags(column.tags, pii=column.pii),
                    )
                    for column in dataset.columns
                ]
            ),
            "dagster/column_lineage": dg.TableColumnLineage(lineage),
        },
    }


def _tags(tags: Sequence[str], *, pii: bool) -> Mapping[str, str]:
    return {**dict.fromkeys(tags, ""), **({"pii": ""} if pii else {})}


def _kind(settings: Settings) -> str | None:
    """Return the kind of database, without a look at more than the URL's scheme."""
    url = settings.serving_url
    if url is None:
        return "sqlite"
    scheme, colon, _ = url.get_secret_value().partition("://")
    found = re.fullmatch(r"([a-z][a-z0-9]*)(\+[a-z0-9_]+)?", scheme) if colon else None
    return found[1] if found else None
