"""The data map of the running API, and what it says of personal data.

Belongs here: keeping it as fresh as its files, off the event loop. Does not belong here: opening it
(`catalog/open_catalog.py`).
"""

from __future__ import annotations

import asyncio
import time

from fastapi import Request

from userprofile_assets.catalog.model import Catalog
from userprofile_assets.errors import NotInCatalogError
from userprofile_assets.service import threads
from userprofile_assets.service.context import context_of
from userprofile_assets.service.paging import Seal
from userprofile_assets.serving.read_days import PROFILES

# Seconds between two looks at the files.
_FRESH_SECONDS = 3.0


class OpenMap:
    """The data map, looked at again every few seconds while somebody asks."""

    def __init__(self) -> None:
        self._catalog: Catalog | None = None
        self._looked_at = -_FRESH_SECONDS
        self._lock = asyncio.Lock()

    async def get(self, request: Request) -> Catalog:
        """Return the data map.

        Raises:
            UserProfileError: A file of `sql/` cannot be used.
        """
        async with self._lock:
            if self._catalog is None or time.monotonic() - self._looked_at > _FRESH_SECONDS:
                self._catalog = await threads.run("catalog", context_of(request).catalog)
                self._looked_at = time.monotonic()
            return self._catalog


async def open_map(request: Request) -> Catalog:
    """Return the data map of the application.

    Raises:
        UserProfileError: A file of `sql/` cannot be used.
    """
    state = request.app.state
    if not hasattr(state, "open_map"):
        state.open_map = OpenMap()
    kept: OpenMap = state.open_map
    return await kept.get(request)


async def pii_fields(request: Request) -> frozenset[str]:
    """Return the columns of a profile that are personal data; the uid always is.

    Raises:
        UserProfileError: A file of `sql/` cannot be used.
    """
    catalog = await open_map(request)
    found = {"uid"}
    for name in (PROFILES, f"{PROFILES}_spark"):
        try:
            dataset = catalog.find(name)
        except NotInCatalogError:
            continue
        found |= {column.name for column in dataset.columns if column.pii}
    return frozenset(found)


def seal_of(request: Request) -> Seal:
    """Return what encrypts cursors of the application."""
    state = request.app.state
    if not hasattr(state, "cursor_seal"):
        home = context_of(request).settings.home
        state.cursor_seal = Seal(home / "serving" / "cursor.key", home / "locks")
    seal: Seal = state.cursor_seal
    return seal
