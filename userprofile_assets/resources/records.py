"""The `records` resource: the database of what runs leave behind."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
from pydantic import Field

from userprofile_assets.records.database import open_records

if TYPE_CHECKING:
    from userprofile_assets.records.database import Records


class RecordsResource(dg.ConfigurableResource):  # type: ignore[type-arg] # dagster's own subclasses leave it open
    """Opens the database of the records; without a URL, SQLite under HOME."""

    url: str = Field(default="", description="USERPROFILE_SERVING_URL. Empty: SQLite under HOME.")
    tls: str | None = Field(default=None, description="USERPROFILE_SERVING_TLS.")
    ca: str | None = Field(default=None, description="USERPROFILE_SERVING_CA.")
    home: str = Field(description="USERPROFILE_HOME.")

    def open(self, *, read_timeout: int = 60) -> Records:
        """Return the database; it connects when something is read or written.

        Args:
            read_timeout: Seconds to wait for an answer of MySQL.

        Raises:
            SettingsError: It is no URL, or its driver is missing.
        """
        return open_records(
            self.url or None, Path(self.home), tls=self.tls, ca=self.ca, read_timeout=read_timeout
        )
