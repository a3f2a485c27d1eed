"""`userprofile doctor`: the channels of alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from userprofile_assets.errors import SettingsError
from userprofile_assets.settings.alerts import split_alert_urls

if TYPE_CHECKING:
    from userprofile_assets.settings import Settings


def channels(settings: Settings) -> str:
    """Say to which services alerts go; sends nothing.

    Raises:
        SettingsError: A channel is none that apprise knows.
    """
    if settings.alert_urls is None:
        return "USERPROFILE_ALERT_URLS is not set; nobody is told of failures"
    from userprofile_assets.alerts.deliver import services

    named = services(split_alert_urls(settings.alert_urls.get_secret_value()))
    unknown = [str(number) for number, name in enumerate(named, start=1) if name is None]
    if unknown:
        raise SettingsError(
            f"no URL that apprise knows: channel {', '.join(unknown)} of {len(named)}",
            where="USERPROFILE_ALERT_URLS",
            remedy="see docs/alerts.md",
        )
    said = ", ".join(name for name in named if name)
    return f"{said}; `userprofile alert test` sends a message to each"
