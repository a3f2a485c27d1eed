"""Copy a log into object storage: the glue between source, decoding, publishing and retries.

Belongs here: the order of the steps and the facts of the manifest. Does not belong here: any of the
steps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from userprofile_assets.errors import NotPublishedError, SourceError
from userprofile_assets.ingestion.decode import Compression, decompress, recode, skip_header
from userprofile_assets.ingestion.digests import DigestError
from userprofile_assets.ingestion.expected_digest import expected_sha256
from userprofile_assets.ingestion.http_options import DEADLINE_SETTING, HttpOptions
from userprofile_assets.ingestion.http_source import NotModifiedError
from userprofile_assets.ingestion.http_unchanged import request_facts, reusable_etag
from userprofile_assets.ingestion.log_source import LogSource, open_log
from userprofile_assets.ingestion.manifest import utc_now
from userprofile_assets.ingestion.retry import Deadline, retrying
from userprofile_assets.redaction import redact_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from userprofile_assets.ingestion.manifest import Manifest
    from userprofile_assets.ingestion.publish import Publisher, Sink, Target


@dataclass(frozen=True, kw_only=True)
class LogOptions:
    """What is done to the bytes of a log on their way; by default nothing."""

    compression: Compression = "none"
    """How the source is compressed; it is stored decompressed."""

    skip_header: bool = False
    """Whether the first line, after decompressing and recoding, is left out."""

    encoding: str | None = None
    """Encoding of the source, stored as UTF-8; None: the bytes are stored as they are."""

    max_bytes: int = 100 * 1024**3
    """Most bytes that the log may have, as it comes and decompressed."""

    max_ratio: int = 200
    """Most bytes that one compressed byte may become."""


def copy_log(
    url: str,
    *,
    publisher: Publisher,
    target: Target,
    options: LogOptions,
    http: HttpOptions | None = None,
    former: Sequence[str] = (),
    log: Callable[[str], None],
) -> Manifest:
    """Publish the log at `url` as one object.

    A transfer that breaks off goes on where it was, if the server has a strong validator, and else
    is repeated from its first byte; see `http_transfer.py` and `retry.py`. Whatever goes wrong, the
    object that was there before stays. An empty log becomes an empty object.

    A file that has not changed since it was published (same request, same options, same strong
    ETag, which the server confirms) is not fetched: under the same key nothing is written, from
    another day it is copied on the store's side. The manifest that is returned then has
    `unchanged_since` and `checked_at` in its `source`.

    Args:
        url: `http://`, `https://` or `file://`; credentials in it are shown nowhere.
        publisher: Where to.
        target: Which object, for which day.
        options: What is done to the bytes.
        http: How an HTTP server is asked; None: as it stands in HttpOptions.
        former: Keys of other days whose bytes may be the same, the likeliest first; the target's
            own key is looked at in any case.
        log: Gets a sentence for each retry and one for the result.

    Raises:
        PermanentError: Repeating would not help; the type says why.
        TransientError: It was repeated and still failed.
    """
    copy = _Copy(
        url,
        publisher=publisher,
        target=target,
        options=options,
        http=http or HttpOptions(),
        log=log,
    )
    done = retrying(log, deadline=copy.deadline)(copy.run)([target.key, *former])
    if "unchanged_since" in done.source:
        log(
            f"{done.source['name']} has not changed since the publish of "
            f"{done.source['unchanged_since']}: its {done.bytes:,} bytes stand for {done.key} too."
        )
        return done
    log(
        f"Copied {done.source['name']} ({done.source['bytes']:,} bytes) to {done.key}: "
        f"{done.bytes:,} bytes, {done.rows:,} rows."
    )
    return done


class _Copy:
    """One copy with all its tries."""

    def __init__(
        self,
        url: str,
        *,
        publisher: Publisher,
        target: Target,
        options: LogOptions,
        http: HttpOptions,
        log: Callable[[str], None],
    ) -> None:
        self._url = url
        self._publisher = publisher
        self._target = target
        self._options = options
        self._http = http
        self._log = log
        self._applied = _applied(options)
        self._expected: str | None = None
        self._bad_digest: str | None = None
        self.deadline = Deadline(http.deadline_seconds, setting=DEADLINE_SETTING)

    def run(self, keys: Sequence[str]) -> Manifest:
        """Try once, from zero.

        Args:
            keys: Where bytes lie that may still be those of the source.
        """
        # Read anew each time: the file with the digest may be written a little after the log.
        self._expected = expected_sha256(
            self._url, http=self._http, deadline=self.deadline, log=self._log
        )
        done, etag = self._reusable(keys)
        try:
            return self._publish(etag)
        except NotModifiedError:
            if done is None:
                raise AssertionError("a condition without a manifest") from None
        try:
            return self._stand_in(done)
        except NotPublishedError as error:
            self._log(f"Fetching the log although it has not changed: {error.what}")
            return self._publish(None)

    def _publish(self, etag: str | None) -> Manifest:
        return self._publisher.publish(self._target, lambda sink: self._write(sink, etag))

    def _write(self, sink: Sink, etag: str | None) -> dict[str, Any]:
        with open_log(
            self._url,
            http=self._http,
            deadline=self.deadline,
            log=self._log,
            unless=etag,
            # Bytes that are stored as they come are hashed by the sink, once.
            hashed=bool(self._applied),
        ) as source:
            for chunk in _decoded(source, self._options):
                sink.write(chunk)
            sha256 = None if self._applied else sink.sha256
            try:
                facts = source.facts(sha256=sha256, expected_sha256=self._expected)
            except DigestError as error:
                if error.found == self._bad_digest:
                    raise error.for_good() from error
                self._bad_digest = error.found
                raise
            return facts | self._applied | request_facts(self._url, self._http, facts)

    def _reusable(self, keys: Sequence[str]) -> tuple[Manifest, str] | tuple[None, None]:
        """Find a published day whose bytes may still be those of the source, and their ETag."""
        if not self._url.lower().startswith(("http://", "https://")):
            return None, None
        for key in dict.fromkeys(keys):
            try:
                done = self._publisher.verify(key)
            except NotPublishedError:
                continue
            etag = reusable_etag(
                done.source,
                url=self._url,
                name=redact_url(self._url),
                http=self._http,
                made_by=self._applied,
                expected_sha256=self._expected,
            )
            if etag is None:
                continue
            try:
                # Before the server is asked: after a 304 these bytes are all there is.
                self._publisher.check_bytes(done)
            except NotPublishedError as error:
                self._log(
                    f"Fetching the log whether it has changed or not: {error.what} ({error.where})"
                )
                continue
            return done, etag
        return None, None

    def _stand_in(self, done: Manifest) -> Manifest:
        """Let the bytes of a day that is published stand for the source."""
        since = done.source.get("unchanged_since", done.copied_from or done.bizdate)
        source = done.source | {"unchanged_since": since, "checked_at": utc_now()}
        if done.key == self._target.key:
            self._publisher.check_bytes(done)
            return replace(done, source=source)
        return self._publisher.republish(replace(done, source=source), self._target)


def _decoded(source: LogSource, options: LogOptions) -> Iterator[bytes]:
    if source.is_compressed and options.compression == "none":
        raise SourceError(
            f"the server sent the log as {source.described['content_encoding']}, "
            "although it was asked for the plain bytes",
            where=source.name,
            remedy="set USERPROFILE_LOG_COMPRESSION=gzip, or let the server send the file as it is",
        )
    chunks = decompress(
        source.chunks(),
        compression=options.compression,
        where=source.name,
        max_bytes=options.max_bytes,
        max_ratio=options.max_ratio,
    )
    if options.encoding is not None:
        chunks = recode(chunks, encoding=options.encoding, where=source.name)
    # Last, since a line of UTF-16 does not end in one byte.
    return skip_header(chunks) if options.skip_header else chunks


def _applied(options: LogOptions) -> dict[str, Any]:
    applied: dict[str, Any] = {}
    if options.compression != "none":
        applied["compression"] = options.compression
    if options.encoding is not None:
        applied["encoding"] = options.encoding
    if options.skip_header:
        applied["skip_header"] = True
    return applied
