"""`userprofile spark archive`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.console import Console

from userprofile_assets.warehouse.class_archive import archive_path, make_archive
from userprofile_assets.warehouse.java import find_java

if TYPE_CHECKING:
    from userprofile_assets.settings import Settings


def run_archive(settings: Settings) -> None:
    """Make the class archive, or say that it is there."""
    console = Console()
    java = find_java()
    target = archive_path(settings.home, java)
    if target.is_file():
        console.print(f"The class archive is there: {target}", highlight=False)
        return
    started = time.monotonic()
    with console.status("Making the class archive (a minute or two)"):
        make_archive(settings.home, java)
    seconds = time.monotonic() - started
    console.print(f"Made {target} in {seconds:.0f} s", highlight=False)
