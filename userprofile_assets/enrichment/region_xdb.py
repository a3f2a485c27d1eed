"""Read regions from an ip2region file (.xdb), of structure 2 or 3.

Belongs here: the order of the words in a region's text. Does not belong here: which file it is
(`region_db.py`).

The reader is py-ip2region, the project's own, over the file in memory (11 MB for IPv4). One file
holds one IP version.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeAlias

from userprofile_assets.enrichment.region_source import NOWHERE, Region, RegionSource, unreadable

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from userprofile_assets.enrichment.address_text import Address

# The positions of country, province, city and provider between the `|` of a region's text.
_Order: TypeAlias = tuple[int, int, int, int]
_WITH_AREA: _Order = (0, 2, 3, 4)  # until 2025: country|area, always 0|province|city|provider
_WITH_CODE: _Order = (0, 1, 2, 3)  # since: country|province|city|provider|code of the country
_CODE = re.compile(r"[A-Z]{2}")
# What stands for a word that is not known.
_UNKNOWN = {"", "0"}


class XdbRegions:
    """An ip2region file, read into memory.

    Args:
        path: The file.
        package: The Python package it comes with; its licence is that of ip2region, Apache-2.0.
            Files from elsewhere can have any: the project sells some.

    Raises:
        SourceError: It is no such file, is truncated, or its regions are of a form of its own.
    """

    def __init__(self, path: Path, *, package: str | None = None) -> None:
        from ip2region import searcher, util  # noqa: PLC0415 - loading definitions needs none

        self._path, self._package = path, package
        try:
            content = path.read_bytes()
        except OSError as error:
            raise unreadable(path, f"cannot be read ({error})") from error
        if len(content) < util.HeaderInfoLength + util.VectorIndexLength:
            raise unreadable(path, f"{len(content)} bytes are too few for an .xdb file")
        self._header = util.Header(content[: util.HeaderInfoLength])
        version = util.version_from_header(self._header)
        if self._header.version not in {2, 3} or version is None:
            raise unreadable(
                path,
                f"not of structure 2 or 3, but {self._header.version}",
                remedy="take a current .xdb file, or update py-ip2region if the file is newer",
            )
        self._bytes, self._name = version.byte_num, f"ip2region {version.name}"
        self._size = len(content)
        texts = self._texts(content, version.index_size)
        self._check_ways(content, version.index_size)
        self._order = self._order_of(texts)
        self._searcher = searcher.new_with_buffer(version, content)
        # Some ten thousand; each is split once.
        self._regions = {text: _split(text, self._order) for text in texts} | {"": NOWHERE}

    @property
    def source(self) -> RegionSource:
        """The file's name and date; the licence of the one that comes with the package."""
        if self._package is None:
            return RegionSource(name=f"ip2region ({self._path.name})", date=self._built().date())
        return RegionSource(
            name="ip2region",
            date=self._built().date(),
            licence="Apache-2.0",
            attribution="ip2region",
            url="https://github.com/lionsoul2014/ip2region",
        )

    @property
    def version(self) -> str:
        """IP version, time of building, size."""
        return f"{self._name} {self._built():%Y-%m-%dT%H:%M:%SZ} {self._size}"

    def find(self, addresses: Sequence[Address]) -> list[Region]:
        """Search each address of this file's IP version; the others are nowhere."""
        search, regions = self._searcher.search, self._regions
        try:
            return [
                regions[search(address.packed)] if len(address.packed) == self._bytes else NOWHERE
                for address in addresses
            ]
        except (LookupError, ValueError) as error:
            # Both indexes were read before; what is wrong now is no file of ip2region.
            raise unreadable(self._path, f"the file is broken ({error!r})") from error

    def _built(self) -> datetime:
        return datetime.fromtimestamp(self._header.createdAt, UTC)

    def _texts(self, content: bytes, entry: int) -> set[str]:
        """Return the text of every region, which also shows that the index is whole."""
        import numpy as np  # noqa: PLC0415 - as above

        first, last = self._header.startIndexPtr, self._header.endIndexPtr
        if not 0 < first <= last <= len(content) - entry or (last - first) % entry:
            raise unreadable(self._path, f"truncated: {len(content)} bytes, its index ends behind")
        end = 2 * self._bytes
        kind = np.dtype([("range", f"V{end}"), ("length", "<u2"), ("start", "<u4")])
        index = np.frombuffer(content, kind, count=(last - first) // entry + 1, offset=first)
        places = np.unique(index["start"].astype(np.int64) << 16 | index["length"])
        texts = set()
        for start, length in zip((places >> 16).tolist(), (places & 0xFFFF).tolist(), strict=True):
            try:
                texts.add(_whole(content, start, length).decode("utf-8"))
            except ValueError as error:
                raise unreadable(self._path, f"broken at byte {start} ({error})") from error
        return texts

    def _check_ways(self, content: bytes, entry: int) -> None:
        """Check the first part of the file, which leads into the index by an address's two bytes.

        Zeros there are no error of the search, which then finds nothing: a file whose beginning
        was never written, as after a cut download into reserved space, would know no region.
        """
        import numpy as np  # noqa: PLC0415 - as above
        from ip2region import util  # noqa: PLC0415 - as above

        first, last = self._header.startIndexPtr, self._header.endIndexPtr
        pairs = np.frombuffer(
            content, "<u4", count=util.VectorIndexLength // 4, offset=util.HeaderInfoLength
        )
        ways = pairs.reshape(-1, 2).astype(np.int64)
        begin, end = ways[ways.any(axis=1)].T
        inside = (first <= begin) & (begin < end) & (end <= last + entry)
        whole = ((begin - first) % entry == 0) & ((end - begin) % entry == 0)
        entries = (last - first) // entry + 1
        if not (inside & whole).all() or (end - begin).sum() < entries * entry:
            raise unreadable(self._path, "broken: its first part does not lead to all of its index")

    def _order_of(self, texts: Collection[str]) -> _Order:
        rows = [text.split("|") for text in texts if text]
        if any(len(row) != 5 for row in rows) or not rows:
            example = next((text for text in texts if text.count("|") != 4), "none at all")
            raise unreadable(
                self._path,
                f"its regions are not five words with | between them, such as {example[:80]!r}",
                remedy="take a file with country, province, city, provider and country code",
            )
        codes = {row[4] for row in rows} - _UNKNOWN
        return _WITH_CODE if codes and all(map(_CODE.fullmatch, codes)) else _WITH_AREA


def _whole(content: bytes, start: int, length: int) -> bytes:
    found = content[start : start + length]
    if len(found) != length:
        raise ValueError("the text of a region lies behind the end")
    return found


def _split(text: str, order: _Order) -> Region:
    words = text.split("|") if text else [""] * 5
    return Region(*(None if words[place] in _UNKNOWN else words[place] for place in order))
