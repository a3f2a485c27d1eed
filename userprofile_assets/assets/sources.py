"""The sources as external assets: the graph starts where the data starts."""

from __future__ import annotations

import dagster as dg

from userprofile_assets.assets.common import OWNERS
from userprofile_assets.catalog.contributions import DESCRIPTIONS
from userprofile_assets.catalog.ingest_specs import LOG_SOURCE, USER_SOURCE


def build_sources() -> list[dg.AssetSpec]:
    """Return the log file and the user table; ingest assets report observations of them."""
    return [
        dg.AssetSpec(
            LOG_SOURCE,
            group_name="sources",
            kinds={"http", "file"},
            owners=OWNERS,
            description=DESCRIPTIONS[LOG_SOURCE],
        ),
        dg.AssetSpec(
            USER_SOURCE,
            group_name="sources",
            kinds={"mysql", "table"},
            owners=OWNERS,
            description=DESCRIPTIONS[USER_SOURCE],
        ),
    ]
