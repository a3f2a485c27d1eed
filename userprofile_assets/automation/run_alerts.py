"""What failed runs are worth: an alert for each cause, whatever number of runs it stopped.

Belongs here: reading why a run failed out of Dagster's events. Does not belong here: failed checks
(`check_alerts.py`), which a run that they stop is not told for again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dagster as dg

from userprofile_assets.alerts.message import Alert, Severity, cause_of, make_alert
from userprofile_assets.automation.ended_runs import broken_checks
from userprofile_assets.checks.failure_metadata import BAD_DAYS, REFUSED_DAYS
from userprofile_assets.row_values import without_row_values

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from userprofile_assets.automation.ended_runs import End, EndedRun

ENDS: Sequence[End] = (dg.DagsterEventType.RUN_FAILURE, dg.DagsterEventType.RUN_CANCELED)

# How dagster 1.13 begins its word about a run that took longer than it may; every other cancelled
# run was ended by a person.
_TOO_LONG = "Canceling due to exceeding maximum runtime"
_CHECK_FAILED = "DagsterAssetCheckFailedError"
_MOST_DAYS = 10


@dataclass(frozen=True)
class _Failure:
    where: str
    kind: str
    said: str
    ended: EndedRun

    @property
    def cause(self) -> str:
        return cause_of(self.where, self.kind, self.said)


def alerts_of_runs(
    instance: dg.DagsterInstance, ended: Sequence[EndedRun], *, ui_url: str | None
) -> list[Alert]:
    """Return an alert for each cause for which runs failed.

    A run that Dagster starts again gives none; the last one of the tries does.
    """
    by_cause: dict[str, list[_Failure]] = {}
    for one in ended:
        if one.will_retry:
            continue
        for failure in _failures(instance, one):
            by_cause.setdefault(failure.cause, []).append(failure)
    return [_alert(cause, failures, ui_url) for cause, failures in by_cause.items()]


def run_link(ui_url: str | None, run_id: str) -> str | None:
    """Return where a person sees a run."""
    return f"{ui_url}/runs/{run_id}" if ui_url else None


def _alert(cause: str, failures: Sequence[_Failure], ui_url: str | None) -> Alert:
    newest = failures[-1]
    run = newest.ended.run
    days = list(dict.fromkeys(f.ended.days for f in failures if f.ended.days))
    if len(days) == 1:
        title = f"{newest.where} failed for {days[0]}"
    else:
        title = f"{newest.where} failed" + (f" for {len(days)} days" if days else "")
    lines = [newest.said, f"Started by {newest.ended.started_by}; run {run.run_id[:8]}."]
    if len(days) > 1:
        more = f" and {len(days) - _MOST_DAYS} more" if len(days) > _MOST_DAYS else ""
        lines.append(f"Days: {', '.join(days[:_MOST_DAYS])}{more}.")
    return make_alert(
        cause=cause,
        title=title,
        text="\n".join(lines),
        severity=Severity.ERROR,
        link=run_link(ui_url, run.run_id),
        count=len(failures),
    )


def _failures(instance: dg.DagsterInstance, ended: EndedRun) -> Iterator[_Failure]:
    run = ended.run
    if run.status == dg.DagsterRunStatus.CANCELED:
        said = _why_cancelled(instance, run.run_id)
        if said.startswith(_TOO_LONG):
            yield _Failure(run.job_name, "RunTimeout", said, ended)
        return
    steps = instance.get_records_for_run(
        run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE
    ).records
    if not steps:
        # The process that ran it is gone, or it never came to a step.
        yield _Failure("a run", "RunFailure", _said(ended.event), ended)
    refused = _stopped_by_checks(instance, run.run_id)
    for record in steps:
        event = record.event_log_entry.dagster_event
        if event is None or (event.step_key in refused and _says_no_more(event)):
            continue
        failure = _step_failure(event, ended)
        if failure is not None:
            yield failure


def _stopped_by_checks(instance: dg.DagsterInstance, run_id: str) -> set[str | None]:
    """Return the steps with a failed check that blocks: `check_alerts.py` tells of those."""
    return {
        step
        for step, check in broken_checks(instance, run_id)
        if check.severity == dg.AssetCheckSeverity.ERROR
    }


def _says_no_more(event: dg.DagsterEvent) -> bool:
    """Tell whether a step failed for nothing but its checks: all of its bad days, or its only one.

    With more bad days than refused ones some failed for another reason, which a person must hear.
    """
    failure = event.step_failure_data.user_failure_data
    metadata = failure.metadata if failure is not None else {}
    bad, refused = (_days(metadata.get(name)) for name in (BAD_DAYS, REFUSED_DAYS))
    return len(bad) == 1 or (bad != [] and bad == refused)


def _days(value: object) -> list[str]:
    found = value.data if isinstance(value, dg.JsonMetadataValue) else None
    return [str(day) for day in found] if isinstance(found, list) else []


def _why_cancelled(instance: dg.DagsterInstance, run_id: str) -> str:
    events = instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.RUN_CANCELING).records
    return _said(events[0]) if events else ""


def _said(record: dg.EventLogRecord) -> str:
    event = record.event_log_entry.dagster_event
    return without_row_values((event.message if event is not None else None) or "it says nothing")


def _step_failure(event: dg.DagsterEvent, ended: EndedRun) -> _Failure | None:
    data = event.step_failure_data
    outer = data.error
    # A step's error is wrapped into one of Dagster's; `raise Failure from error` has a cause too.
    inner = outer.cause if outer is not None and outer.cause is not None else outer
    kind = (inner.cls_name if inner is not None else None) or "Failure"
    if outer is not None and _CHECK_FAILED in {kind, outer.cls_name}:
        return None
    described = data.user_failure_data.description if data.user_failure_data else None
    said = described or _without_class(inner.message if inner is not None else "it failed", kind)
    return _Failure(event.step_key or "a step", kind, without_row_values(said), ended)


def _without_class(message: str, kind: str) -> str:
    return re.sub(rf"^[\w.]*{re.escape(kind)}(?::\s*|\s*$)", "", message) or kind
