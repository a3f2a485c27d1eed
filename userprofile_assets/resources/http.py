"""The `http` resource: where the access log of a day is."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
from pydantic import Field

from userprofile_assets.bizdate import has_bizdate, parse_day, substitute
from userprofile_assets.demo.sources import ensure_log


class HttpResource(dg.ConfigurableResource):  # type: ignore[type-arg] # dagster's own subclasses leave it open
    """Knows the URL of a day's access log; without one, makes the embedded demo log of that day."""

    url: str = Field(
        default="", description="USERPROFILE_LOG_URL: http(s):// or file://. Empty: the demo log."
    )
    home: str = Field(description="USERPROFILE_HOME: where the demo log is made.")
    timezone: str = Field(description="Time zone of the demo log and of the business date.")
    demo_lines: int = Field(description="Lines of one day of the demo log.")
    demo_users: int = Field(description="Users that the demo log draws from.")
    demo_seed: int = Field(description="Seed of the demo log.")

    @property
    def has_history(self) -> bool:
        """Whether each day has a file of its own; without, one file stands for every day."""
        return not self.url or has_bizdate(self.url)

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
