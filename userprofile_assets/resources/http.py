"""The `http` resource: where the access log of a day is, and how it is asked for."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
from pydantic import Field

from userprofile_assets.bizdate import has_bizdate, parse_day, substitute
from userprofile_assets.demo.sources import ensure_log
from userprofile_assets.errors import SettingsError
from userprofile_assets.ingestion.http_options import HttpOptions
from userprofile_assets.json_objects import read_strings


class HttpResource(dg.ConfigurableResource):  # type: ignore[type-arg] # dagster's own subclasses leave it open
    """Knows the URL of a day's access log; without one, makes the embedded demo log of that day."""

    url: str = Field(
        default="", description="USERPROFILE_LOG_URL: http(s):// or file://. Empty: the demo log."
    )
    method: str = Field(default="GET", description="USERPROFILE_LOG_METHOD: GET or POST.")
    parameters: str = Field(
        default="", description="USERPROFILE_LOG_PARAMETERS, secret: a=1&day=${bizdate}."
    )
    headers: str = Field(
        default="", description="USERPROFILE_LOG_HEADERS, secret: a JSON object of texts."
    )
    token: str = Field(default="", description="USERPROFILE_LOG_TOKEN, secret: a bearer token.")
    sha256: str = Field(
        default="",
        description="USERPROFILE_LOG_SHA256, secret: 64 hex digits, or the URL of a file.",
    )
    allowed_hosts: list[str] = Field(
        default=[], description="USERPROFILE_LOG_ALLOWED_HOSTS; empty: any."
    )
    proxy: str = Field(default="", description="USERPROFILE_LOG_PROXY, secret: URL of a proxy.")
    ca: str = Field(default="", description="USERPROFILE_LOG_CA: PEM file of the authority.")
    deadline_seconds: float = Field(
        default=7200, description="USERPROFILE_LOG_DEADLINE_SECONDS: all tries of one copy."
    )
    read_timeout: float = Field(
        default=60, description="USERPROFILE_LOG_READ_TIMEOUT_SECONDS: without a single byte."
    )
    min_rate: int = Field(
        default=1024, description="USERPROFILE_LOG_MIN_RATE: bytes a second; 0: any."
    )
    connections: int = Field(
        default=4, description="USERPROFILE_LOG_CONNECTIONS: most range requests at once."
    )
    home: str = Field(description="USERPROFILE_HOME: where the demo log is made.")
    timezone: str = Field(description="Time zone of the demo log and of the business date.")
    demo_lines: int = Field(description="Lines of one day of the demo log.")
    demo_users: int = Field(description="Users that the demo log draws from.")
    demo_seed: int = Field(description="Seed of the demo log.")

    @property
    def has_history(self) -> bool:
        """Whether each day has a file, or a digest, of its own; else one stands for every day."""
        templates = (self.url, self.parameters, self.sha256)
        return not self.url or any(has_bizdate(text) for text in templates)

    def url_of(self, bizdate: str) -> str:
        """Return the URL of a day's log, `20240807`; makes the demo log of that day if need be.

        Raises:
            StorageError: The demo log cannot be written.
            PermanentError: The demo log of a day that is not over is asked for.
        """
        if self.url:
            return substitute(self.url, bizdate)
        return ensure_log(
            Path(self.home),
            parse_day(bizdate),
            lines=self.demo_lines,
            users=self.demo_users,
            seed=self.demo_seed,
            timezone=self.timezone,
        ).as_uri()

    def options_of(self, bizdate: str) -> HttpOptions:
        """Return how a day's log is asked for.

        Raises:
            SettingsError: The method or the headers cannot be read.
        """
        if self.method not in {"GET", "POST"}:
            raise SettingsError(
                f"{self.method!r} is no method for a log",
                where="USERPROFILE_LOG_METHOD",
                remedy="set it to GET or POST",
            )
        return HttpOptions(
            method="POST" if self.method == "POST" else "GET",
            parameters=substitute(self.parameters, bizdate),
            headers=_headers(self.headers),
            token=self.token or None,
            sha256=substitute(self.sha256, bizdate) or None,
            allowed_hosts=tuple(self.allowed_hosts),
            proxy=self.proxy or None,
            ca=self.ca or None,
            deadline_seconds=self.deadline_seconds,
            read_timeout=self.read_timeout,
            min_rate=self.min_rate,
            connections=self.connections,
        )


def _headers(text: str) -> dict[str, str]:
    """Read the headers; an error does not show them."""
    try:
        return read_strings(text or "{}")
    except ValueError as error:
        raise SettingsError(
            str(error),
            where="USERPROFILE_LOG_HEADERS",
            remedy='write it as {"X-Api-Key": "..."}',
        ) from None
