"""What a step leaves in the database of the records, and what it asks of it.

The records are beside the work: a database that does not answer costs a line of the log, baselines
and the gate, never a day.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import dagster as dg

from userprofile_assets.assets.days import Days
from userprofile_assets.assets.step_events import LineageEvents, StepEvents
from userprofile_assets.bizdate import to_bizdate
from userprofile_assets.catalog.source_files import keep_source
from userprofile_assets.checks.gate import check_upstream
from userprofile_assets.errors import SourceChangedError, UserProfileError
from userprofile_assets.quality.facts import Facts
from userprofile_assets.quality.history import RecordsHistory
from userprofile_assets.quality.own_checks import RULES_MEASURED, own_result
from userprofile_assets.quality.rule import RuleResult
from userprofile_assets.quality.run import check_days
from userprofile_assets.quality.table_file import TableDoc
from userprofile_assets.records.database import Records
from userprofile_assets.records.moments import now_text
from userprofile_assets.records.partitions import PartitionRecord, record_partitions
from userprofile_assets.records.schema_change import SchemaChange, compare, schema_from
from userprofile_assets.records.source_schemas import last_accepted, remember
from userprofile_assets.resources.records import RecordsResource
from userprofile_assets.warehouse.executor import Executor


@dataclass(kw_only=True)
class StepRecords(AbstractContextManager["StepRecords"]):
    """The records as one step uses them; a block begins with its days, and ends with them.

    Args:
        records: The database; closed at the end of the block.
        asset: The step's asset.
        keys: The days of the run, as partition keys.
        run_id: Dagster's run.
        log: Told what could not be kept.
        events: The OpenLineage events of the step.
        home: USERPROFILE_HOME.
        is_retry: Whether this run has tried the step before: what it kept then still stands.
    """

    records: Records
    asset: str
    keys: Sequence[str]
    run_id: str
    log: Callable[[str], None]
    events: StepEvents
    home: Path
    is_retry: bool = False

    @classmethod
    def of_step(
        cls, context: dg.AssetExecutionContext, records: RecordsResource, events: LineageEvents
    ) -> StepRecords:
        """Return those of a step.

        Raises:
            SettingsError: USERPROFILE_SERVING_URL is no URL, or its driver is missing.
        """
        return cls(
            records=records.open(),
            asset=context.asset_key.to_user_string(),
            keys=context.partition_keys,
            run_id=context.run.run_id,
            log=context.log.info,
            events=events.of_step(context, context.log.info),
            home=events.settings.home,
            is_retry=context.retry_number > 0,
        )

    def __enter__(self) -> StepRecords:
        """Tell that the step begins."""
        self.events.begin(self.keys)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connections."""
        self.events.close(error)
        self.records.close()

    def pass_gate(self, upstream: Collection[str], bizdate: str) -> None:
        """Refuse a day whose upstream tables break a strong rule.

        Raises:
            RefusedDayError: There is such a table.
        """
        check_upstream(self.records, self.asset, upstream, bizdate, self.log)

    def check(
        self,
        doc: TableDoc,
        days: Days,
        executor: Executor,
        facts: Facts | None = None,
    ) -> list[RuleResult]:
        """Check the good days against the rules of the table and keep the results.

        Days that could not be measured are refused by the gate of a later run.

        Raises:
            SparkTimeoutError: A statement took too long.
            SparkUnavailableError: Spark does not answer.
        """
        history = RecordsHistory(self.records, self.log)
        bizdates = [to_bizdate(key) for key in days.good]
        try:
            results = check_days(
                doc,
                bizdates,
                query=lambda sql: executor.run(sql, where=f"rules of {doc.table}"),
                history=history,
                facts=facts,
                counted={
                    to_bizdate(key): metadata["dagster/partition_row_count"]
                    for key, metadata in days.good.items()
                    if "dagster/partition_row_count" in metadata
                },
            )
        except UserProfileError as error:
            self.keep([own_result(doc.table, RULES_MEASURED, day, error) for day in bizdates])
            raise
        history.save(results, self.run_id)
        if self.is_retry and results:
            self.keep([own_result(doc.table, RULES_MEASURED, day) for day in bizdates])
        return results

    def keep(self, results: Sequence[RuleResult]) -> None:
        """Keep results of the step's own checks; the gate of a later run asks for them."""
        RecordsHistory(self.records, self.log).save(results, self.run_id)

    def see_source(
        self, source: str, facts: Mapping[str, Any], used: Collection[str] | None = None
    ) -> SchemaChange:
        """Compare a source with what was accepted last, and remember what is seen.

        Args:
            source: Name of the source.
            facts: What its observation says, with its `identity` if it has columns.
            used: Columns that are read; None: all.

        Raises:
            SourceChangedError: It is the same source, and a column that is read is missing or
                has another type.
        """
        now = schema_from(facts)
        try:
            former = last_accepted(self.records, source)
            change = compare(former.schema, now, used=used) if former else SchemaChange()
            remember(
                self.records,
                source,
                now,
                run_id=self.run_id,
                seen_at=now_text(),
                accepted=not change.blocks,
            )
        except UserProfileError as error:
            self.log(f"whether {source} has changed is not known: {error}")
            return SchemaChange()
        try:
            keep_source(self.home, source, now)
        except OSError as error:
            self.log(f"the catalogue does not know the columns of {source}: {error}")
        if change.blocks:
            raise SourceChangedError(
                f"the columns are others than before ({change})",
                where=source,
                remedy="correct the source; or, if it is right, adapt USERPROFILE_USER_COLUMNS and "
                f"sql/ to it, and run `userprofile catalog accept {source}`",
            )
        if change:
            self.log(f"{source} has changed: {change}")
        return change

    def end(self, days: Days, results: Sequence[RuleResult] = ()) -> None:
        """Remember the days that were made, and tell what became of all of them.

        Args:
            days: What became of them.
            results: What the rules said.
        """
        made_at = now_text()
        made = [
            PartitionRecord(
                asset=self.asset,
                dt=to_bizdate(key),
                row_count=metadata.get("dagster/partition_row_count"),
                byte_count=metadata.get("bytes"),
                location=metadata.get("location") or metadata.get("dagster/uri"),
                run_id=self.run_id,
                made_at=made_at,
            )
            for key, metadata in days.good.items()
        ]
        try:
            record_partitions(self.records, made)
        except UserProfileError as error:
            self.log(f"the catalogue does not know of these days: {error}")
        self.events.end(days, results)
