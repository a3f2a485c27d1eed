"""What is known about a day's object before anything is read: numbers of its manifest.

The rules of external tables compare with them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from userprofile_assets.bizdate import day_before
from userprofile_assets.errors import NotPublishedError

if TYPE_CHECKING:
    from userprofile_assets.ingestion.manifest import Manifest
    from userprofile_assets.ingestion.publish import Publisher


@dataclass(frozen=True)
class DayFacts:
    """The object of one day, and that of the day before.

    Args:
        rows: Rows that the manifest counted.
        bytes: Size of the object.
        sha256: Hash of the object.
        sha256_before: Hash of the object of the day before; None where that day is not there.
        is_same_source: Whether both days come from one place, as with a LOG_URL without
            `${bizdate}`: then equal bytes say nothing.
    """

    rows: int
    bytes: int
    sha256: str
    sha256_before: str | None = None
    is_same_source: bool = False

    @classmethod
    def of(cls, manifest: Manifest, before: Manifest | None) -> DayFacts:
        """Take them from the manifests of the day and of the day before."""
        return cls(
            rows=manifest.rows,
            bytes=manifest.bytes,
            sha256=manifest.sha256,
            sha256_before=before.sha256 if before else None,
            is_same_source=before is not None
            and before.source.get("name") == manifest.source.get("name"),
        )


Facts: TypeAlias = Mapping[str, DayFacts]
"""Bizdate -> what is known; empty for a table that is not external."""


def facts_of_days(
    publisher: Publisher, key_of: Callable[[str], str], bizdates: Sequence[str]
) -> dict[str, DayFacts]:
    """Read the facts of days from their manifests; a day that is not published is left out.

    Args:
        publisher: Reads manifests.
        key_of: Returns the key of a day's object.
        bizdates: The days.

    Raises:
        StorageError: The storage refuses.
        StorageUnavailableError: It does not answer.
    """
    manifests: dict[str, Manifest | None] = {}

    def manifest_of(bizdate: str) -> Manifest | None:
        if bizdate not in manifests:
            try:
                manifests[bizdate] = publisher.verify(key_of(bizdate))
            except NotPublishedError:
                manifests[bizdate] = None
        return manifests[bizdate]

    return {
        bizdate: DayFacts.of(manifest, manifest_of(day_before(bizdate)))
        for bizdate in bizdates
        if (manifest := manifest_of(bizdate)) is not None
    }
