"""Assets of tables that show an object: their partitions point to what an ingest asset wrote."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import dagster as dg

from userprofile_assets.assets.common import manifest_metadata
from userprofile_assets.assets.days import Days
from userprofile_assets.assets.failures import ends_when_terminated, failing_as_dagster
from userprofile_assets.assets.step_events import LineageEvents
from userprofile_assets.assets.step_records import StepRecords
from userprofile_assets.assets.table_specs import AssetDecorator
from userprofile_assets.bizdate import to_bizdate, to_partition_key
from userprofile_assets.catalog.ingest_specs import IngestSpec
from userprofile_assets.checks.row_counts import (
    CHECK_NAME,
    check_of,
    differing,
    reconciled,
    row_count_check,
)
from userprofile_assets.checks.rule_checks import (
    refused_days,
    rule_check_results,
    rule_check_specs,
)
from userprofile_assets.errors import SparkError, UserProfileError
from userprofile_assets.ingestion.manifest import Manifest
from userprofile_assets.ingestion.publish import Publisher
from userprofile_assets.quality.facts import facts_of_days
from userprofile_assets.quality.own_checks import own_result
from userprofile_assets.quality.rule import RuleResult
from userprofile_assets.quality.table_file import TableDoc
from userprofile_assets.resources.oss import OssResource
from userprofile_assets.resources.records import RecordsResource
from userprofile_assets.resources.spark import SparkResource
from userprofile_assets.warehouse.runner import ExternalDay, TableRunner
from userprofile_assets.warehouse.table_model import TableDefinition

Results = Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]


def external_asset(
    table: TableDefinition,
    arguments: dict[str, Any],
    variables: Mapping[str, str],
    doc: TableDoc,
    *,
    producer: IngestSpec,
    events: LineageEvents,
) -> dg.AssetsDefinition:
    """Return the asset of a table over the objects of `producer`.

    Args:
        table: The table.
        arguments: For `dg.asset`.
        variables: Values of the variables of `sql/`.
        doc: What its YAML file says, rules included.
        producer: The ingest asset whose objects it shows.
        events: What its OpenLineage events are made of.
    """

    @ends_when_terminated
    def external_table(
        context: dg.AssetExecutionContext,
        spark: SparkResource,
        oss: OssResource,
        records: RecordsResource,
    ) -> Results:
        log = context.log.info
        with failing_as_dagster():
            publisher = oss.publisher(log)
            kept = StepRecords.of_step(context, records, events)
        days = Days()
        with kept, days.recorded_on_error(context, kept.end):
            manifests = _published(publisher, producer, context.partition_keys, days)
            checks: list[dg.AssetCheckResult] = []
            counts: dict[str, int | SparkError] = {}
            with days.all_bad_on_error(manifests):
                if manifests:
                    executor = spark.executor(log)
                    runner = TableRunner(executor, table, variables, log)
                    told = runner.ensure_table()
                    points = runner.add_days(list(manifests))
                    counts = runner.count_rows(list(manifests))
                    checks.append(check_of(table.table, manifests, counts))
                    for bizdate, manifest in manifests.items():
                        metadata = {
                            **manifest_metadata(manifest, publisher.store.uri),
                            **_partition_metadata(points[bizdate], told),
                        }
                        count = counts[bizdate]
                        days.run(
                            to_partition_key(bizdate),
                            partial(reconciled, table.table, manifest, count, metadata),
                        )
            kept.keep(
                [
                    own_result(table.table, CHECK_NAME, bizdate, error)
                    for bizdate, error in differing(table.table, manifests, counts).items()
                ]
            )
            results: list[RuleResult] = []
            if days.good:
                with days.unmeasured_on_error():
                    good = [to_bizdate(key) for key in days.good]
                    facts = facts_of_days(publisher, producer.key_of, good) if doc.rules else {}
                    results = kept.check(doc, days, executor, facts)
            kept.end(days, results)
        checks += rule_check_results(results)
        yield from days.report(context, checks, refused_days(results))

    # Of the overloads of dg.asset mypy cannot choose one for arguments in a mapping.
    specs = [row_count_check(table.table), *rule_check_specs(doc, arguments["partitions_def"])]
    asset: AssetDecorator = dg.asset(**arguments, check_specs=specs)
    return asset(external_table)


def _published(
    publisher: Publisher, producer: IngestSpec, keys: Sequence[str], days: Days
) -> dict[str, Manifest]:
    """Return the manifest of each day by bizdate; a day that is not published is a bad day."""
    manifests = {}
    for key in keys:
        bizdate = to_bizdate(key)
        try:
            manifests[bizdate] = publisher.verify(producer.key_of(bizdate))
        except UserProfileError as error:
            days.bad[key] = error
    return manifests


def _partition_metadata(day: ExternalDay, told: tuple[str, ...]) -> dict[str, Any]:
    """Return what the UI shows of one partition."""
    metadata: dict[str, Any] = {"location": day.location}
    if day.corrected_from:
        metadata["location corrected from"] = day.corrected_from
    if told:
        metadata["differences from the file"] = "\n".join(told)
    return metadata
