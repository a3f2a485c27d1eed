"""How a URI becomes a store: the only place that knows all adapters."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from userprofile_assets.errors import StorageError
from userprofile_assets.ingestion.local_store import LocalStore
from userprofile_assets.ingestion.store import S3Options
from userprofile_assets.redaction import redact_url

if TYPE_CHECKING:
    from userprofile_assets.ingestion.store import ObjectStore


def open_store(uri: str, options: S3Options | None = None) -> ObjectStore:
    """Open the store of a URI: `file:///path` or `s3://bucket/prefix`.

    Args:
        uri: Where objects are written. It holds no keys; they belong into `options`.
        options: How to reach an `s3://` store; not used for `file://`.

    Raises:
        StorageError: The URI names no store of these kinds.
    """
    scheme = urlsplit(uri).scheme
    if scheme == "file":
        return LocalStore(uri)
    if scheme == "s3":
        # Brings aiohttp and botocore: 0.2 s that loading the definitions must not cost.
        from userprofile_assets.ingestion.s3_store import S3Store  # noqa: PLC0415

        return S3Store(uri, options or S3Options())
    raise StorageError(
        f"there is no store for the scheme {scheme!r}",
        where=redact_url(uri),
        remedy="set USERPROFILE_STORAGE_URI to file:///path or s3://bucket/prefix",
    )
