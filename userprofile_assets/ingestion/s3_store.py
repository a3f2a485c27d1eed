"""Object storage over the S3 protocol: Amazon S3, Alibaba OSS, MinIO and their like.

Belongs here: the verbs of `store.ObjectStore`. Does not belong here: uploads (`s3_upload.py`), the
client (`s3_client.py`), what stores differ in (`s3_profiles.py`), what an answer means
(`s3_errors.py`), manifests and the order of writes (`publish.py`).
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from userprofile_assets.errors import NotPublishedError, StorageError, UserProfileError
from userprofile_assets.ingestion.s3_client import ATTEMPTS, SECONDS, S3Bucket
from userprofile_assets.ingestion.s3_download import read
from userprofile_assets.ingestion.s3_errors import missing
from userprofile_assets.ingestion.s3_integrity import etag_of
from userprofile_assets.ingestion.s3_upload import S3Upload, abort, complete, create, part
from userprofile_assets.ingestion.store import ObjectInfo, S3Options, check_prefix
from userprofile_assets.object_keys import check_key

if TYPE_CHECKING:
    from collections.abc import Iterator

COPY_BYTES = 512 * 1024**2
"""Largest copy by one request. S3 allows 5 GB, but a large one can outlast the read timeout."""


class S3Store:
    """Objects under one bucket and prefix. See `store.ObjectStore`."""

    def __init__(
        self,
        uri: str,
        options: S3Options,
        *,
        part_bytes: int | None = None,
        copy_bytes: int = COPY_BYTES,
        attempts: int = ATTEMPTS,
        seconds: float = SECONDS,
    ) -> None:
        """Check the URI and the options and make a client; nothing is sent yet.

        Args:
            uri: `s3://bucket` or `s3://bucket/prefix`.
            options: How to reach the store.
            part_bytes: Size of a part of an upload; None: the options' `part_mib`.
            copy_bytes: Largest copy by one request, and size of the parts of a larger one.
            attempts: How often a request is sent at most; see `s3_client.ATTEMPTS`.
            seconds: Longest silence of the store in one try.

        Raises:
            StorageError: The URI is not of that form, or the options contradict each other.
        """
        self._bucket = S3Bucket(uri, options, attempts=attempts, seconds=seconds)
        self._part_bytes = part_bytes or options.part_mib * 1024**2
        self._copy_bytes = copy_bytes

    @property
    def uri(self) -> str:
        """The bucket and prefix as `s3://bucket/prefix`, without a slash at the end."""
        return self._bucket.uri

    @contextmanager
    def upload(self, key: str) -> Iterator[S3Upload]:
        """Start an object; it exists only after `commit()`."""
        upload = S3Upload(
            self._bucket,
            check_key(key),
            part_bytes=self._part_bytes,
            parts_in_flight=self._bucket.options.parts_in_flight,
        )
        try:
            yield upload
        except BaseException:
            # The error that broke the upload is the one to see, not that of the clean-up.
            with suppress(UserProfileError):
                upload.discard()
            raise
        upload.discard()

    def read(self, key: str) -> Iterator[bytes]:
        """Yield an object's bytes in chunks of at most 1 MiB, from one request."""
        yield from read(self._bucket, check_key(key))

    def head(self, key: str) -> ObjectInfo | None:
        """Describe an object; None when it is missing."""
        try:
            answer = self._bucket.call("head_object", check_key(key))
        except NotPublishedError:
            return None
        return ObjectInfo(
            key=key,
            size=answer["ContentLength"],
            etag=etag_of(answer),
            modified=answer.get("LastModified"),
        )

    def leftovers(self, prefix: str) -> list[ObjectInfo]:
        """Return nothing: see `sweep`."""
        check_prefix(prefix)
        return []

    def list(self, prefix: str) -> list[ObjectInfo]:
        """Describe every object whose key begins with `prefix`, sorted by key."""
        bucket = self._bucket
        found = []
        more: dict[str, str] = {}
        while True:
            answer = bucket.wait(bucket.start(bucket.list(check_prefix(prefix), **more)))
            found += [
                ObjectInfo(
                    key=item["Key"].removeprefix(bucket.prefix),
                    size=item["Size"],
                    etag=etag_of(item),
                    modified=item.get("LastModified"),
                )
                for item in answer.get("Contents", [])
            ]
            if not answer.get("IsTruncated"):
                return sorted(found, key=lambda info: info.key)
            more = {"ContinuationToken": answer["NextContinuationToken"]}

    def delete(self, key: str) -> None:
        """Delete an object; no error when it is missing.

        Also the empty `name/` by which other clients, Spark's among them, mark a directory.
        """
        self._bucket.call("delete_object", key)

    def copy(self, source: str, target: str) -> None:
        """Copy an object on the server; above `copy_bytes` in parts."""
        bucket = self._bucket
        origin = self.head(check_key(source))
        if origin is None:
            raise missing(bucket.where(source))
        place = {"Bucket": bucket.name, "Key": bucket.prefix + source}
        if origin.size <= self._copy_bytes:
            bucket.call("copy_object", check_key(target), CopySource=place, **bucket.encryption)
        else:
            self._copy_parts(place, origin.size, check_key(target))
        info = self.head(target)
        if info is None or info.size != origin.size:
            raise StorageError(
                f"the copy has {info.size if info else 0} bytes instead of {origin.size}",
                where=bucket.where(target),
                remedy="find out what else writes to this bucket",
            )

    def sweep(self, directory: str) -> None:
        """Do nothing: a killed writer leaves no object here, only parts that nobody can read.

        Parts cost money until they are aborted. Listing them is not among the requests that
        Alibaba OSS promises, so a lifecycle rule of the bucket has to expire them.
        """
        if directory:
            check_key(directory)

    def _copy_parts(self, place: dict[str, str], size: int, target: str) -> None:
        bucket = self._bucket
        before = self.head(target)

        def is_there(found: dict[str, Any], _: bool) -> bool:  # noqa: FBT001 - of one caller
            changed = before is None or etag_of(found) != before.etag
            return changed and found["ContentLength"] == size

        creating = bucket.start(create(bucket, target))
        try:
            upload_id = creating.result()["UploadId"]
            parts: list[dict[str, Any]] = []
            for number, start in enumerate(range(0, size, self._copy_bytes), start=1):
                last = min(start + self._copy_bytes, size) - 1
                answer = bucket.call(
                    "upload_part_copy",
                    target,
                    UploadId=upload_id,
                    PartNumber=number,
                    CopySource=place,
                    CopySourceRange=f"bytes={start}-{last}",
                )
                parts.append(part(number, answer["CopyPartResult"]))
            complete(bucket, target, upload_id, parts, is_there)
        except BaseException:
            with suppress(UserProfileError):
                abort(bucket, target, creating.result()["UploadId"])
            raise
