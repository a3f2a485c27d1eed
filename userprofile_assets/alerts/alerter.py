"""Tell alerts: note them in the records, send what is due, note what was told.

Belongs here: the order of these steps. Each alert is in the records before it is sent, so that a
killed process forgets none; one killed between sending and noting sends that message twice.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from userprofile_assets.alerts import policy
from userprofile_assets.alerts.deliver import deliver
from userprofile_assets.locks import exclusive_lock
from userprofile_assets.records.alerts import AlertState, read_alerts, save_alerts
from userprofile_assets.records.database import open_records
from userprofile_assets.settings.alerts import split_alert_urls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from userprofile_assets.alerts.message import Alert
    from userprofile_assets.records.database import Records
    from userprofile_assets.settings import Settings

# Dagster gives a sensor 60 s, a message may take 10 s of them. The rest waits for the next look.
_SECONDS = 25.0
_LOCK_SECONDS = 15.0


@dataclass(frozen=True, kw_only=True)
class Alerter:
    """Tells people of alerts, as often as the rules allow.

    Attributes:
        urls: Channels; with none, alerts are only recorded.
        rules: How often.
        records: Opens the database in which it is kept what was told.
        locks: Directory of lock files: two sensors may have something to tell at once.
        log: Where it is said what became of messages.
    """

    urls: tuple[str, ...]
    rules: policy.Rules
    records: Callable[[], Records]
    locks: Path
    log: Callable[[str], None]

    def tell(self, alerts: Iterable[Alert] = (), *, now: datetime | None = None) -> None:
        """Note some alerts and send what is due, of earlier ones too.

        No channel makes this fail.

        Raises:
            RecordsError: The database refuses; nothing was sent then.
            RecordsUnavailableError: It does not answer.
            LockTimeoutError: Another process has been telling for too long.
        """
        moment = now or datetime.now(UTC)
        lock = self.locks / "alerts.lock"
        with (
            exclusive_lock(lock, purpose="telling alerts", timeout=_LOCK_SECONDS),
            self.records() as records,
        ):
            before = read_alerts(records)
            messages, states = policy.due(policy.note(before, alerts, moment), moment, self.rules)
            save_alerts(records, _changed(before, states), forget=policy.outdated(states, moment))
            self._send(records, messages, states, moment)

    def _send(
        self,
        records: Records,
        messages: list[policy.Message],
        states: dict[str, AlertState],
        now: datetime,
    ) -> None:
        deadline = time.monotonic() + _SECONDS
        for number, message in enumerate(messages):
            if not self.urls or time.monotonic() > deadline:
                self.log(f"{len(messages) - number} messages wait for the next look")
                return
            results = deliver(
                self.urls, title=message.title, text=message.text, severity=message.severity
            )
            for result in results:
                if not result.took:
                    self.log(f"{result.channel} did not take {message.title!r}: {result.said}")
            if not any(result.took for result in results):
                self.log("no channel took it; it is tried again at the next look")
                return
            self.log(f"told: {message.title}")
            before, states = states, policy.told(states, message, now)
            save_alerts(records, _changed(before, states))


def open_alerter(settings: Settings, log: Callable[[str], None]) -> Alerter:
    """Return the alerter of the settings; connects to nothing yet.

    Raises:
        SettingsError: USERPROFILE_SERVING_URL cannot be used.
    """
    secret = settings.alert_urls
    serving = settings.serving_url
    quiet = policy.read_quiet_hours(
        settings.alert_quiet, errors_pass=settings.alert_quiet_except == "errors"
    )
    return Alerter(
        urls=split_alert_urls(secret.get_secret_value()) if secret else (),
        rules=policy.Rules(
            timezone=ZoneInfo(settings.timezone),
            interval=timedelta(seconds=settings.alert_interval_seconds),
            maximum=settings.alert_max,
            quiet=quiet,
        ),
        records=lambda: open_records(
            serving.get_secret_value() if serving else None,
            settings.home,
            tls=settings.serving_tls,
            ca=str(settings.serving_ca) if settings.serving_ca else None,
        ),
        locks=settings.home / "locks",
        log=log,
    )


def _changed(before: Mapping[str, AlertState], after: Mapping[str, AlertState]) -> list[AlertState]:
    return [state for key, state in after.items() if before.get(key) != state]
