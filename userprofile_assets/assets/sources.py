"""The sources as external assets: the graph starts where the data starts."""

from __future__ import annotations

import dagster as dg

from userprofile_assets.assets.common import OWNERS
from userprofile_assets.assets.ingest_specs import LOG_SOURCE, USER_SOURCE


def build_sources() -> list[dg.AssetSpec]:
    """Return the log file and the user table; ingest assets report observations of them."""
    return [
        dg.AssetSpec(
            LOG_SOURCE,
            group_name="sources",
            kinds={"http", "file"},
            owners=OWNERS,
            description="The website's access log, a file over HTTP (USERPROFILE_LOG_URL).",
        ),
        dg.AssetSpec(
            USER_SOURCE,
            group_name="sources",
            kinds={"mysql", "table"},
            owners=OWNERS,
            description="The users' table in MySQL (USERPROFILE_MYSQL_URL, USER_TABLE).",
        ),
    ]
