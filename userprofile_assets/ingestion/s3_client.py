"""Requests to one bucket: the client, its time-outs, and where the bucket's name goes.

Belongs here: how a request is sent and waited for. Does not belong here: what an error means
(`s3_errors.py`), uploads (`s3_upload.py`), what differs between stores (`s3_profiles.py`).

Built on s3fs's connection (`S3FileSystem._call_s3`), not on its files: an exception inside
`with fs.open(path, "wb")` publishes the truncated object, because closing completes the upload.

Requests run on fsspec's event loop, a thread of its own. Callers wait for them in their threads.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from userprofile_assets.errors import StorageUnavailableError
from userprofile_assets.ingestion.s3_errors import CLIENT_ERRORS, explain
from userprofile_assets.ingestion.s3_profiles import check_bucket, check_options, profile_for
from userprofile_assets.object_keys import check_key

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from concurrent.futures import Future

    from userprofile_assets.ingestion.store import S3Options

ATTEMPTS = 4
"""How often one request is sent, with up to 1, 2, 4 s between, before a run's own retry."""

SECONDS = 60.0
"""Longest silence of the store in one try."""

BODY_RATE = 128 * 1024
"""Bytes a second, the slowest that one body may be sent or come."""

_CONNECT_SECONDS = 10


class S3Bucket:
    """One bucket and prefix of a store, and the requests to it.

    Args:
        uri: `s3://bucket` or `s3://bucket/prefix`.
        options: How to reach the store.
        attempts: How often a request is sent at most.
        seconds: Longest silence of the store in one try.

    Raises:
        StorageError: The URI is not of that form, or the options contradict each other.
    """

    def __init__(
        self, uri: str, options: S3Options, *, attempts: int = ATTEMPTS, seconds: float = SECONDS
    ) -> None:
        parts = urlsplit(uri)
        # With a port, user, query or fragment it is no bucket's name.
        rest = parts.query or parts.fragment
        self.name = check_bucket(f"{parts.netloc}?" if rest else parts.netloc, uri=uri)
        prefix = parts.path.strip("/")
        self.prefix = f"{check_key(prefix)}/" if prefix else ""
        self.options = check_options(options)
        self.profile = profile_for(options)
        self._seconds = seconds
        # The tries, and the waits between them.
        self._call_seconds = (seconds + 4) * attempts
        self._fs = _connection(self, attempts, seconds)

    @property
    def uri(self) -> str:
        """The bucket and prefix as `s3://bucket/prefix`, without a slash at the end."""
        return f"s3://{self.name}/{self.prefix}".rstrip("/")

    def where(self, key: str) -> str:
        """Return an object's URI, for messages."""
        return f"{self.uri}/{key}"

    @property
    def encryption(self) -> dict[str, str]:
        """The parameters by which an object is asked to be encrypted when it is made."""
        found = {
            "ServerSideEncryption": self.options.encryption,
            "SSEKMSKeyId": self.options.encryption_key_id,
        }
        return {name: value for name, value in found.items() if value}

    def call(self, operation: str, key: str, **parameters: Any) -> dict[str, Any]:
        """Send one request about one object and wait for the answer."""
        answer: dict[str, Any] = self.wait(self.start(self.request(operation, key, **parameters)))
        return answer

    async def request(
        self, operation: str, key: str, *, size: int = 0, **parameters: Any
    ) -> dict[str, Any]:
        """Send one request about one object.

        A body that the store stops to read would wait for ever: aiohttp has no time-out for
        sending. So one with a body has a limit by its size, and a second try on a new connection.

        Args:
            operation: botocore's name of it, such as `upload_part`.
            key: Checked here once more: each request is built from it.
            size: Bytes of the body.
            parameters: botocore's, besides Bucket and Key.

        Raises:
            UserProfileError: Whatever went wrong, see `s3_errors.explain`.
        """
        # The empty `name/` by which other clients mark a directory can only be deleted.
        marker = "/" if operation == "delete_object" and key.endswith("/") else ""
        checked = check_key(key.removesuffix(marker)) + marker
        parameters.update(Bucket=self.name, Key=self.prefix + checked)
        return await self._send(operation, self.where(key), size, parameters)

    async def list(self, prefix: str, **parameters: Any) -> dict[str, Any]:
        """Ask for one page of the objects whose key begins with `prefix`."""
        parameters.update(Bucket=self.name, Prefix=self.prefix + prefix)
        return await self._send("list_objects_v2", self.where(prefix), 0, parameters)

    def seconds_for(self, size: int) -> float:
        """Return how long a body of so many bytes may be on its way."""
        return self._seconds + size / BODY_RATE

    async def receive(
        self, body: Any, size: int, key: str, *, limit: float, waited: float
    ) -> bytes:
        """Return at most `size` further bytes of an answer's body.

        Args:
            body: The body of botocore's answer.
            size: Most bytes.
            key: Whose body it is, for errors.
            limit: Seconds of waiting for the whole body.
            waited: How many of them are gone.

        Raises:
            UserProfileError: Whatever went wrong; StorageUnavailableError when the time is over.
        """
        with self._explained("get_object", self.where(key)):
            try:
                async with asyncio.timeout(max(0.0, limit - waited)) as clock:
                    chunk: bytes = await body.read(size)
                    return chunk
            except TimeoutError:
                if not clock.expired():
                    raise
        raise self._too_slow("get_object", self.where(key), "send", limit)

    def start(self, coroutine: Coroutine[Any, Any, Any]) -> Future[Any]:
        """Let a coroutine run on the loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._fs.loop)

    def wait(self, future: Future[Any]) -> Any:
        """Return a future's result; it is cancelled when the wait is interrupted."""
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def soon(self, function: Callable[[], object]) -> None:
        """Call a function on the loop, without waiting for it."""
        self._fs.loop.call_soon_threadsafe(function)

    async def _send(
        self, operation: str, where: str, size: int, parameters: dict[str, Any]
    ) -> dict[str, Any]:
        limit = self.seconds_for(size) if size else self._call_seconds
        for last in (False, True) if size else (True,):
            with self._explained(operation, where):
                try:
                    async with asyncio.timeout(limit) as clock:
                        answer: dict[str, Any] = await self._fs._call_s3(operation, **parameters)  # noqa: SLF001 - s3fs has no public one for coroutines
                        return answer
                except TimeoutError:
                    if not clock.expired():
                        raise
            if not last:
                parameters["Body"].seek(0)
        raise self._too_slow(operation, where, "take or answer", limit)

    @staticmethod
    def _too_slow(operation: str, where: str, what: str, limit: float) -> StorageUnavailableError:
        return StorageUnavailableError(
            f"{operation} failed: the store did not {what} it within {limit:.0f} s",
            where=where,
            remedy="check USERPROFILE_OSS_ENDPOINT and the network",
        )

    @contextmanager
    def _explained(self, attempt: str, where: str) -> Iterator[None]:
        """Turn the errors of the client into errors of this project."""
        try:
            yield
        except CLIENT_ERRORS as error:
            raise explain(error, attempt, where=where, options=self.options) from error


def _connection(bucket: S3Bucket, attempts: int, seconds: float) -> Any:
    """Make the client of one store.

    The listings cache would show a former state; the instance cache would share one client, with
    its credentials, between stores of the same options.
    """
    import s3fs
    from aiobotocore.session import AioSession  # type: ignore[import-untyped] # noqa: PLC0415 - beside s3fs, which may not be imported at the top

    options, profile = bucket.options, bucket.profile
    addressing = profile.addressing if options.addressing == "auto" else options.addressing
    session = AioSession()
    session.register_component("data_loader", _models())
    if addressing == "cname":
        addressing = "path"
        # On the session, because s3fs makes a new client when the connections were closed.
        session.register("before-sign.s3", _without_bucket(bucket.name))
    s3: dict[str, Any] = {"addressing_style": addressing}
    if profile.sign_body is not None:
        s3["payload_signing_enabled"] = profile.sign_body
    fs = s3fs.S3FileSystem(
        key=options.access_key_id,
        secret=options.access_key_secret,
        token=options.security_token,
        endpoint_url=options.endpoint,
        client_kwargs={"region_name": options.region} if options.region else {},
        config_kwargs={
            "s3": s3,
            "signature_version": "s3v4",
            "request_checksum_calculation": profile.checksums,
            "response_checksum_validation": profile.checksums,
            "connect_timeout": min(_CONNECT_SECONDS, seconds),
            "read_timeout": seconds,
            "retries": {"mode": "standard", "max_attempts": attempts},
            "max_pool_connections": max(10, options.parts_in_flight + 2),
            "tcp_keepalive": True,
        },
        session=session,
        use_listings_cache=False,
        skip_instance_cache=True,
    )
    # botocore retries by the settings above; s3fs would repeat each of them five times.
    fs.retries = 1
    return fs


@cache
def _models() -> Any:
    """Return the loader of botocore's descriptions of S3, which keeps what it has read.

    Each session would read them for itself: 0.06 s of CPU for each store, in place of 0.004.
    """
    from aiobotocore.session import AioSession  # noqa: PLC0415 - as above

    return AioSession().get_component("data_loader")


def _without_bucket(name: str) -> Callable[..., None]:
    """Return a hook that takes the bucket out of the path: a custom domain already names it.

    It runs before the request is signed, so that the signature covers the URL that is sent.
    """

    def hook(request: Any, **_: Any) -> None:
        parts = urlsplit(request.url)
        path = parts.path.removeprefix(f"/{name}")
        if path != parts.path and path[:1] in {"", "/"}:
            request.url = urlunsplit(parts._replace(path=path or "/"))

    return hook
