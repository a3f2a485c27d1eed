"""The settings of alerts: who is told, when, how often."""

from __future__ import annotations

import re
from functools import partial
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from userprofile_assets.settings.fields import SettingsGroup, setting
from userprofile_assets.settings.values import split_url

_setting = partial(setting, "alerts")

_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
# A comma inside a URL, as between two receivers of a mail, separates nothing.
_BETWEEN_URLS = re.compile(r"\s*,\s*(?=[A-Za-z][A-Za-z0-9+.-]*://)|\s+|\s*,\s*$")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/].*")


def split_alert_urls(text: str) -> tuple[str, ...]:
    """Return the channels of ALERT_URLS, which blanks or commas separate."""
    return tuple(part for part in _BETWEEN_URLS.split(text.strip()) if part)


class AlertSettings(SettingsGroup):
    """Channels, quiet hours, limits, the hour by which a day must be there."""

    alert_urls: SecretStr | None = _setting(
        None,
        "Who is told of failures: URLs of apprise, separated by blanks or commas, such as "
        "`mailtos://user:password@example.org?to=team@example.org`, `dingtalk://token` "
        "(docs/alerts.md). Unset: nobody, and the sensors start switched off.",
    )
    alert_quiet: str | None = _setting(
        None,
        "Quiet hours in TIMEZONE, such as `00:00-08:00`; what comes in them is sent afterwards in "
        "one message.",
    )
    alert_quiet_except: Literal["none", "errors"] = _setting(
        "none",
        "What quiet hours do not hold back. `errors`: failed runs, failed strong rules and missing "
        "days; warnings wait.",
    )
    alert_interval_seconds: Annotated[int, Field(ge=0)] = _setting(
        1800, "Seconds between two messages of the same cause; what comes meanwhile is counted."
    )
    alert_max: Annotated[int, Field(ge=1)] = _setting(
        3,
        "Most messages of the same cause. It may be told again when it has not come for 12 hours.",
    )
    alert_expected_by: str = _setting(
        "02:30",
        "Time of day in TIMEZONE by which the day before must be in ALERT_TABLES. `off`: not "
        "looked at.",
    )
    alert_tables: Annotated[tuple[str, ...], NoDecode] = _setting(
        ("ads_*",),
        "Tables that ALERT_EXPECTED_BY looks at, separated by commas; `*` stands for any text.",
    )
    ui_url: str | None = _setting(
        "http://127.0.0.1:3000",
        "Where people open the Dagster UI; messages link to their run there.",
    )

    @field_validator("alert_urls")
    @classmethod
    def _are_channels(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            urls = split_alert_urls(value.get_secret_value())
            for number, url in enumerate(urls, start=1):
                if not _URL.fullmatch(url):
                    raise ValueError(
                        f"channel {number} of {len(urls)} is no URL; write it as scheme://..."
                    )
        return value

    @field_validator("alert_quiet")
    @classmethod
    def _are_hours(cls, value: str | None) -> str | None:
        if value is not None:
            if not re.fullmatch(f"{_TIME}-{_TIME}", value):
                raise ValueError("write it as 00:00-08:00")
            start, _, end = value.partition("-")
            if start == end:
                raise ValueError("the hours have no length")
        return value

    @field_validator("alert_expected_by")
    @classmethod
    def _is_time_of_day(cls, value: str) -> str:
        if value != "off" and not re.fullmatch(_TIME, value):
            raise ValueError("write it as 02:30, or off")
        return value

    @field_validator("alert_tables", mode="before")
    @classmethod
    def _split_alert_tables(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("ui_url")
    @classmethod
    def _is_ui_url(cls, value: str | None) -> str | None:
        if value is not None:
            parts = split_url(value)
            if parts.scheme not in {"http", "https"} or not parts.hostname:
                raise ValueError("write an http:// or https:// URL")
            if "@" in parts.netloc or parts.query or parts.fragment:
                raise ValueError("it is shown as it is: no user, no query")
            return value.rstrip("/")
        return value
