"""Send one message to every channel, through apprise.

Belongs here: channels, their time limits, what each of them said. A channel that is dead or slow
is reported and never raises; the others get the message all the same. Does not belong here: when
there is a message (`policy.py`).
"""

from __future__ import annotations

import logging
import re
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from userprofile_assets.alerts.message import Severity, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

SECONDS = 10.0
"""Limit of one message on all channels together: they are asked at once."""

_SOCKET_SECONDS = 5.0
# Parts of a channel's URL from this length on are blotted out of what is said about it.
_SECRET_CHARACTERS = 5
_DEFAULT_REASON = "it refused the message"


@dataclass(frozen=True)
class Delivery:
    """What became of a message on one channel.

    Attributes:
        channel: Its number in ALERT_URLS and its service, such as `channel 1 (Slack)`.
        took: Whether it took the message.
        said: Why not; empty if it did.
    """

    channel: str
    took: bool
    said: str = ""


def deliver(
    urls: Sequence[str], *, title: str, text: str, severity: Severity, seconds: float = SECONDS
) -> list[Delivery]:
    """Send a message to every channel at once and return what became of it, in their order.

    Never raises for what a channel does.

    Args:
        urls: URLs of apprise.
        title: One line.
        text: Plain text.
        severity: How bad it is; many channels show it in colour.
        seconds: Limit for all channels together.
    """
    sendings = [
        _Sending(number, url, title, text, severity) for number, url in enumerate(urls, start=1)
    ]
    for sending in sendings:
        sending.start()
    deadline = time.monotonic() + seconds
    return [sending.outcome(deadline) for sending in sendings]


def services(urls: Sequence[str]) -> list[str | None]:
    """Return the name of each channel's service, None for a URL that apprise does not take."""
    plugins = [_plugin(url) for url in urls]
    return [None if plugin is None else str(plugin.service_name) for plugin in plugins]


def _plugin(url: str) -> Any:
    import apprise  # 3 s with all its services, so only when there is something to send

    # Its warnings go into Delivery.said; anywhere else they might show a token.
    logging.getLogger("apprise").propagate = False
    asset = apprise.AppriseAsset(app_id="userprofile", app_desc="User profile analysis")
    plugin = apprise.Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
    if plugin is not None:
        # The messages are plain text, whatever the service would take it for.
        plugin.notify_format = apprise.NotifyFormat.TEXT
        # Up to 5.5 s before the first request too; ours are far apart.
        plugin.request_rate_per_sec = 0
        # Those of a URL may be minutes.
        for limit in ("socket_connect_timeout", "socket_read_timeout"):
            setattr(plugin, limit, min(getattr(plugin, limit), _SOCKET_SECONDS))
    return plugin


class _Sending:
    """One message on its way to one channel, in a thread that may be left behind."""

    def __init__(self, number: int, url: str, title: str, text: str, severity: Severity) -> None:
        self._plugin = _plugin(url)
        service = "unknown service" if self._plugin is None else self._plugin.service_name
        self._channel = f"channel {number} ({service})"
        self._url = url
        self._message = {"title": title, "body": text, "severity": severity}
        self._result: Delivery | None = None
        # A daemon: a channel that never answers must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name=self._channel, daemon=True)

    def start(self) -> None:
        """Begin."""
        if self._plugin is None:
            self._result = Delivery(self._channel, took=False, said="no URL that apprise knows")
            return
        self._thread.start()

    def outcome(self, deadline: float) -> Delivery:
        """Wait until the deadline and return what became of it."""
        if self._thread.ident is not None:
            self._thread.join(max(0.0, deadline - time.monotonic()))
        return self._result or Delivery(
            self._channel, took=False, said="no answer within the time limit"
        )

    def _run(self) -> None:
        import apprise

        heard = _Heard()
        logger = logging.getLogger("apprise")
        logger.addHandler(heard)
        try:
            took = self._plugin.notify(
                title=self._message["title"],
                body=self._message["body"],
                notify_type=(
                    apprise.NotifyType.FAILURE
                    if self._message["severity"] == Severity.ERROR
                    else apprise.NotifyType.WARNING
                ),
            )
            said = "" if took else self._shown(heard.last or _DEFAULT_REASON)
            self._result = Delivery(self._channel, took=bool(took), said=said)
        except Exception as error:  # noqa: BLE001 - a hundred services, each with errors of its own
            said = self._shown(f"{type(error).__name__}: {error}")
            self._result = Delivery(self._channel, took=False, said=said)
        finally:
            logger.removeHandler(heard)

    def _shown(self, reason: str) -> str:
        """Return a reason without any part of the URL, which is made of tokens."""
        for part in sorted(re.split(r"[/:@?&=#,]+", self._url), key=len, reverse=True):
            if len(part) >= _SECRET_CHARACTERS:
                reason = reason.replace(part, "***")
        return one_line(reason)


class _Heard(logging.Handler):
    """Keeps the last warning that apprise gave in this thread."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._thread = threading.get_ident()
        self.last = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a warning."""
        if record.thread == self._thread:
            self.last = record.getMessage()
