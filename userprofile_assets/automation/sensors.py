"""The sensors that tell people of failures: failed runs, broken rules, missing days.

Belongs here: their names, rhythm and cursors. They start nothing and read Dagster's instance only.
A look that fails leaves the cursor where it was and is seen in the UI; what it saw comes again.
"""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

import dagster as dg

from userprofile_assets.alerts.alerter import open_alerter
from userprofile_assets.automation import check_alerts, run_alerts
from userprofile_assets.automation.check_alerts import alerts_of_checks
from userprofile_assets.automation.ended_runs import EndedRuns
from userprofile_assets.automation.missing_days import Baseline, alert_of_day
from userprofile_assets.automation.run_alerts import alerts_of_runs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from userprofile_assets.alerts.message import Alert
    from userprofile_assets.automation.ended_runs import End, EndedRun
    from userprofile_assets.settings import Settings

# Seconds between two looks. Together with Dagster's own 30 s a failure is told within a minute.
_SECONDS = 30

_OFF = "USERPROFILE_ALERT_URLS is not set: nobody can be told"


def build_sensors(settings: Settings) -> list[dg.SensorDefinition]:
    """Return the sensors; they start switched on if there is anybody to tell."""
    return [
        _sensor(
            settings,
            "alert_failed_runs",
            "Tells of failed runs, whatever started them; one message a cause.",
            lambda context: _of_ended(
                context, run_alerts.ENDS, lambda i, e: alerts_of_runs(i, e, ui_url=settings.ui_url)
            ),
        ),
        _sensor(
            settings,
            "alert_failed_checks",
            "Tells of broken strong rules, and of soft ones and warnings.",
            lambda context: _of_ended(
                context,
                check_alerts.ENDS,
                lambda i, e: alerts_of_checks(i, e, ui_url=settings.ui_url),
            ),
        ),
        _sensor(
            settings,
            "alert_missing_partition",
            "Tells when the day before is not there by USERPROFILE_ALERT_EXPECTED_BY.",
            lambda context: _of_day(context, settings, datetime.now(UTC)),
        ),
    ]


def _sensor(
    settings: Settings,
    name: str,
    description: str,
    look: Callable[[dg.SensorEvaluationContext], tuple[list[Alert], str]],
) -> dg.SensorDefinition:
    def evaluate(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        if settings.alert_urls is None:
            return dg.SkipReason(_OFF)
        alerts, cursor = look(context)
        # Without an alert too: what waited for the end of quiet hours is sent by the next look.
        open_alerter(settings, context.log.info).tell(alerts)
        context.update_cursor(cursor)
        return dg.SkipReason(f"{len(alerts)} alerts" if alerts else "nothing new")

    return dg.SensorDefinition(
        name=name,
        evaluation_fn=evaluate,
        description=description,
        minimum_interval_seconds=_SECONDS,
        default_status=(
            dg.DefaultSensorStatus.RUNNING
            if settings.alert_urls is not None
            else dg.DefaultSensorStatus.STOPPED
        ),
    )


def _of_ended(
    context: dg.SensorEvaluationContext,
    ends: Sequence[End],
    alerts_of: Callable[[dg.DagsterInstance, list[EndedRun]], list[Alert]],
) -> tuple[list[Alert], str]:
    ours = context.code_location_origin
    runs = EndedRuns(
        context.instance, context.cursor, ends, location=ours.location_name if ours else None
    )
    return alerts_of(context.instance, runs.read()), runs.cursor


def _of_day(
    context: dg.SensorEvaluationContext, settings: Settings, now: datetime
) -> tuple[list[Alert], str]:
    told = context.cursor or ""
    if settings.alert_expected_by == "off":
        return [], told
    baseline = Baseline(
        by=time.fromisoformat(settings.alert_expected_by),
        timezone=settings.timezone,
        tables=settings.alert_tables,
        first_day=settings.start_date,
    )
    day = baseline.day(now)
    if day is None or day == told or context.repository_def is None:
        return [], told
    tables = baseline.watched(context.repository_def.asset_graph.materializable_asset_keys)
    alert = alert_of_day(context.instance, day, tables, by=baseline.by, ui_url=settings.ui_url)
    return ([alert], day) if alert else ([], told)
