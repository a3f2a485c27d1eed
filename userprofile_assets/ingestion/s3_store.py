"""Object storage over the S3 protocol: Amazon S3, Alibaba OSS, MinIO and their like.

Belongs here: requests, multipart uploads, and what an answer means. Does not belong here: manifests
and the order of writes (`publish.py`).

Built on s3fs's connection (`S3FileSystem.call_s3`), not on its files: an exception inside
`with fs.open(path, "wb")` publishes the truncated object, because closing completes the upload.
Here an upload becomes visible by one request, `complete_multipart_upload` or, for what fits into
one part, `put_object`.

For stores that are not Amazon's, checksums are sent only where the protocol requires them: Alibaba
OSS refuses botocore's default (aws-chunked trailers), and some stores save the chunk framing inside
the object. So the size is read back after each write. Objects are deleted one by one, since OSS
wants a Content-MD5 on DeleteObjects that botocore does not send. Create-only headers
(If-None-Match) are not used; OSS answers 501.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aiohttp
from botocore import exceptions as botocore_errors  # type: ignore[import-untyped]

from userprofile_assets.errors import (
    NotPublishedError,
    StorageError,
    StorageUnavailableError,
    UserProfileError,
)
from userprofile_assets.ingestion.store import READ_BYTES, ObjectInfo, S3Options
from userprofile_assets.object_keys import check_key
from userprofile_assets.redaction import redact_text, redact_url

if TYPE_CHECKING:
    from collections.abc import Iterator

PART_BYTES = 16 * 1024**2
"""Size of a part and of the memory an upload needs. 5 MiB is the least that S3 takes."""

PARTS_PER_SIZE = 2_000
"""After so many parts the next ones are twice as large: 10,000 parts hold about 1 TB."""

COPY_BYTES = 512 * 1024**2
"""Largest copy by one request. S3 allows 5 GB, but a large one can outlast the read timeout."""

ATTEMPTS = 4
"""How often one request is sent, with up to 1, 2, 4 s between, before a run's own retry."""

_TRANSIENT_CODES = {
    "InternalError",
    "NoSuchUpload",  # a repeated completion whose first answer was lost; publish.py looks
    "OperationAborted",
    "RequestTimeout",
    "ServiceUnavailable",
    "SlowDown",
    "Throttling",
}


class S3Upload:
    """An object on its way to a bucket. See `store.Upload`.

    What fits into one part is kept in memory and sent by `commit()`; more is sent part by part.
    """

    def __init__(self, store: S3Store, key: str, part_bytes: int) -> None:
        self._store = store
        self._key = key
        self._part_bytes = part_bytes
        self._buffer = bytearray()
        self._size = 0
        self._upload_id: str | None = None
        self._parts: list[dict[str, Any]] = []
        self._staged = False

    def write(self, data: bytes) -> None:
        """Append bytes; a full part is sent at once."""
        if self._staged:
            raise ValueError("write after stage")
        self._buffer += data
        self._size += len(data)
        while len(self._buffer) > self._part_bytes:
            self._send(self._part_bytes)

    def stage(self) -> None:
        """Send the last part. An object of one part waits in memory for `commit`."""
        if not self._staged and self._upload_id is not None:
            self._send(len(self._buffer))
        self._staged = True

    def commit(self) -> None:
        """Make the object appear, and check its size."""
        self.stage()
        if self._upload_id is None:
            self._store.call("put_object", self._key, Body=bytes(self._buffer))
        else:
            self._store.call(
                "complete_multipart_upload",
                self._key,
                UploadId=self._upload_id,
                MultipartUpload={"Parts": self._parts},
            )
            self._upload_id = None
        self._buffer.clear()
        self._store.check_size(self._key, self._size)

    def discard(self) -> None:
        """Abort a multipart upload that is not committed, so that its parts are not billed."""
        self._buffer.clear()
        if self._upload_id is not None:
            upload_id, self._upload_id = self._upload_id, None
            self._store.call("abort_multipart_upload", self._key, UploadId=upload_id)

    def _send(self, size: int) -> None:
        if self._upload_id is None:
            answer = self._store.call("create_multipart_upload", self._key)
            self._upload_id = answer["UploadId"]
        body = bytes(self._buffer[:size])
        number = len(self._parts) + 1
        answer = self._store.call(
            "upload_part", self._key, UploadId=self._upload_id, PartNumber=number, Body=body
        )
        del self._buffer[:size]
        self._parts.append(_part(number, answer))
        if number % PARTS_PER_SIZE == 0:
            self._part_bytes *= 2


class S3Store:
    """Objects under one bucket and prefix. See `store.ObjectStore`."""

    def __init__(
        self,
        uri: str,
        options: S3Options,
        *,
        part_bytes: int = PART_BYTES,
        copy_bytes: int = COPY_BYTES,
        attempts: int = ATTEMPTS,
    ) -> None:
        """Check the URI and make a client; nothing is sent yet.

        Args:
            uri: `s3://bucket` or `s3://bucket/prefix`.
            options: How to reach the store.
            part_bytes: Size of a part of an upload.
            copy_bytes: Largest copy by one request, and size of the parts of a larger one.
            attempts: How often a request is sent at most; see `ATTEMPTS`.

        Raises:
            StorageError: The URI is not of that form.
        """
        parts = urlsplit(uri)
        prefix = parts.path.strip("/")
        if not parts.netloc or "@" in parts.netloc or parts.query or parts.fragment:
            raise StorageError(
                "this is no s3://bucket/prefix",
                where=redact_url(uri),
                remedy="correct USERPROFILE_STORAGE_URI; keys belong into OSS_ACCESS_KEY_ID",
            )
        if prefix:
            check_key(prefix)
        self._bucket = parts.netloc
        self._prefix = f"{prefix}/" if prefix else ""
        self._options = options
        self._part_bytes = part_bytes
        self._copy_bytes = copy_bytes
        self._fs = _connection(options, attempts)

    @property
    def uri(self) -> str:
        """The bucket and prefix as `s3://bucket/prefix`, without a slash at the end."""
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    @contextmanager
    def upload(self, key: str) -> Iterator[S3Upload]:
        """Start an object; it exists only after `commit()`."""
        upload = S3Upload(self, check_key(key), self._part_bytes)
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
        from fsspec.asyn import sync

        body = self.call("get_object", check_key(key))["Body"]
        try:
            while True:
                with self._explained("reading an object", key):
                    chunk: bytes = sync(self._fs.loop, body.read, READ_BYTES)
                if not chunk:
                    return
                yield chunk
        finally:
            self._fs.loop.call_soon_threadsafe(body.close)

    def head(self, key: str) -> ObjectInfo | None:
        """Describe an object; None when it is missing."""
        try:
            answer = self.call("head_object", check_key(key))
        except NotPublishedError:
            return None
        return ObjectInfo(
            key=key,
            size=answer["ContentLength"],
            etag=_etag(answer),
            modified=answer.get("LastModified"),
        )

    def list(self, prefix: str) -> list[ObjectInfo]:
        """Describe every object whose key begins with `prefix`, sorted by key."""
        found = []
        more: dict[str, str] = {}
        while True:
            with self._explained("listing objects", prefix):
                answer = self._fs.call_s3(
                    "list_objects_v2", Bucket=self._bucket, Prefix=self._prefix + prefix, **more
                )
            found += [
                ObjectInfo(
                    key=item["Key"].removeprefix(self._prefix),
                    size=item["Size"],
                    etag=_etag(item),
                    modified=item.get("LastModified"),
                )
                for item in answer.get("Contents", [])
            ]
            if not answer.get("IsTruncated"):
                return sorted(found, key=lambda info: info.key)
            more = {"ContinuationToken": answer["NextContinuationToken"]}

    def delete(self, key: str) -> None:
        """Delete an object; no error when it is missing."""
        self.call("delete_object", check_key(key))

    def copy(self, source: str, target: str) -> None:
        """Copy an object on the server; above `copy_bytes` in parts."""
        origin = self.head(source)
        if origin is None:
            raise self._missing(source)
        place = {"Bucket": self._bucket, "Key": self._prefix + source}
        if origin.size <= self._copy_bytes:
            self.call("copy_object", check_key(target), CopySource=place)
        else:
            self._copy_parts(place, origin.size, check_key(target))
        self.check_size(target, origin.size)

    def sweep(self, directory: str) -> None:
        """Do nothing: a killed writer leaves no object here, only parts that nobody can read.

        Parts cost money until they are aborted. Listing them is not among the requests that
        Alibaba OSS promises, so a lifecycle rule of the bucket has to expire them.
        """

    def call(self, operation: str, key: str, **parameters: Any) -> dict[str, Any]:
        """Send one request about one object; for `S3Upload`."""
        with self._explained(operation, key):
            answer: dict[str, Any] = self._fs.call_s3(
                operation, Bucket=self._bucket, Key=self._prefix + key, **parameters
            )
        return answer

    def check_size(self, key: str, size: int) -> None:
        """Read back what was written; for `S3Upload`.

        Raises:
            StorageError: The store has another size than was sent.
        """
        info = self.head(key)
        found = "no object" if info is None else f"{info.size} bytes"
        if info is None or info.size != size:
            raise StorageError(
                f"{size} bytes were written, but the store then has {found}",
                where=f"{self.uri}/{key}",
                remedy="the store changes what is sent, or something else writes there; check it "
                "with another client",
            )

    def _copy_parts(self, place: dict[str, str], size: int, target: str) -> None:
        upload_id = self.call("create_multipart_upload", target)["UploadId"]
        try:
            parts = []
            for number, start in enumerate(range(0, size, self._copy_bytes), start=1):
                last = min(start + self._copy_bytes, size) - 1
                answer = self.call(
                    "upload_part_copy",
                    target,
                    UploadId=upload_id,
                    PartNumber=number,
                    CopySource=place,
                    CopySourceRange=f"bytes={start}-{last}",
                )
                parts.append(_part(number, answer["CopyPartResult"]))
            self.call(
                "complete_multipart_upload",
                target,
                UploadId=upload_id,
                MultipartUpload={"Parts": parts},
            )
        except BaseException:
            with suppress(UserProfileError):
                self.call("abort_multipart_upload", target, UploadId=upload_id)
            raise

    @contextmanager
    def _explained(self, attempt: str, key: str) -> Iterator[None]:
        """Turn the errors of the client into errors of this project."""
        try:
            yield
        except (OSError, botocore_errors.BotoCoreError, aiohttp.ClientError, ValueError) as error:
            raise self._explain(error, attempt, key) from error

    def _missing(self, key: str) -> NotPublishedError:
        return NotPublishedError(
            "there is no such object",
            where=f"{self.uri}/{key}",
            remedy="materialize the day it belongs to",
        )

    def _explain(self, error: Exception, attempt: str, key: str) -> UserProfileError:
        where = f"{self.uri}/{key}"
        code, status = _answer(error)
        what = f"{attempt} failed: {self._shown(error)}" + (f" ({code})" if code else "")
        if code == "NoSuchBucket":
            return StorageError(
                what, where=where, remedy="make the bucket, or correct USERPROFILE_STORAGE_URI"
            )
        if code in _TRANSIENT_CODES or status == 429 or (status >= 500 and status != 501):
            return StorageUnavailableError(what, where=where, remedy="run it again later")
        if status == 404:
            return self._missing(key)
        if status == 403 or isinstance(
            error, (botocore_errors.NoCredentialsError, botocore_errors.PartialCredentialsError)
        ):
            return StorageError(
                what,
                where=where,
                remedy="check USERPROFILE_OSS_ACCESS_KEY_ID, its secret and token, and what the "
                "bucket allows them; Alibaba OSS also needs USERPROFILE_OSS_ADDRESSING=virtual",
            )
        if status == 0 and _is_transfer(error):
            return StorageUnavailableError(
                what, where=where, remedy="check USERPROFILE_OSS_ENDPOINT and the network"
            )
        return StorageError(
            what, where=where, remedy="check the USERPROFILE_OSS_* settings against the store"
        )

    def _shown(self, error: Exception) -> str:
        """Return a client's message without secrets, in one line of at most 300 characters."""
        text = " ".join(redact_text(str(error)).split()) or type(error).__name__
        options = self._options
        for secret in (options.access_key_secret, options.security_token, options.access_key_id):
            if secret:
                text = text.replace(secret, "***")
        return text[:300]


def _connection(options: S3Options, attempts: int) -> Any:
    """Make the client of one store.

    The listings cache would show a former state; the instance cache would share one client, with
    its credentials, between stores of the same options.
    """
    import s3fs

    config: dict[str, Any] = {
        "s3": {"addressing_style": options.addressing},
        "connect_timeout": 10,
        "read_timeout": 60,
        "retries": {"mode": "standard", "max_attempts": attempts},
        "tcp_keepalive": True,
    }
    host = urlsplit(options.endpoint or "").hostname or "amazonaws.com"
    if not host.endswith(("amazonaws.com", "amazonaws.com.cn")):
        config["request_checksum_calculation"] = "when_required"
        config["response_checksum_validation"] = "when_required"
    fs = s3fs.S3FileSystem(
        key=options.access_key_id,
        secret=options.access_key_secret,
        token=options.security_token,
        endpoint_url=options.endpoint,
        client_kwargs={"region_name": options.region} if options.region else {},
        config_kwargs=config,
        use_listings_cache=False,
        skip_instance_cache=True,
    )
    # botocore retries by the settings above; s3fs would repeat each of them five times.
    fs.retries = 1
    return fs


def _part(number: int, answer: dict[str, Any]) -> dict[str, Any]:
    """Return a part as `complete_multipart_upload` wants it, with the checksums of the answer."""
    sums = {
        name: value
        for name, value in answer.items()
        if name.startswith("Checksum") and name != "ChecksumType"
    }
    return {"PartNumber": number, "ETag": answer["ETag"], **sums}


def _etag(answer: dict[str, Any]) -> str | None:
    etag: str | None = answer.get("ETag")
    return etag.strip('"') if etag else None


def _answer(error: Exception) -> tuple[str, int]:
    """Return the store's error code and HTTP status; empty and 0 when no answer came."""
    response = getattr(error, "response", None) or getattr(error.__cause__, "response", None)
    if not isinstance(response, dict):
        return "", 0
    code = str(response.get("Error", {}).get("Code", ""))
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return code, int(status)


def _is_transfer(error: Exception) -> bool:
    """Tell whether an error without an answer is one of the connection. A bad certificate stays."""
    if isinstance(error, botocore_errors.SSLError):
        return False
    kinds = (
        botocore_errors.ConnectionError,
        botocore_errors.HTTPClientError,
        botocore_errors.IncompleteReadError,
        aiohttp.ClientError,
        OSError,
    )
    return isinstance(error, kinds)
