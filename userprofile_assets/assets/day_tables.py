"""Assets of tables that a run makes a day at a time: by an INSERT, by a lookup, or as a view.

Belongs here: the steps of those three kinds. Does not belong here: statements
(`warehouse/runner.py`), knowledge (`enrichment/`), what the counts of lines must satisfy
(`line_accounts.py`).
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import dagster as dg

from userprofile_assets.assets.days import Days
from userprofile_assets.assets.failures import ends_when_terminated, failing_as_dagster
from userprofile_assets.assets.step_events import LineageEvents
from userprofile_assets.assets.step_records import StepRecords
from userprofile_assets.assets.table_specs import AssetDecorator
from userprofile_assets.bizdate import to_bizdate
from userprofile_assets.catalog.ingest_specs import IngestSpec
from userprofile_assets.checks.line_accounts import (
    CHECK_NAME,
    LOG_TABLE,
    QUARANTINE,
    LineAccount,
    account_check,
    check_account,
    check_result,
    read_account,
)
from userprofile_assets.checks.rule_checks import (
    refused_days,
    rule_check_results,
    rule_check_specs,
)
from userprofile_assets.enrichment.line_numbers import LineNumberLookup
from userprofile_assets.enrichment.lookup import Lookup
from userprofile_assets.enrichment.parquet_file import write_parquet
from userprofile_assets.errors import SparkError
from userprofile_assets.ingestion.publish import Publisher
from userprofile_assets.quality.own_checks import own_result
from userprofile_assets.quality.rule import RuleResult
from userprofile_assets.quality.table_file import TableDoc
from userprofile_assets.resources.enrichment import EnrichmentResource
from userprofile_assets.resources.oss import OssResource
from userprofile_assets.resources.records import RecordsResource
from userprofile_assets.resources.spark import SparkResource
from userprofile_assets.warehouse.executor import Executor
from userprofile_assets.warehouse.places import key_under
from userprofile_assets.warehouse.runner import FilledDay, TableRunner
from userprofile_assets.warehouse.table_model import TableDefinition

Results = Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]

_PARQUET_FILE = "part-00000.parquet"


def day_asset(
    table: TableDefinition,
    arguments: dict[str, Any],
    variables: Mapping[str, str],
    doc: TableDoc,
    *,
    log_spec: IngestSpec,
    upstream: Collection[str],
    events: LineageEvents,
    accounts: bool,
) -> dg.AssetsDefinition:
    """Return the asset of a filled table, a lookup or a view.

    Args:
        table: The table.
        arguments: For `dg.asset`.
        variables: Values of the variables of `sql/`.
        doc: What its YAML file says, rules included.
        log_spec: Where the log's objects are.
        upstream: The tables whose strong rules must not refuse a day.
        events: What its OpenLineage events are made of.
        accounts: Whether the lines of a day can be accounted for: the table that counts them is
            there.
    """
    is_accounted = accounts and table.table in {LOG_TABLE, QUARANTINE}
    specs = [account_check(table.table)] if is_accounted else []
    specs += rule_check_specs(doc, arguments["partitions_def"])

    @ends_when_terminated
    def day_table(
        context: dg.AssetExecutionContext,
        spark: SparkResource,
        oss: OssResource,
        enrichment: EnrichmentResource,
        records: RecordsResource,
    ) -> Results:
        log = context.log.info
        days = Days()
        with failing_as_dagster():
            executor = spark.executor(log)
            publisher = oss.publisher(log)
            kept = StepRecords.of_step(context, records, events)
            runner = TableRunner(executor, table, variables, log, run_id=context.run.run_id)
        with runner, kept, days.recorded_on_error(context, kept.end):
            with failing_as_dagster():
                told = runner.ensure_table()
            step = _Step(
                table=table,
                spark_uri=variables["spark_uri"],
                runner=runner,
                executor=executor,
                publisher=publisher,
                enrichment=enrichment,
                log_spec=log_spec,
                records=kept,
                upstream=upstream,
                told=told,
                is_accounted=is_accounted,
                log=log,
            )
            for key in context.partition_keys:
                days.run(key, partial(step.make, to_bizdate(key)))
            # First: what the step itself refuses is refused, whether rules can be measured or not.
            kept.keep(step.own_results(good_too=kept.is_retry or not doc.rules))
            results: list[RuleResult] = []
            with days.unmeasured_on_error():
                results = kept.check(doc, days, executor)
            kept.end(days, results)
        checks = [check_result(table.table, step.accounts)] if is_accounted else []
        checks += rule_check_results(results)
        yield from days.report(context, checks, refused_days(results))

    # Of the overloads of dg.asset mypy cannot choose one for arguments in a mapping.
    asset: AssetDecorator = dg.asset(**arguments, check_specs=specs)
    return asset(day_table)


@dataclass(kw_only=True)
class _Step:
    """What one step works with, and the accounts of its days."""

    table: TableDefinition
    spark_uri: str
    runner: TableRunner
    executor: Executor
    publisher: Publisher
    enrichment: EnrichmentResource
    log_spec: IngestSpec
    records: StepRecords
    upstream: Collection[str]
    told: tuple[str, ...]
    is_accounted: bool
    log: Callable[[str], None]
    accounts: dict[str, LineAccount | None] = field(default_factory=dict)
    refused: dict[str, SparkError] = field(default_factory=dict)

    def make(self, bizdate: str) -> dict[str, Any]:
        """Make one day and return its metadata."""
        self.records.pass_gate(self.upstream, bizdate)
        metadata: dict[str, Any] = {}
        if self.told:
            metadata["differences from the file"] = "\n".join(self.told)
        if self.table.kind == "view":
            return metadata
        if self.table.kind == "lookup":
            day, knowledge = self._look_up(bizdate)
            metadata |= knowledge
        else:
            day = self.runner.fill_day(bizdate)
        metadata |= {
            "dagster/partition_row_count": day.rows,
            "location": day.location,
            "bytes": self._bytes_in(day.location),
        }
        if self.is_accounted:
            metadata |= self._account(bizdate, day.rows)
        return metadata

    def _bytes_in(self, location: str) -> int:
        directory = key_under(location, self.spark_uri)
        return sum(one.size for one in self.publisher.store.list(f"{directory}/"))

    def _account(self, bizdate: str, rows: int) -> dict[str, Any]:
        manifest = self.publisher.verify(self.log_spec.key_of(bizdate))
        account = read_account(self.executor, bizdate)
        try:
            check_account(self.table.table, account, manifest, rows)
        except SparkError as error:
            self.accounts[bizdate] = None
            self.refused[bizdate] = error
            raise
        self.accounts[bizdate] = account
        return account.metadata()

    def own_results(self, *, good_too: bool) -> list[RuleResult]:
        """Return what accounting for the lines said of the days.

        Args:
            good_too: Whether good days have one. They need none where rules tell of a good day, for
                only the last run that told anything counts; but a try before this one in the same
                run may have told something else.
        """
        return [
            own_result(self.table.table, CHECK_NAME, bizdate, self.refused.get(bizdate))
            for bizdate in self.accounts
            if good_too or bizdate in self.refused
        ]

    def _look_up(self, bizdate: str) -> tuple[FilledDay, dict[str, Any]]:
        lookup = self._lookup(bizdate)
        location = self.runner.day_location(bizdate)
        directory = key_under(location, self.spark_uri)
        store = self.publisher.store
        with store.upload(f"{directory}/{_PARQUET_FILE}") as upload:
            rows = write_parquet(
                lookup.rows(self.runner.keys(bizdate)), lookup.columns, upload.write
            )
            upload.commit()
        self.runner.point_day(bizdate, location)
        knowledge = {"knowledge": lookup.version}
        if lookup.attribution:
            knowledge["attribution"] = lookup.attribution
        return FilledDay(rows, location), knowledge

    def _lookup(self, bizdate: str) -> Lookup:
        name = self.table.lookup or ""
        if name == LineNumberLookup.name:
            key = self.log_spec.key_of(bizdate)
            return LineNumberLookup(key, lambda: self.publisher.store.read(key))
        return self.enrichment.lookup(name, self.log)
