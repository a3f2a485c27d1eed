"""The `oss` resource: the object storage that ingest assets write to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import dagster as dg
from pydantic import Field

from userprofile_assets.ingestion.open_store import open_store
from userprofile_assets.ingestion.publish import Publisher
from userprofile_assets.ingestion.store import S3Options


class OssResource(dg.ConfigurableResource):  # type: ignore[type-arg] # dagster's own subclasses leave it open
    """Opens the object storage: a local directory, or S3 and what speaks its language."""

    storage_uri: str = Field(description="USERPROFILE_STORAGE_URI: file:///path or s3://bucket.")
    home: str = Field(description="USERPROFILE_HOME: where the locks are.")
    endpoint: str = Field(default="", description="Endpoint of an S3-compatible store.")
    region: str = Field(default="", description="Region that requests are signed for.")
    addressing: str = Field(default="auto", description="virtual, path or auto.")
    access_key_id: str = Field(default="", description="Access key.")
    access_key_secret: str = Field(default="", description="Secret of the access key.")
    security_token: str = Field(default="", description="Token of temporary credentials.")

    def publisher(self, log: Callable[[str], None]) -> Publisher:
        """Return what publishes a day's object all or nothing.

        Args:
            log: Told what is done, a sentence each.

        Raises:
            StorageError: The storage refuses.
        """
        addressing: Literal["virtual", "path", "auto"] = self.addressing  # type: ignore[assignment] # checked by Settings
        options = S3Options(
            endpoint=self.endpoint or None,
            region=self.region or None,
            addressing=addressing,
            access_key_id=self.access_key_id or None,
            access_key_secret=self.access_key_secret or None,
            security_token=self.security_token or None,
        )
        return Publisher(
            store=open_store(self.storage_uri, options),
            locks=Path(self.home) / "locks",
            log=log,
        )
