"""The lookup `ip_region`: country, region, city and provider of addresses.

Belongs here: rows for keys, batch by batch. Does not belong here: reading text, ranges,
databases.
"""

from __future__ import annotations

import hashlib
import hmac
from itertools import islice
from typing import TYPE_CHECKING, Any

from userprofile_assets.enrichment.address_ranges import kind_of_range
from userprofile_assets.enrichment.address_text import Address, parse_address
from userprofile_assets.enrichment.lookup import LookupColumn
from userprofile_assets.enrichment.region_source import NOWHERE, Region
from userprofile_assets.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from userprofile_assets.enrichment.region_source import RegionDb

# Change it when a key may get another row although the database stays the same.
_RULES = 1
# One call of the database for so many addresses: memory stays small, and the call costs nothing.
_BATCH = 8_192
# 16 digits are 64 bits: the chance that any two of 5 million addresses share a key is below 1 in a
# million.
_KEY_DIGITS = 16
_KEY_BYTES = 16

COLUMNS = (
    LookupColumn("ip", "string", "address as the log has it"),
    LookupColumn(
        "country",
        "string",
        "country, or the kind of an address without one: private, loopback, reserved, ...",
    ),
    LookupColumn("region", "string", "province or state"),
    LookupColumn("city", "string", "city"),
    LookupColumn("isp", "string", "internet provider, when the database names it"),
    LookupColumn(
        "address_key", "string", "keyed hash of the address; equal for all spellings of it"
    ),
)


class IpRegionLookup:
    """Regions of addresses, from a database of regions.

    Args:
        regions: The database.
        key: Secret of at least 16 bytes. `address_key` is the beginning of HMAC-SHA256 under it, so
            a visitor gets an identity without the secret standing in any SQL, and nobody who has
            only the table can find the address by trying all of them.

    Raises:
        SettingsError: The key is too short.
    """

    def __init__(self, regions: RegionDb, *, key: bytes) -> None:
        if len(key) < _KEY_BYTES:
            raise SettingsError(
                f"the key of address_key has {len(key)} bytes",
                where="IpRegionLookup",
                remedy=f"give at least {_KEY_BYTES} random bytes",
            )
        self._regions = regions
        # Copies of one HMAC object: making each anew takes twice as long.
        self._hmac = hmac.new(key, digestmod=hashlib.sha256)

    @property
    def name(self) -> str:
        """As in TBLPROPERTIES."""
        return "ip_region"

    @property
    def columns(self) -> tuple[LookupColumn, ...]:
        """The columns of the table but `dt`."""
        return COLUMNS

    @property
    def version(self) -> str:
        """Database, rules, and which key it is (a hash of it, of no use to find it)."""
        return f"{self._regions.version}; rules {_RULES}; key {self._key_of('version')[:8]}"

    @property
    def attribution(self) -> str:
        """What must stand where the regions are shown."""
        return self._regions.source.text()

    def rows(self, keys: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
        """Yield one row for each key, in order.

        Args:
            keys: The address of each row, as text or None.

        Raises:
            SourceError: The database is broken where an answer should be.
        """
        rest = iter(keys)
        while batch := [key[0] for key in islice(rest, _BATCH)]:
            yield from self._batch(batch)

    def _batch(self, texts: list[str | None]) -> Iterator[tuple[Any, ...]]:
        addresses = [None if text is None else parse_address(text) for text in texts]
        kinds = [address and kind_of_range(address.packed) for address in addresses]
        asked = [a for a, kind in zip(addresses, kinds, strict=True) if a and kind is None]
        found = iter(self._regions.find(asked))
        for text, address, kind in zip(texts, addresses, kinds, strict=True):
            if address is None:
                region = NOWHERE
            else:
                region = next(found) if kind is None else Region(country=kind)
            yield (text, *region, self._address_key(text, address))

    def _address_key(self, text: str | None, address: Address | None) -> str | None:
        if text is None:
            return None
        return self._key_of(text if address is None else address.spelling)

    def _key_of(self, text: str) -> str:
        keyed = self._hmac.copy()
        # A lone surrogate is no text in UTF-8, but must not be an error here.
        keyed.update(text.encode("utf-8", "surrogatepass"))
        return keyed.hexdigest()[:_KEY_DIGITS]
