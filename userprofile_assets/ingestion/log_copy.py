"""Copy a log into object storage: the glue between source, decoding, publishing and retries.

Belongs here: the order of the steps and the facts of the manifest. Does not belong here: any of the
steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from userprofile_assets.errors import SourceError
from userprofile_assets.ingestion.decode import Compression, decompress, recode, skip_header
from userprofile_assets.ingestion.log_source import LogSource, open_log
from userprofile_assets.ingestion.retry import retrying

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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
    log: Callable[[str], None],
) -> Manifest:
    """Publish the log at `url` as one object.

    A transfer that breaks off is repeated from its first byte, see `retry.py`. Whatever goes wrong,
    the object that was there before stays. An empty log becomes an empty object.

    Args:
        url: `http://`, `https://` or `file://`; credentials in it are shown nowhere.
        publisher: Where to.
        target: Which object, for which day.
        options: What is done to the bytes.
        log: Gets a sentence for each retry and one for the result.

    Raises:
        PermanentError: Repeating would not help; the type says why.
        TransientError: It was repeated and still failed.
    """

    def write(sink: Sink) -> dict[str, Any]:
        with open_log(url) as source:
            for chunk in _decoded(source, options):
                sink.write(chunk)
            return source.facts() | _applied(options)

    @retrying(log)
    def publish() -> Manifest:
        return publisher.publish(target, write)

    done = publish()
    log(
        f"Copied {done.source['name']} ({done.source['bytes']:,} bytes) to {done.key}: "
        f"{done.bytes:,} bytes, {done.rows:,} rows."
    )
    return done


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
