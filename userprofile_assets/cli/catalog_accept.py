"""`userprofile catalog accept`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from userprofile_assets.cli.catalog_facts import open_known_records
from userprofile_assets.errors import NotInCatalogError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from userprofile_assets.catalog.model import Dataset


def run_accept(source: Dataset, variables: Mapping[str, str]) -> str:
    """Accept what a source looked like last, and say what that is.

    Raises:
        NotInCatalogError: It is no source, or no run has seen it.
        RecordsError: The database of the records refuses.
        RecordsUnavailableError: It does not answer.
    """
    from userprofile_assets.records.source_schemas import accept

    if source.kind != "source":
        raise NotInCatalogError(
            f"this is no source but of kind {source.kind}",
            where=source.name,
            remedy="`userprofile catalog` lists the sources first",
        )
    records = open_known_records(variables)
    seen = None
    if records is not None:
        with records:
            seen = accept(records, source.name)
    if seen is None:
        raise NotInCatalogError(
            "no run has seen this source yet",
            where=source.name,
            remedy="materialize what reads it; the first look is accepted",
        )
    when = f"{seen.seen_at[:16].replace('T', ' ')} UTC"
    columns = ", ".join(column.name for column in seen.schema.columns)
    if seen.accepted:
        return f"{source.name}: nothing to accept, the columns of {when} are already: {columns}"
    return f"{source.name}: accepted as seen at {when}: {columns}"
