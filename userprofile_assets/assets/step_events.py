"""OpenLineage events of a step: what it reads and writes, for each of its days.

Belongs here: which facts of the catalogue and of a day go into an event. Does not belong here: the
event's form and its way out (`lineage_events/`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from userprofile_assets.assets.days import Days
from userprofile_assets.bizdate import substitute, to_bizdate
from userprofile_assets.catalog.ingest_specs import LOG_SOURCE, ingest_specs
from userprofile_assets.catalog.model import Catalog, Dataset
from userprofile_assets.demo.sources import log_file, users_file
from userprofile_assets.lineage_events import facts, names
from userprofile_assets.lineage_events.emit import Emitter, open_emitter
from userprofile_assets.quality.rule import RuleResult
from userprofile_assets.records.database import default_url
from userprofile_assets.settings import Settings

_STORED = frozenset({"table", "lookup"})


@dataclass(frozen=True)
class LineageEvents:
    """What all steps need to tell of themselves.

    Args:
        settings: The settings.
        catalog: All datasets.
    """

    settings: Settings
    catalog: Catalog

    def of_step(self, context: dg.AssetExecutionContext, log: Callable[[str], None]) -> StepEvents:
        """Return the events of one step."""
        settings = self.settings
        url, key = settings.openlineage_url, settings.openlineage_api_key
        emitter = open_emitter(
            transport=settings.openlineage,
            home=settings.home,
            log=log,
            namespace=settings.openlineage_namespace,
            url=url.get_secret_value() if url else None,
            api_key=key.get_secret_value() if key else None,
            file=settings.openlineage_file,
        )
        return StepEvents(
            emitter=emitter if settings.openlineage != "off" else None,
            dataset=self.catalog.find(context.asset_key.to_user_string()),
            job=context.job_name,
            run_id=context.run.run_id,
            events=self,
        )

    def dataset(self, dataset: Dataset, bizdate: str) -> facts.Dataset:
        """Return a dataset of the catalogue as events name it."""
        name, also_called = self._name(dataset, bizdate)
        return facts.Dataset(
            dataset=name,
            also_called=also_called,
            columns=tuple(
                facts.Column(name=column.name, type=column.type or None, comment=column.comment)
                for column in dataset.columns
            ),
            description=dataset.description or None,
            owner=dataset.owner,
        )

    def lineage(
        self, dataset: Dataset, bizdate: str
    ) -> Mapping[str, tuple[facts.ColumnSource, ...]]:
        """Return for each column the columns that its values come from."""
        return {
            column.name: tuple(
                facts.ColumnSource(
                    dataset=self._name(self.catalog.find(source), bizdate)[0],
                    column=field_name,
                    kind="DIRECT",
                )
                for source, field_name in column.sources
            )
            for column in dataset.columns
            if column.sources
        }

    def _name(
        self, dataset: Dataset, bizdate: str
    ) -> tuple[facts.DatasetName, tuple[tuple[facts.DatasetName, str], ...]]:
        settings = self.settings
        if dataset.kind == "source":
            return self._source_name(dataset, bizdate), ()
        if dataset.kind == "object":
            key = ingest_specs(settings)[dataset.name].key_of(bizdate)
            return names.location(f"{settings.effective_storage_uri}/{key}"), ()
        if dataset.kind == "serving":
            return names.database_table(_serving_url(settings), dataset.name), ()
        in_metastore = names.hive_table(
            "default", dataset.name, metastore=None, warehouse=settings.home / "warehouse"
        )
        if dataset.kind not in _STORED:
            return in_metastore, ()
        place = names.location(f"{settings.effective_spark_uri}/{dataset.name}")
        return place, ((in_metastore, "TABLE"),)

    def _source_name(self, dataset: Dataset, bizdate: str) -> facts.DatasetName:
        settings = self.settings
        if dataset.name == LOG_SOURCE:
            url = settings.log_url
            if url is None:
                return names.location(log_file(settings.home, bizdate).as_uri())
            return names.web_file(substitute(url.get_secret_value(), bizdate))
        users = settings.mysql_url
        whole = users.get_secret_value() if users else f"sqlite:///{users_file(settings.home)}"
        return names.database_table(whole, settings.user_table)


@dataclass(kw_only=True)
class StepEvents:
    """The events of one step.

    Args:
        emitter: Their way out; None: nobody wants them.
        dataset: What the step writes.
        job: Dagster's job.
        run_id: Dagster's run.
        events: What all steps need.
    """

    emitter: Emitter | None
    dataset: Dataset
    job: str
    run_id: str
    events: LineageEvents
    _open: dict[str, facts.StepFacts] = field(default_factory=dict)

    def begin(self, keys: Iterable[str]) -> None:
        """Tell that the step begins with its days."""
        if self.emitter is None:
            return
        for key in keys:
            self._open[key] = self._facts(to_bizdate(key))
            self.emitter.start(self._open[key])

    def end(self, days: Days, results: Sequence[RuleResult] = ()) -> None:
        """Tell what became of the days, and what the rules said of them."""
        if self.emitter is None:
            return
        for key, metadata in days.good.items():
            told = self._open.pop(key, None)
            if told is not None:
                of_day = [one for one in results if one.bizdate == told.bizdate]
                self.emitter.complete(_ended(told, metadata, of_day))
        for key, error in days.bad.items():
            told = self._open.pop(key, None)
            if told is not None:
                self.emitter.fail(_now(told), error)

    def close(self, error: BaseException | None = None) -> None:
        """Tell of days that nothing became of, and wait a moment for what is not sent yet."""
        if self.emitter is None:
            return
        for told in self._open.values():
            self.emitter.fail(_now(told), error or "the step ended before this day")
        self._open.clear()
        self.emitter.close()

    def _facts(self, bizdate: str) -> facts.StepFacts:
        events, dataset = self.events, self.dataset
        inputs = [events.catalog.find(name) for name in dataset.dependencies]
        output = events.dataset(dataset, bizdate)
        return facts.StepFacts(
            job=self.job,
            step=dataset.name,
            run_id=self.run_id,
            at=datetime.now(UTC),
            bizdate=bizdate,
            timezone=events.settings.timezone,
            inputs=tuple(events.dataset(one, bizdate) for one in inputs),
            outputs=(replace(output, lineage=events.lineage(dataset, bizdate)),),
            description=dataset.description or None,
            owner=dataset.owner,
        )


def _serving_url(settings: Settings) -> str:
    url = settings.serving_url
    return url.get_secret_value() if url else default_url(settings.home)


def _ended(
    told: facts.StepFacts, metadata: Mapping[str, Any], results: Sequence[RuleResult]
) -> facts.StepFacts:
    output = replace(
        told.outputs[0],
        rows=metadata.get("dagster/partition_row_count"),
        bytes=metadata.get("bytes"),
        checks=tuple(_outcome(result) for result in results),
    )
    return replace(_now(told), outputs=(output,))


def _outcome(result: RuleResult) -> facts.CheckOutcome:
    return facts.CheckOutcome(
        name=result.rule,
        passed=result.status in {"passed", "unknown"},
        strong=result.strength == "strong",
        assertion=result.text,
        expected=result.thresholds or None,
        actual=None if result.value is None else str(result.value),
        sql=result.sql,
    )


def _now(told: facts.StepFacts) -> facts.StepFacts:
    return replace(told, at=datetime.now(UTC))
