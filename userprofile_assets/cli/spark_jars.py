"""`userprofile spark jars`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rich.console import Console

from userprofile_assets.warehouse.jar_list import LISTS
from userprofile_assets.warehouse.jars import fetch_jars, has_own_client, jars_directory
from userprofile_assets.warehouse.java import find_java

if TYPE_CHECKING:
    from userprofile_assets.settings import Settings


def run_spark_jars(settings: Settings, *, scheme: str | None = None) -> None:
    """Fetch the client of the storage's scheme for Spark, or say why that is not needed.

    Args:
        settings: The project's settings.
        scheme: `s3a` or `oss`; None is the one of SPARK_URI, or `s3a` where that needs no client.
    """
    console = Console()
    if scheme is None:
        wanted = urlsplit(settings.effective_spark_uri).scheme
        scheme = wanted if wanted in LISTS else "s3a"
    if has_own_client(scheme):
        console.print(f"Spark brings a client for {scheme}:// itself.", highlight=False)
        return
    target = jars_directory(settings.home, scheme)
    if target.is_dir():
        console.print(f"The jars for {scheme}:// are there: {target}", highlight=False)
        return
    java = find_java()
    started = time.monotonic()
    with console.status(f"Fetching the jars for {scheme}:// (about a minute)"):
        fetch_jars(settings.home, java, scheme=scheme, ivy_settings=settings.spark_ivy_settings)
    seconds = time.monotonic() - started
    size = sum(path.stat().st_size for path in target.iterdir()) / 1e6
    console.print(
        f"Fetched {len(LISTS[scheme])} jars for {scheme}://, {size:.0f} MB, each with the SHA-256 "
        f"of the list, in {seconds:.0f} s: {target}",
        highlight=False,
        soft_wrap=True,
    )
