"""Several databases as one: IPv4 and IPv6 from two files, providers from a third.

Belongs here: which one answers. Does not belong here: opening them (`region_db.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from userprofile_assets.enrichment.region_source import Region, RegionDb, RegionSource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from userprofile_assets.enrichment.address_text import Address


class RegionChain:
    """Country, region and city from the first database that knows one; the provider likewise.

    A city of one database is never put into a country of another.
    """

    def __init__(self, databases: Sequence[RegionDb]) -> None:
        self._databases = tuple(databases)

    @property
    def source(self) -> RegionSource:
        """All of them in one; the date is the oldest."""
        sources = [database.source for database in self._databases]
        dates = [source.date for source in sources if source.date is not None]
        return RegionSource(
            name=" + ".join(source.name for source in sources),
            date=min(dates) if len(dates) == len(sources) else None,
            licence=" + ".join(source.licence or "see its provider" for source in sources),
            attribution=" + ".join(
                f"{source.attribution or source.name}{f' ({source.url})' if source.url else ''}"
                for source in sources
            ),
        )

    @property
    def version(self) -> str:
        """Those of all of them."""
        return " + ".join(database.version for database in self._databases)

    def find(self, addresses: Sequence[Address]) -> list[Region]:
        """Ask each database for all addresses."""
        answers = [database.find(addresses) for database in self._databases]
        return [_merged(regions) for regions in zip(*answers, strict=True)]


def _merged(regions: tuple[Region, ...]) -> Region:
    place = next((region for region in regions if any(region[:3])), regions[0])
    return place._replace(isp=next((region.isp for region in regions if region.isp), None))
