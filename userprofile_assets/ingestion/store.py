"""What the project asks of object storage.

Belongs here: the port (`ObjectStore`, `Upload`) and its values. Does not belong here: the adapters
(`local_store.py`, `s3_store.py`), choosing one (`open_store.py`), manifests and the order of writes
(`publish.py`).

An upload has two steps. `stage()` brings every byte to the store, still invisible; what can fail
for lack of space or network fails here. `commit()` makes the object appear, whole, in one atomic
act. Leaving the `with` block without `commit()` discards the upload, with or without an exception.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from userprofile_assets.object_keys import check_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from datetime import datetime

READ_BYTES = 1024 * 1024
"""Most bytes that `ObjectStore.read` yields at once."""


@dataclass(frozen=True)
class ObjectInfo:
    """One object as the store describes it.

    Attributes:
        key: Its key under the store's URI.
        size: Bytes.
        etag: The store's own fingerprint, without quotes. No MD5: a multipart upload has another.
        modified: When it was last replaced, UTC.
    """

    key: str
    size: int
    etag: str | None
    modified: datetime | None


@dataclass(frozen=True, kw_only=True)
class S3Options:
    """How to reach an S3-compatible store; what is None is left to the client's own chain.

    Attributes:
        endpoint: URL of the store; None is Amazon S3. With addressing `cname` the custom domain.
        region: Region that requests are signed for.
        profile: What kind of store it is; `auto` goes by the endpoint's host.
        addressing: Where the bucket's name goes: `virtual` (host name), `path`, `cname` (nowhere,
            the endpoint's domain names it). `auto` is what the profile wants.
        access_key_id: Access key.
        access_key_secret: Secret of that key.
        security_token: Token of temporary (STS) credentials.
        encryption: How the store is to encrypt objects: `AES256`, `aws:kms`, on OSS also `KMS`.
            None leaves it to the bucket.
        encryption_key_id: Key of the key service; None is the store's own.
        parts_in_flight: Parts of one upload that are sent at once.
        part_mib: Size of a part in MiB. An upload takes `parts_in_flight` + 1 of them in memory.
    """

    endpoint: str | None = None
    region: str | None = None
    profile: Literal["auto", "oss", "aws", "minio", "other"] = "auto"
    addressing: Literal["auto", "virtual", "path", "cname"] = "auto"
    access_key_id: str | None = field(default=None, repr=False)
    access_key_secret: str | None = field(default=None, repr=False)
    security_token: str | None = field(default=None, repr=False)
    encryption: str | None = None
    encryption_key_id: str | None = None
    parts_in_flight: int = 4
    part_mib: int = 16


class Upload(Protocol):
    """An object on its way; see the module's docstring for the two steps."""

    def write(self, data: bytes) -> None:
        """Append bytes."""

    def stage(self) -> None:
        """Bring every byte to the store, still invisible. No `write` after it."""

    def commit(self) -> None:
        """Make the object appear, whole, in place of a former one. Stages first if needed."""


class ObjectStore(Protocol):
    """Objects under one URI. Keys are relative and pass `object_keys.check_key`.

    Every method may raise StorageError (refused, permanent), StorageFullError (no space) or
    StorageUnavailableError (no answer, transient).
    """

    @property
    def uri(self) -> str:
        """Where the objects are, without a slash at the end and without secrets."""

    def upload(self, key: str) -> AbstractContextManager[Upload]:
        """Start an object; it exists only after `Upload.commit()`."""

    def read(self, key: str) -> Iterator[bytes]:
        """Yield an object's bytes in chunks of at most 1 MiB.

        Raises:
            NotPublishedError: There is no such object; raised when the first chunk is asked for.
        """

    def head(self, key: str) -> ObjectInfo | None:
        """Describe an object; None when it is missing."""

    def leftovers(self, prefix: str) -> list[ObjectInfo]:
        """Describe what below `prefix` is no object, sorted by key: `delete` removes it.

        What living or killed writers have begun, and directories with nothing in them.
        """

    def list(self, prefix: str) -> list[ObjectInfo]:
        """Describe every object whose key begins with `prefix`, at any depth, sorted by key."""

    def delete(self, key: str) -> None:
        """Delete an object or a leftover; no error when it is missing."""

    def copy(self, source: str, target: str) -> None:
        """Copy an object on the store's side; the target appears whole.

        Raises:
            NotPublishedError: There is no source.
        """

    def sweep(self, directory: str) -> None:
        """Remove what killed writers left in a directory, not below it.

        Only for whoever holds the lock of that directory: a living upload would be removed too.
        """


def check_prefix(prefix: str) -> str:
    """Return `prefix` if it is empty, a key, or a key and a slash.

    Raises:
        PermanentError: It is none of these.
    """
    if prefix:
        check_key(prefix.removesuffix("/"))
    return prefix


def put(store: ObjectStore, key: str, data: bytes) -> None:
    """Write a small object in one call."""
    with store.upload(key) as upload:
        upload.write(data)
        upload.commit()


def get(store: ObjectStore, key: str) -> bytes:
    """Read a small object in one call.

    Raises:
        NotPublishedError: There is no such object.
    """
    return b"".join(store.read(key))
