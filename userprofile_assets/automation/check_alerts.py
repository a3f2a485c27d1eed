"""What failed asset checks are worth: an alert for each rule and strength, whatever number of days.

They are read when their run has ended: on SQLite Dagster keeps the events of each run in a file of
its own, so there is no cheap way to ask for all checks since a moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from userprofile_assets.alerts.message import Alert, Severity, make_alert
from userprofile_assets.automation.ended_runs import broken_checks
from userprofile_assets.automation.run_alerts import run_link

if TYPE_CHECKING:
    from collections.abc import Sequence

    from userprofile_assets.automation.ended_runs import End, EndedRun

ENDS: Sequence[End] = (
    dg.DagsterEventType.RUN_SUCCESS,
    dg.DagsterEventType.RUN_FAILURE,
    dg.DagsterEventType.RUN_CANCELED,
)

_MOST_DAYS = 10


def alerts_of_checks(
    instance: dg.DagsterInstance, ended: Sequence[EndedRun], *, ui_url: str | None
) -> list[Alert]:
    """Return an alert for each rule that was broken: an error if it blocks, else a warning."""
    by_rule: dict[tuple[str, str, Severity], list[tuple[EndedRun, dg.AssetCheckEvaluation]]] = {}
    for one in ended:
        for _, check in broken_checks(instance, one.run.run_id):
            blocks = check.severity == dg.AssetCheckSeverity.ERROR
            severity = Severity.ERROR if blocks else Severity.WARNING
            rule = (check.asset_key.path[-1], check.check_name, severity)
            by_rule.setdefault(rule, []).append((one, check))
    return [_alert(*rule, found, ui_url) for rule, found in by_rule.items()]


def _alert(
    table: str,
    rule: str,
    severity: Severity,
    found: Sequence[tuple[EndedRun, dg.AssetCheckEvaluation]],
    ui_url: str | None,
) -> Alert:
    ended, newest = found[-1]
    days = list(dict.fromkeys(day for one, check in found if (day := check.partition or one.days)))
    verb = "is broken" if severity == Severity.ERROR else "warns"
    when = f" for {days[0]}" if len(days) == 1 else f" for {len(days)} days" if days else ""
    lines = [newest.description] if newest.description else []
    lines.append(f"Started by {ended.started_by}; run {ended.run.run_id[:8]}.")
    if len(days) > 1:
        more = f" and {len(days) - _MOST_DAYS} more" if len(days) > _MOST_DAYS else ""
        lines.append(f"Days: {', '.join(days[:_MOST_DAYS])}{more}.")
    return make_alert(
        cause=f"{table}: rule {rule}: {severity}",
        title=f"{table}: rule {rule} {verb}{when}",
        text="\n".join(lines),
        severity=severity,
        link=run_link(ui_url, ended.run.run_id),
        count=len(found),
    )
