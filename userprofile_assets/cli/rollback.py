"""`userprofile rollback`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console

from userprofile_assets.bizdate import to_bizdate
from userprofile_assets.build import build_resources
from userprofile_assets.catalog.ingest_specs import ingest_specs
from userprofile_assets.cli.arguments import read_day
from userprofile_assets.cli.spark import tell
from userprofile_assets.errors import NotInCatalogError

if TYPE_CHECKING:
    from userprofile_assets.resources.oss import OssResource
    from userprofile_assets.settings import Settings


def run_rollback(settings: Settings, asset: str, day: str) -> None:
    """Bring the former object of an asset's day back and say what is there now.

    Raises:
        SettingsError: The day cannot be read.
        NotInCatalogError: No ingest asset has that name.
        NotPublishedError: There is no former object.
    """
    bizdate = to_bizdate(read_day(day))
    specs = ingest_specs(settings)
    if asset not in specs:
        raise NotInCatalogError(
            "no ingest asset has this name", where=asset, remedy=f"use one of {', '.join(specs)}"
        )
    oss: OssResource = build_resources(settings)["oss"].process_config_and_initialize()
    manifest = oss.publisher(tell).rollback(specs[asset].key_of(bizdate))
    Console().print(
        f"{manifest.key} is again what run {manifest.run_id} published at {manifest.published_at}: "
        f"{manifest.rows} rows, {manifest.bytes} bytes. Materialize the tables of that day again.",
        highlight=False,
    )
