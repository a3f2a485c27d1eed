"""The `oss` resource: the object storage that ingest assets write to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import dagster as dg
from pydantic import Field

from userprofile_assets.ingestion.open_store import open_store
from userprofile_assets.ingestion.publish import Publisher
from userprofile_assets.ingestion.store import ObjectStore, S3Options


class OssResource(dg.ConfigurableResource):  # type: ignore[type-arg] # dagster's own subclasses leave it open
    """Opens the object storage: a local directory, or S3 and what speaks its language."""

    storage_uri: str = Field(description="USERPROFILE_STORAGE_URI: file:///path or s3://bucket.")
    home: str = Field(description="USERPROFILE_HOME: where the locks are.")
    endpoint: str = Field(default="", description="Endpoint of an S3-compatible store.")
    region: str = Field(default="", description="Region that requests are signed for.")
    profile: str = Field(default="auto", description="auto, oss, aws, minio or other.")
    addressing: str = Field(default="auto", description="auto, virtual, path or cname.")
    access_key_id: str = Field(default="", description="Access key.")
    access_key_secret: str = Field(default="", description="Secret of the access key.")
    security_token: str = Field(default="", description="Token of temporary credentials.")
    encryption: str = Field(default="", description="AES256, aws:kms or KMS; empty: the bucket's.")
    encryption_key_id: str = Field(default="", description="Key of the key service.")
    parts_in_flight: int = Field(default=4, description="Parts of an upload sent at once.")
    part_mib: int = Field(default=16, description="Size of a part in MiB.")

    def store(self) -> ObjectStore:
        """Return the object storage itself; nothing is sent yet.

        Raises:
            StorageError: The URI or the options cannot be used.
        """
        options = S3Options(
            endpoint=self.endpoint or None,
            region=self.region or None,
            profile=cast("Any", self.profile),  # checked by Settings, and by the store once more
            addressing=cast("Any", self.addressing),
            access_key_id=self.access_key_id or None,
            access_key_secret=self.access_key_secret or None,
            security_token=self.security_token or None,
            encryption=self.encryption or None,
            encryption_key_id=self.encryption_key_id or None,
            parts_in_flight=self.parts_in_flight,
            part_mib=self.part_mib,
        )
        return open_store(self.storage_uri, options)

    def publisher(self, log: Callable[[str], None]) -> Publisher:
        """Return what publishes a day's object all or nothing.

        Args:
            log: Told what is done, a sentence each.

        Raises:
            StorageError: The storage refuses.
        """
        return Publisher(store=self.store(), locks=Path(self.home) / "locks", log=log)
