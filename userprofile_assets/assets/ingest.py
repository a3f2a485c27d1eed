"""The ingest assets: copy each source to one object a day.

Belongs here: which source goes to which object, for which days. Does not belong here: how bytes
move (`ingestion/`).
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import dagster as dg

from userprofile_assets.assets.common import (
    HTTP_POOL,
    MYSQL_POOL,
    OWNERS,
    RETRY_POLICY,
    Daily,
    manifest_metadata,
)
from userprofile_assets.assets.days import Days
from userprofile_assets.assets.failures import ends_when_terminated, failing_as_dagster
from userprofile_assets.assets.step_events import LineageEvents
from userprofile_assets.assets.step_records import StepRecords
from userprofile_assets.bizdate import day_before, has_bizdate, substitute, to_bizdate
from userprofile_assets.catalog.ingest_specs import RAW_LOG, USER_INFO, IngestSpec, ingest_specs
from userprofile_assets.checks.source_schema import source_schema_check, source_schema_result
from userprofile_assets.errors import (
    SourceError,
    SourceMissingError,
    SourceUnavailableError,
)
from userprofile_assets.ingestion.log_copy import LogOptions, copy_log
from userprofile_assets.ingestion.manifest import Manifest
from userprofile_assets.ingestion.publish import Publisher, Target
from userprofile_assets.ingestion.table_copy import TableOptions, copy_table
from userprofile_assets.ingestion.table_select import source_identity
from userprofile_assets.ingestion.table_source import observe_table
from userprofile_assets.records.schema_change import SchemaChange
from userprofile_assets.resources.http import HttpResource
from userprofile_assets.resources.mysql import MySQLResource
from userprofile_assets.resources.oss import OssResource
from userprofile_assets.resources.records import RecordsResource
from userprofile_assets.settings import Settings

Results = Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]


def build_ingest_assets(
    settings: Settings, daily: Daily, events: LineageEvents
) -> list[dg.AssetsDefinition]:
    """Return `raw_log_oss` and `user_info_oss`."""
    specs = ingest_specs(settings)
    return [
        _raw_log_oss(settings, daily, specs[RAW_LOG], events),
        _user_info_oss(settings, daily, specs[USER_INFO], events),
    ]


def _common(settings: Settings, daily: Daily, spec: IngestSpec) -> dict[str, Any]:
    """Arguments of `dg.asset` that both have."""
    return {
        "name": spec.name,
        "deps": [spec.source],
        "partitions_def": daily.partitions,
        "backfill_policy": daily.policy,
        "group_name": "ingest",
        "owners": OWNERS,
        "retry_policy": RETRY_POLICY,
        "metadata": {
            "dagster/storage_kind": settings.effective_storage_uri.partition(":")[0],
            "object": spec.object_template,
            "dagster/column_schema": dg.TableSchema(
                columns=[dg.TableColumn(name, "string") for name in spec.columns]
            ),
        },
    }


def _raw_log_oss(
    settings: Settings, daily: Daily, spec: IngestSpec, events: LineageEvents
) -> dg.AssetsDefinition:
    options = LogOptions(
        compression=settings.log_compression,
        skip_header=settings.log_skip_header,
        encoding=settings.log_encoding,
        max_bytes=settings.log_max_bytes,
        max_ratio=settings.log_max_ratio,
    )

    @dg.asset(**_common(settings, daily, spec), kinds={"http", "file"}, pool=HTTP_POOL)
    @ends_when_terminated
    def raw_log_oss(
        context: dg.AssetExecutionContext,
        http: HttpResource,
        oss: OssResource,
        records: RecordsResource,
    ) -> Results:
        """One day's access log, byte for byte as the web server gave it."""
        with failing_as_dagster():
            publisher = oss.publisher(context.log.info)
            kept = StepRecords.of_step(context, records, events)

        def former_keys(bizdate: str) -> tuple[str, ...]:
            # A fixed URL may still have the bytes of the day before.
            return () if http.has_history else (spec.key_of(day_before(bizdate)),)

        def copy(target: Target) -> Manifest:
            manifest = copy_log(
                http.url_of(target.bizdate),
                publisher=publisher,
                target=target,
                options=options,
                http=http.options_of(target.bizdate),
                former=former_keys(target.bizdate),
                log=context.log.info,
            )
            _observe(context, spec, {"bizdate": target.bizdate, **manifest.source})
            kept.see_source(spec.source, manifest.source)
            return manifest

        days = Days()
        with kept, days.recorded_on_error(context, kept.end):
            _copy_days(context, spec, publisher, copy, days, has_history=http.has_history)
            kept.end(days)
        yield from days.report(context)

    return raw_log_oss


def table_options(settings: Settings, bizdate: str) -> TableOptions:
    """Return what is copied of the user table for a day; `doctor` looks at the same."""
    where, query = settings.user_where, settings.user_query
    return TableOptions(
        table=settings.user_table,
        columns=settings.user_columns,
        where=substitute(where, bizdate) if where else None,
        split_key=settings.user_split_key,
        delimiter=settings.field_delimiter,
        query=substitute(query, bizdate) if query else None,
        binary=settings.user_binary,
        zero_dates=settings.user_zero_dates,
        zone=settings.user_timestamp_zone,
        reader=settings.mysql_reader,
        slices=settings.user_slices,
        consistency=settings.user_slice_consistency,
        replica_lag=settings.mysql_replica_lag,
    )


def _user_info_oss(
    settings: Settings, daily: Daily, spec: IngestSpec, events: LineageEvents
) -> dg.AssetsDefinition:
    code = (settings.user_where, settings.user_query)

    @dg.asset(
        **_common(settings, daily, spec),
        kinds={"mysql", "file"},
        pool=MYSQL_POOL,
        check_specs=[source_schema_check(spec.name)],
    )
    @ends_when_terminated
    def user_info_oss(
        context: dg.AssetExecutionContext,
        mysql: MySQLResource,
        oss: OssResource,
        records: RecordsResource,
    ) -> Results:
        """The user table as it was when the run read it, one delimited text a day."""
        with failing_as_dagster():
            publisher = oss.publisher(context.log.info)
            kept = StepRecords.of_step(context, records, events)
        changes: list[SchemaChange] = []

        def copy(target: Target) -> Manifest:
            options = table_options(settings, target.bizdate)
            with mysql.engine() as engine:
                # First: a source that cannot be looked at, or has changed, fails before anything is
                # published.
                facts = observe_table(engine, options)
                _observe(context, spec, facts)
                which = source_identity(engine, settings.user_table, settings.user_query)
                facts["identity"] = which
                changes.append(kept.see_source(spec.source, facts, used=options.columns))
                return copy_table(
                    engine, publisher=publisher, target=target, options=options,
                    log=context.log.info,
                )  # fmt: skip

        has_history = any(has_bizdate(text) for text in code if text)
        days = Days()
        with kept, days.recorded_on_error(context, kept.end):
            _copy_days(context, spec, publisher, copy, days, has_history=has_history)
            kept.end(days)
        checks = [source_schema_result(spec.name, changes)] if changes else []
        yield from days.report(context, checks)

    return user_info_oss


def _copy_days(
    context: dg.AssetExecutionContext,
    spec: IngestSpec,
    publisher: Publisher,
    copy: Callable[[Target], Manifest],
    days: Days,
    *,
    has_history: bool,
) -> None:
    """Publish every day of the run; a source without history is read once for all of them."""
    taken: Manifest | None = None
    unreadable: SourceError | SourceMissingError | SourceUnavailableError | None = None

    def one_day(target: Target) -> Manifest:
        nonlocal taken, unreadable
        if has_history:
            return copy(target)
        if unreadable is not None:
            raise unreadable
        if taken is not None:
            return publisher.republish(taken, target)
        try:
            taken = copy(target)
        except (SourceError, SourceMissingError, SourceUnavailableError) as error:
            unreadable = error
            raise
        return taken

    for key in context.partition_keys:
        bizdate = to_bizdate(key)
        target = Target(
            asset=spec.name,
            key=spec.key_of(bizdate),
            bizdate=bizdate,
            run_id=context.run.run_id,
        )
        days.run(key, partial(lambda t: manifest_metadata(one_day(t), publisher.store.uri), target))


def _observe(context: dg.AssetExecutionContext, spec: IngestSpec, facts: dict[str, Any]) -> None:
    """Record what the source looked like, on the source's own page in the UI."""
    metadata = {
        name: dg.MetadataValue.json(value) if isinstance(value, (list, dict)) else value
        for name, value in facts.items()
        if value is not None
    }
    context.log_event(dg.AssetObservation(spec.source, metadata=metadata))
