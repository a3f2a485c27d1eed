"""Read regions from a MaxMind DB file (.mmdb): DB-IP, GeoLite2, GeoIP2, IPinfo and others.

Belongs here: which fields of a record are country, region, city and provider. Does not belong here:
which file it is (`region_db.py`).

The reader is maxminddb-rust, by the author of MaxMind's own. It reads one field of many addresses
in one call: 270,000 to 370,000 addresses a second, where the Python reader that comes with DB-IP's
package (maxminddb 1.5.4, pinned by it) reads 3,600.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

from userprofile_assets.enrichment.region_source import NOWHERE, Region, RegionSource, unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from userprofile_assets.enrichment.address_text import Address

_Path: TypeAlias = tuple[str | int, ...]

# Where databases keep a column, the most common first; LANGUAGE stands for a language's code.
# `names` is MaxMind's form, which DB-IP has too; the flat ones are IPinfo's and those of files
# converted from CSV.
_LANGUAGE = "LANGUAGE"
_PATHS: tuple[tuple[_Path, ...], ...] = (
    (("country", "names", _LANGUAGE), ("country_name",), ("country",), ("country_code",)),
    (("subdivisions", 0, "names", _LANGUAGE), ("region",), ("state1",)),
    (("city", "names", _LANGUAGE), ("city",)),
    (
        ("isp",),
        ("traits", "isp"),
        ("autonomous_system_organization",),
        ("traits", "autonomous_system_organization"),
        ("as_name",),
    ),
)
_PROBED_RECORDS = 2_000
_FOUR_BYTES = 4
# By the beginning of the type that the file names.
_KNOWN = (
    ("DBIP-City-Lite", "DB-IP City Lite"),
    ("DBIP-Country-Lite", "DB-IP Country Lite"),
    ("DBIP-ASN-Lite", "DB-IP ASN Lite"),
)


class MmdbRegions:
    """A MaxMind DB file, mapped into memory: processes share its pages.

    Args:
        path: The file. Replace it by renaming another one to its name: a process that has it open
            keeps the old one, whereas overwriting it in place can end that process by SIGBUS.

    Raises:
        SourceError: It is no MaxMind DB, or holds neither places nor providers.
    """

    def __init__(self, path: Path) -> None:
        import maxminddb_rust  # noqa: PLC0415 - loading definitions needs none

        self._path = path
        self._broken = (maxminddb_rust.InvalidDatabaseError, UnicodeDecodeError, ValueError)
        try:
            self._reader = maxminddb_rust.open_database(path)
        except (OSError, *self._broken) as error:
            raise unreadable(path, f"this is no MaxMind DB file ({error})") from error
        self._facts = self._reader.metadata()
        self._paths = self._probe()

    @property
    def source(self) -> RegionSource:
        """What the file says of itself, and the licence where its type tells it."""
        kind = self._facts.database_type
        built = datetime.fromtimestamp(self._facts.build_epoch, UTC).date()
        for beginning, name in _KNOWN:
            if kind.startswith(beginning):
                return RegionSource(
                    name=name,
                    date=built,
                    licence="CC BY 4.0",
                    attribution="IP Geolocation by DB-IP",
                    url="https://db-ip.com",
                )
        if kind.startswith("GeoLite2"):
            return RegionSource(
                name=kind,
                date=built,
                licence="GeoLite End User License Agreement",
                attribution="This product includes GeoLite Data created by MaxMind",
                url="https://www.maxmind.com",
            )
        return RegionSource(name=kind, date=built)

    @property
    def version(self) -> str:
        """Type, time of building, number of nodes."""
        built = datetime.fromtimestamp(self._facts.build_epoch, UTC)
        kind, nodes = self._facts.database_type, self._facts.node_count
        return f"{kind} {built:%Y-%m-%dT%H:%M:%SZ} {nodes}"

    def find(self, addresses: Sequence[Address]) -> list[Region]:
        """Read each column of all addresses."""
        if self._facts.ip_version == 6:
            return list(self._read([address.text for address in addresses]))
        found = self._read([a.text for a in addresses if len(a.packed) == _FOUR_BYTES])
        return [next(found) if len(a.packed) == _FOUR_BYTES else NOWHERE for a in addresses]

    def _read(self, texts: list[str]) -> Iterator[Region]:
        columns = [self._column(texts, path) for path in self._paths]
        return map(Region, *columns)

    def _column(self, texts: list[str], path: _Path | None) -> list[str | None]:
        if path is None:
            return [None] * len(texts)
        try:
            values = self._reader.get_many_path(texts, path)
        except self._broken as error:
            raise unreadable(self._path, f"the file is broken ({error})") from error
        return [value if isinstance(value, str) and value else None for value in values]

    def _probe(self) -> tuple[_Path | None, ...]:
        """Find where this file keeps each column, by its first records."""
        try:
            records = [record for _, record in islice(self._reader, _PROBED_RECORDS)]
        except self._broken as error:
            raise unreadable(self._path, f"the file is broken ({error})") from error
        languages = self._facts.languages
        language = languages[0] if languages and "en" not in languages else "en"
        paths = tuple(
            _first_used(records, [_spelled(path, language) for path in candidates])
            for candidates in _PATHS
        )
        if not any(paths):
            raise unreadable(
                self._path,
                f"a file of type {self._facts.database_type}, which has no countries, regions, "
                "cities or providers in its first records",
                remedy="take one of cities, such as DBIP-City-Lite or GeoLite2-City",
            )
        return paths


def _spelled(path: _Path, language: str) -> _Path:
    return tuple(language if part == _LANGUAGE else part for part in path)


def _first_used(records: Iterable[Any], paths: Sequence[_Path]) -> _Path | None:
    for path in paths:
        if any(isinstance(_value(record, path), str) for record in records):
            return path
    return None


def _value(record: Any, path: _Path) -> Any:
    for part in path:
        try:
            record = record[part]
        except (KeyError, IndexError, TypeError):
            return None
    return record
