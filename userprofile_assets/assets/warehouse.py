"""One asset per file of `sql/`.

Belongs here: what Dagster is told about a table, and what a step does with its days. Does not
belong here: parsing (`warehouse/graph.py`), statements (`warehouse/runner.py`).
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg

from userprofile_assets.assets.common import (
    OWNERS,
    RETRY_POLICY,
    SPARK_POOL,
    Daily,
    manifest_metadata,
)
from userprofile_assets.assets.days import Days
from userprofile_assets.assets.failures import ends_when_terminated, failing_as_dagster
from userprofile_assets.assets.ingest_specs import IngestSpec, ingest_specs
from userprofile_assets.assets.row_counts import check_of, reconciled, row_count_check
from userprofile_assets.bizdate import to_bizdate, to_partition_key
from userprofile_assets.errors import UserProfileError
from userprofile_assets.ingestion.manifest import Manifest
from userprofile_assets.ingestion.publish import Publisher
from userprofile_assets.project_files import sql_directory
from userprofile_assets.resources.oss import OssResource
from userprofile_assets.resources.spark import SparkResource
from userprofile_assets.settings import Settings
from userprofile_assets.warehouse.graph import Warehouse, build_graph
from userprofile_assets.warehouse.runner import ExternalDay, TableRunner
from userprofile_assets.warehouse.table_model import TableDefinition

Results = Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]


def sql_variables(settings: Settings) -> dict[str, str]:
    """Return the variables that files of `sql/` may use, besides `${bizdate}`."""
    return {
        "spark_uri": settings.effective_spark_uri,
        "log_directory": settings.log_object.rpartition("/")[0],
        "user_directory": settings.user_object.rpartition("/")[0],
        "field_delimiter": settings.field_delimiter,
    }


def load_warehouse(settings: Settings, directory: Path | None = None) -> Warehouse:
    """Parse the SQL files and connect them with each other and with the ingest assets.

    Args:
        settings: The settings.
        directory: Where the files are; the project's own `sql/` if None.

    Raises:
        SqlFileError: A file does not parse, or reads what nothing produces.
    """
    return build_graph(
        directory or sql_directory(),
        sql_variables(settings),
        [spec.as_object_source() for spec in ingest_specs(settings).values()],
    )


def build_table_assets(
    settings: Settings, daily: Daily, warehouse: Warehouse
) -> list[dg.AssetsDefinition]:
    """Return an asset for every table."""
    specs = ingest_specs(settings)
    variables = sql_variables(settings)
    assets = []
    for table in warehouse.tables:
        common = _common(table, daily, warehouse)
        if table.partition_location is None:
            assets.append(_transform_asset(table, common, variables))
        else:
            (producer,) = warehouse.dependencies(table.table)
            assets.append(_external_asset(table, common, variables, specs[producer]))
    return assets


def _common(table: TableDefinition, daily: Daily, warehouse: Warehouse) -> dict[str, Any]:
    """Arguments of `dg.asset` that every table has."""
    columns = [*table.columns, *table.partition_columns]
    lineage = {
        column: [dg.TableColumnDep(dg.AssetKey(asset), name) for asset, name in sources]
        for column, sources in table.column_lineage.items()
        if sources
    }
    return {
        "name": table.table,
        "deps": list(warehouse.dependencies(table.table)),
        "partitions_def": daily.partitions,
        "backfill_policy": daily.policy,
        "group_name": table.layer,
        "kinds": {"spark", "sql"},
        "owners": OWNERS,
        "pool": SPARK_POOL,
        "retry_policy": RETRY_POLICY,
        "description": table.description,
        "code_version": table.code_version,
        "metadata": {
            "dagster/table_name": table.table,
            "dagster/storage_kind": "spark",
            "dagster/column_schema": dg.TableSchema(
                columns=[
                    dg.TableColumn(column.name, column.type, description=column.comment)
                    for column in columns
                ]
            ),
            "dagster/column_lineage": dg.TableColumnLineage(lineage),
            "file": f"sql/{table.file.name}",
        },
    }


def _external_asset(
    table: TableDefinition,
    common: Mapping[str, Any],
    variables: Mapping[str, str],
    producer: IngestSpec,
) -> dg.AssetsDefinition:
    @dg.asset(**common, check_specs=[row_count_check(table.table)])
    @ends_when_terminated
    def external_table(
        context: dg.AssetExecutionContext, spark: SparkResource, oss: OssResource
    ) -> Results:
        log = context.log.info
        with failing_as_dagster():
            publisher = oss.publisher(log)
        days = Days()
        manifests = _published(publisher, producer, context.partition_keys, days)
        check = None
        with days.all_bad_on_error(manifests):
            if manifests:
                runner = TableRunner(spark.executor(log), table, variables, log)
                told = runner.ensure_table()
                points = runner.add_days(list(manifests))
                counts = runner.count_rows(list(manifests))
                check = check_of(table.table, manifests, counts)
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
        yield from days.report(context, check)

    return external_table


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
    """Return what the UI shows of a partition of an external table."""
    metadata: dict[str, Any] = {"location": day.location}
    if day.corrected_from:
        metadata["location corrected from"] = day.corrected_from
    if told:
        metadata["differences from the file"] = "\n".join(told)
    return metadata


def _transform_asset(
    table: TableDefinition, common: Mapping[str, Any], variables: Mapping[str, str]
) -> dg.AssetsDefinition:
    @dg.asset(**common)
    @ends_when_terminated
    def transformed_table(context: dg.AssetExecutionContext, spark: SparkResource) -> Results:
        days = Days()
        with failing_as_dagster():
            log = context.log.info
            runner = TableRunner(spark.executor(log), table, variables, log)
            runner.ensure_table()
        for key in context.partition_keys:
            days.run(key, partial(_fill, runner, to_bizdate(key)))
        yield from days.report(context)

    return transformed_table


def _fill(runner: TableRunner, bizdate: str) -> dict[str, Any]:
    return {"dagster/partition_row_count": runner.fill_day(bizdate)}
