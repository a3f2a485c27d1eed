"""How the object storage is reached: what the `oss` and the `spark` resource both have to know.

A base class and no nested resource: Dagster 1.13 sets those up by a method of its own that it has
deprecated, with a warning in every run.
"""

from __future__ import annotations

from typing import Any, cast

import dagster as dg
from pydantic import Field

from userprofile_assets.ingestion.store import S3Options


class StoreFields(dg.ConfigurableResource):  # type: ignore[type-arg] # dagster's own subclasses leave it open
    """The store's address and keys."""

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

    def s3_options(self) -> S3Options:
        """Return them as the ingestion room takes them."""
        return S3Options(
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
