"""What every route of the API is given.

Belongs here: the parts, and how a request finds them. Does not belong here: making them
(`app.py`), who may call (`access.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from starlette.requests import HTTPConnection

from userprofile_assets.catalog.model import Catalog
from userprofile_assets.records.database import Records
from userprofile_assets.service.keyring import Keyring
from userprofile_assets.service.metrics import ServiceMetrics
from userprofile_assets.service.rate_limit import RateLimit
from userprofile_assets.service.readiness import Readiness
from userprofile_assets.serving.reader import ServingReader
from userprofile_assets.settings import Settings


@dataclass(frozen=True, kw_only=True)
class ServiceContext:
    """The parts of one running API.

    Args:
        settings: The settings.
        records: The database of the records, for reading and writing.
        reader: What the answers are read with.
        catalog: Returns the data map, as fresh as its files.
        keys: The keys of the API as the database has them.
        rate: How many requests each key has made.
        readiness: Whether the database is well.
        metrics: What /metrics shows.
        log: Takes one line; never waits.
        loopback: Whether only this machine can reach it.
    """

    settings: Settings
    records: Records
    reader: ServingReader
    catalog: Callable[[], Catalog]
    keys: Keyring
    rate: RateLimit
    readiness: Readiness
    metrics: ServiceMetrics
    log: Callable[[str], None]
    loopback: bool


def context_of(request: HTTPConnection) -> ServiceContext:
    """Return the parts of the API that a request came to."""
    return cast("ServiceContext", request.app.state.context)
