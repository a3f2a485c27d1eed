"""What a database of regions is: regions for addresses, and where they come from.

Belongs here: the interface of the readers, and the words they share. Does not belong here: any
format.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from userprofile_assets.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    from userprofile_assets.enrichment.address_text import Address

SETTING = "USERPROFILE_REGION_DB"


class Region(NamedTuple):
    """Where an address is, in the words of the database; None is what it does not know."""

    country: str | None = None
    region: str | None = None
    city: str | None = None
    isp: str | None = None


NOWHERE = Region()


@dataclass(frozen=True, kw_only=True)
class RegionSource:
    """Where regions come from, to be shown where they are shown.

    Args:
        name: Of the database.
        date: When it was built; None when the file does not say.
        licence: Of the data; None when the file does not say.
        attribution: What the licence wants shown.
        url: Where the attribution links to.
    """

    name: str
    date: date | None
    licence: str | None = None
    attribution: str | None = None
    url: str | None = None

    def text(self) -> str:
        """Return one line: attribution, link, licence, date."""
        shown = self.attribution or self.name
        linked = f"{shown} ({self.url})" if self.url else shown
        licence = self.licence or "licence: see its provider"
        built = f"data of {self.date}" if self.date else "date unknown"
        return f"{linked}, {licence}, {built}"


class RegionDb(Protocol):
    """A database of regions that is open."""

    @property
    def source(self) -> RegionSource:
        """Name, licence, date."""
        ...

    @property
    def version(self) -> str:
        """Changes when an address may get another region."""
        ...

    def find(self, addresses: Sequence[Address]) -> list[Region]:
        """Return the region of each address, in order; `NOWHERE` for one that is not in it.

        Raises:
            SourceError: The file is broken where the answer should be.
        """
        ...


def unreadable(path: Path, what: str, *, remedy: str | None = None) -> SourceError:
    """Return the error for a file that cannot be used."""
    return SourceError(
        what,
        where=f"{SETTING}={path}",
        remedy=remedy or f"fetch the file again, or set {SETTING} to dbip or to another file",
    )
