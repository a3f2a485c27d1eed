"""Facts of a step -> OpenLineage's RunEvent, with all its facets.

Belongs here: which fact goes into which facet. Does not belong here: names (`names.py`), sending
(`emit.py`).

https://openlineage.io/docs/spec/facets. Facets come from the classes of openlineage-python, which
are generated from the published schemas.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from userprofile_assets.bizdate import parse_day
from userprofile_assets.lineage_events.names import parent_run_id, step_run_id
from userprofile_assets.redaction import redact_text
from userprofile_assets.row_values import without_row_values

if TYPE_CHECKING:
    from openlineage.client.event_v2 import RunEvent

    from userprofile_assets.lineage_events.facts import CheckOutcome, Dataset, StepFacts

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[@-Z\\^_])")
_ERROR_CHARACTERS = 4000


def start_event(facts: StepFacts, *, namespace: str) -> RunEvent:
    """Return the START event of a step."""
    return _event("START", facts, namespace)


def complete_events(facts: StepFacts, *, namespace: str) -> list[RunEvent]:
    """Return the COMPLETE event of a step, and that of the check of what it wrote.

    By the specification results of rules belong to something that is read. So the check of an
    output is a run of its own, `<step>.checks`, which reads the output and follows the step's.
    """
    events = [_event("COMPLETE", facts, namespace)]
    checked = tuple(output for output in facts.outputs if output.checks)
    if checked:
        check = replace(
            facts,
            step=f"{facts.step}.checks",
            inputs=checked,
            outputs=(),
            description=f"Quality rules of {facts.step}",
            sql=None,
        )
        events += [_event(kind, check, namespace) for kind in ("START", "COMPLETE")]
    return events


def fail_event(facts: StepFacts, error: str, *, namespace: str) -> RunEvent:
    """Return the FAIL event of a step, its error without secrets, values of rows, colours."""
    return _event("FAIL", facts, namespace, error=error)


def producer() -> str:
    """Return the URI of whoever makes these events."""
    try:
        return f"urn:userprofile-assets:{version('userprofile-assets')}"
    except PackageNotFoundError:
        return "urn:userprofile-assets:0"


def _event(kind: str, facts: StepFacts, namespace: str, *, error: str | None = None) -> RunEvent:
    from openlineage.client import event_v2

    return event_v2.RunEvent(
        eventType=event_v2.RunState[kind],
        eventTime=_moment(facts.at),
        producer=producer(),
        run=event_v2.Run(
            runId=step_run_id(facts.run_id, facts.step, facts.bizdate),
            facets=_run_facets(facts, namespace, error),
        ),
        job=event_v2.Job(
            namespace=namespace, name=f"{facts.job}.{facts.step}", facets=_job_facets(facts)
        ),
        inputs=[_input(dataset) for dataset in facts.inputs],
        outputs=[_output(dataset) for dataset in facts.outputs],
    )


def _run_facets(facts: StepFacts, namespace: str, error: str | None) -> dict[str, Any]:
    from openlineage.client import facet_v2 as f

    by = producer()
    facets: dict[str, Any] = {
        "parent": f.parent_run.ParentRunFacet(
            run=f.parent_run.Run(runId=parent_run_id(facts.run_id)),
            job=f.parent_run.Job(namespace=namespace, name=facts.job),
            producer=by,
        )
    }
    if facts.bizdate:
        day = datetime.combine(
            parse_day(facts.bizdate), datetime.min.time(), ZoneInfo(facts.timezone)
        )
        facets["nominalTime"] = f.nominal_time_run.NominalTimeRunFacet(
            nominalStartTime=day.isoformat(),
            nominalEndTime=(day + timedelta(days=1)).isoformat(),
            producer=by,
        )
    if facts.engine:
        facets["processing_engine"] = f.processing_engine_run.ProcessingEngineRunFacet(
            version=facts.engine.version,
            name=facts.engine.name,
            openlineageAdapterVersion=by.rpartition(":")[2],
            producer=by,
        )
    if error is not None:
        facets["errorMessage"] = f.error_message_run.ErrorMessageRunFacet(
            message=_ANSI.sub("", without_row_values(redact_text(error)))[:_ERROR_CHARACTERS],
            programmingLanguage="PYTHON",
            producer=by,
        )
    return facets


def _job_facets(facts: StepFacts) -> dict[str, Any]:
    from openlineage.client import facet_v2 as f

    by = producer()
    facets: dict[str, Any] = {
        "jobType": f.job_type_job.JobTypeJobFacet(
            processingType="BATCH", integration="DAGSTER", jobType="TASK", producer=by
        )
    }
    if facts.description:
        facets["documentation"] = f.documentation_job.DocumentationJobFacet(
            description=facts.description, producer=by
        )
    if facts.owner:
        facets["ownership"] = f.ownership_job.OwnershipJobFacet(
            owners=[f.ownership_job.Owner(name=facts.owner, type="OWNER")], producer=by
        )
    if facts.sql:
        facets["sql"] = f.sql_job.SQLJobFacet(
            query=facts.sql, dialect=facts.sql_dialect, producer=by
        )
    return facets


def _input(dataset: Dataset) -> Any:
    from openlineage.client import event_v2
    from openlineage.client import facet_v2 as f

    by = producer()
    facets: dict[str, Any] = {}
    if dataset.rows is not None or dataset.bytes is not None:
        facets["dataQualityMetrics"] = (
            f.data_quality_metrics_input_dataset.DataQualityMetricsInputDatasetFacet(
                columnMetrics={}, rowCount=dataset.rows, bytes=dataset.bytes, producer=by
            )
        )
    if dataset.checks:
        facets["dataQualityAssertions"] = (
            f.data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet(
                assertions=[_assertion(check) for check in dataset.checks], producer=by
            )
        )
    return event_v2.InputDataset(
        namespace=dataset.dataset.namespace,
        name=dataset.dataset.name,
        facets=_dataset_facets(dataset),
        inputFacets=facets,
    )


def _output(dataset: Dataset) -> Any:
    from openlineage.client import event_v2
    from openlineage.client import facet_v2 as f

    by = producer()
    facets = _dataset_facets(dataset)
    if dataset.lineage:
        facets["columnLineage"] = f.column_lineage_dataset.ColumnLineageDatasetFacet(
            fields=_column_lineage(dataset), producer=by
        )
    counted: dict[str, Any] = {}
    if dataset.rows is not None or dataset.bytes is not None:
        counted["outputStatistics"] = (
            f.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
                rowCount=dataset.rows, size=dataset.bytes, producer=by
            )
        )
    return event_v2.OutputDataset(
        namespace=dataset.dataset.namespace,
        name=dataset.dataset.name,
        facets=facets,
        outputFacets=counted,
    )


def _dataset_facets(dataset: Dataset) -> dict[str, Any]:
    from openlineage.client import facet_v2 as f

    by = producer()
    facets: dict[str, Any] = {}
    if dataset.columns:
        facets["schema"] = f.schema_dataset.SchemaDatasetFacet(
            fields=[
                f.schema_dataset.SchemaDatasetFacetFields(
                    name=column.name,
                    type=column.type,
                    description=column.comment,
                    ordinal_position=position,
                )
                for position, column in enumerate(dataset.columns, start=1)
            ],
            producer=by,
        )
    if dataset.also_called:
        facets["symlinks"] = f.symlinks_dataset.SymlinksDatasetFacet(
            identifiers=[
                f.symlinks_dataset.Identifier(namespace=n.namespace, name=n.name, type=kind)
                for n, kind in dataset.also_called
            ],
            producer=by,
        )
    if dataset.description:
        facets["documentation"] = f.documentation_dataset.DocumentationDatasetFacet(
            description=dataset.description, producer=by
        )
    if dataset.owner:
        facets["ownership"] = f.ownership_dataset.OwnershipDatasetFacet(
            owners=[f.ownership_dataset.Owner(name=dataset.owner, type="OWNER")], producer=by
        )
    return facets


def _column_lineage(dataset: Dataset) -> dict[str, Any]:
    from openlineage.client.facet_v2 import column_lineage_dataset as f

    return {
        column: f.Fields(
            inputFields=[
                f.InputField(
                    namespace=source.dataset.namespace,
                    name=source.dataset.name,
                    field=source.column,
                    transformations=(
                        [f.Transformation(type=source.kind, subtype=source.subtype)]
                        if source.kind
                        else []
                    ),
                )
                for source in sources
            ]
        )
        for column, sources in dataset.lineage.items()
    }


def _assertion(check: CheckOutcome) -> Any:
    from openlineage.client.facet_v2 import data_quality_assertions_dataset as f

    return f.Assertion(
        assertion=check.assertion or check.name,
        name=check.name,
        success=check.passed,
        column=check.column,
        severity="error" if check.strong else "warn",
        expected=check.expected,
        actual=check.actual,
        content=check.sql,
        contentType="sql" if check.sql else None,
    )


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
