"""What all assets have in common: partitions, policies, owner, pools, metadata of a day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import dagster as dg

from userprofile_assets.catalog.model import DEFAULT_OWNER
from userprofile_assets.ingestion.manifest import Manifest
from userprofile_assets.partitions import backfill_policy, daily_partitions
from userprofile_assets.settings import Settings

OWNERS = [DEFAULT_OWNER]

# Runs of one pool take turns where a run queue is used (dagster.yaml: one run a pool).
SPARK_POOL = "spark"
MYSQL_POOL = "mysql"
HTTP_POOL = "http"

# The copy itself retries within seconds; this one waits for what takes minutes, such as a database
# that restarts. Permanent errors come with allow_retries=False and are not retried.
RETRY_POLICY = dg.RetryPolicy(
    max_retries=2, delay=30, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
)


@dataclass(frozen=True)
class Daily:
    """The partitions and the backfill policy that every asset shares."""

    partitions: dg.DailyPartitionsDefinition
    policy: dg.BackfillPolicy

    @classmethod
    def of(cls, settings: Settings) -> Daily:
        """Make them from the settings."""
        return cls(partitions=daily_partitions(settings), policy=backfill_policy(settings))


def manifest_metadata(manifest: Manifest, uri: str) -> dict[str, Any]:
    """Return what the UI shows of one published day."""
    metadata: dict[str, Any] = {
        "dagster/partition_row_count": manifest.rows,
        "dagster/uri": f"{uri}/{manifest.key}",
        "bytes": manifest.bytes,
        "sha256": manifest.sha256,
        "taken at": manifest.taken_at,
        "source": dg.MetadataValue.json(manifest.source),
    }
    if manifest.copied_from:
        metadata["copied from"] = manifest.copied_from
    return metadata
