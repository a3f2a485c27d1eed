"""The `enrichment` resource: what the project knows about agents and addresses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
from pydantic import Field, PrivateAttr

from userprofile_assets.enrichment.address_lookup import IpRegionLookup
from userprofile_assets.enrichment.agents import UserAgentLookup
from userprofile_assets.enrichment.anonymous_key import anonymous_key
from userprofile_assets.enrichment.region_db import open_region_db

if TYPE_CHECKING:
    from userprofile_assets.enrichment.lookup import Lookup


class EnrichmentResource(dg.ConfigurableResource):  # type: ignore[type-arg] # dagster's own subclasses leave it open
    """Opens a lookup when a table asks for it, once in a run."""

    home: str = Field(description="USERPROFILE_HOME: where agents that were seen are remembered.")
    region_db: str = Field(description="USERPROFILE_REGION_DB: dbip, ip2region or a path.")
    anonymous_key: str = Field(default="", description="USERPROFILE_ANONYMOUS_KEY.")

    _opened: dict[str, Lookup] = PrivateAttr(default_factory=dict)

    def lookup(self, name: str, log: Callable[[str], None]) -> Lookup:
        """Return the lookup of a name: `user_agent` or `ip_region`.

        Args:
            name: As in TBLPROPERTIES of the table.
            log: Told of what does not hinder the run, such as a broken cache.

        Raises:
            SettingsError: The region database or the key cannot be used.
        """
        if name not in self._opened:
            self._opened[name] = self._open(name, log)
        return self._opened[name]

    def _open(self, name: str, log: Callable[[str], None]) -> Lookup:
        if name == "user_agent":
            return UserAgentLookup(Path(self.home) / "agents", log=log)
        return IpRegionLookup(
            open_region_db(self.region_db),
            key=anonymous_key(Path(self.home), self.anonymous_key),
        )
