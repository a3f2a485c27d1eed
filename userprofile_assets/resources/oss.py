"""The `oss` resource: the object storage that ingest assets write to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pydantic import Field

from userprofile_assets.ingestion.open_store import open_store
from userprofile_assets.ingestion.publish import Publisher
from userprofile_assets.ingestion.store import ObjectStore
from userprofile_assets.resources.store_fields import StoreFields


class OssResource(StoreFields):
    """Opens the object storage: a local directory, or S3 and what speaks its language."""

    storage_uri: str = Field(description="USERPROFILE_STORAGE_URI: file:///path or s3://bucket.")
    home: str = Field(description="USERPROFILE_HOME: where the locks are.")

    def store(self) -> ObjectStore:
        """Return the object storage itself; nothing is sent yet.

        Raises:
            StorageError: The URI or the options cannot be used.
        """
        return open_store(self.storage_uri, self.s3_options())

    def publisher(self, log: Callable[[str], None]) -> Publisher:
        """Return what publishes a day's object all or nothing.

        Args:
            log: Told what is done, a sentence each.

        Raises:
            StorageError: The storage refuses.
        """
        return Publisher(store=self.store(), locks=Path(self.home) / "locks", log=log)
