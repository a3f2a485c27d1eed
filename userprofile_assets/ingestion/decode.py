"""Streams of bytes into streams of bytes: decompress, recode, leave out a header.

Belongs here: pure transforms of chunks with constant memory, and the caps that stop endless answers
and decompression bombs. Does not belong here: where the bytes come from (`log_source.py`), zip
archives, which cannot be read as a stream (`unzip.py`).

Errors name the source and an offset, since the log is too large to look through.
"""

from __future__ import annotations

import bz2
import codecs
import zlib
from typing import TYPE_CHECKING, Literal, Protocol

from userprofile_assets.errors import SourceError
from userprofile_assets.ingestion.unzip import unzip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Compression = Literal["none", "gzip", "bzip2", "zip"]

PIECE_BYTES = 1024**2
"""Most bytes that one step of a decompressor may give out, whatever it was fed."""

RATIO_FROM_BYTES = 10 * 1024**2
"""The ratio is looked at from here on: a short log may well be one line over and over."""

_FED_BYTES = 64 * 1024


def decompress(
    chunks: Iterable[bytes],
    *,
    compression: Compression,
    where: str,
    max_bytes: int,
    max_ratio: int,
) -> Iterator[bytes]:
    """Decompress a stream; with `none` the bytes pass as they are.

    Several gzip members or bzip2 streams in a row are one stream, as for gzip(1) and bzip2(1).

    Args:
        chunks: The source's bytes.
        compression: How they are compressed.
        where: Name of the source for errors, without secrets.
        max_bytes: Most bytes that may come out, and most that may go in.
        max_ratio: Most bytes that one byte of the source may become, from RATIO_FROM_BYTES on.

    Raises:
        SourceError: The data is broken, truncated or followed by something else, or a cap is hit.
    """
    # The source is capped too: a stream of empty gzip members never gives a byte out.
    capped = _cap(chunks, where=where, max_bytes=max_bytes)
    if compression == "none":
        return capped
    source = _Counted(capped)
    if compression == "gzip":
        plain = _members(source, new=_GzipMember, kind="gzip", where=where)
    elif compression == "bzip2":
        plain = _members(source, new=_Bzip2Member, kind="bzip2", where=where)
    else:
        plain = unzip(source, where=where, piece_bytes=PIECE_BYTES)
    plain = _cap(plain, where=where, max_bytes=max_bytes)
    return _cap_ratio(plain, source=source, where=where, max_ratio=max_ratio)


def recode(chunks: Iterable[bytes], *, encoding: str, where: str) -> Iterator[bytes]:
    """Decode a stream strictly and encode it as UTF-8.

    A byte order mark is the codec's business: `utf-16` and `utf-8-sig` take it off, `utf-8` keeps
    it as a character.

    Args:
        chunks: The bytes, decompressed.
        encoding: Any text encoding of Python.
        where: Name of the source for errors, without secrets.

    Raises:
        SourceError: The encoding is unknown, or a byte does not fit; names the byte's offset.
    """
    try:
        "".encode(encoding)  # the only public check that says no to rot13 and its kind
        decoder = codecs.getincrementaldecoder(encoding)("strict")
    except LookupError as error:
        raise SourceError(
            f"{encoding!r} is no text encoding",
            where=where,
            remedy="set USERPROFILE_LOG_ENCODING to one such as gbk, or leave it empty",
        ) from error
    fed = 0

    def step(data: bytes, *, final: bool) -> bytes:
        try:
            return decoder.decode(data, final).encode("utf-8")
        except UnicodeError as error:
            raise SourceError(
                _misfit(error, encoding=encoding, fed=fed),
                where=where,
                remedy="set USERPROFILE_LOG_ENCODING to the encoding that the log is written in; "
                "left empty, the bytes are copied as they are",
            ) from error

    for chunk in chunks:
        fed += len(chunk)
        text = step(chunk, final=False)
        if text:
            yield text
    rest = step(b"", final=True)
    if rest:
        yield rest


def skip_header(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Leave out the first line, up to and with its LF; without any LF nothing is left."""
    inside = True
    for chunk in chunks:
        if not inside:
            yield chunk
            continue
        _, line_feed, rest = chunk.partition(b"\n")
        inside = not line_feed
        if rest:
            yield rest


def _misfit(error: UnicodeError, *, encoding: str, fed: int) -> str:
    if not isinstance(error, UnicodeDecodeError):
        return f"the log is not {encoding} ({error})"
    # error.object is what the decoder had kept plus what it was just fed, so it ends where the
    # fed bytes end.
    offset = fed - len(error.object) + error.start
    byte = error.object[error.start]
    return f"byte {offset} (0x{byte:02x}) is not {encoding} ({error.reason})"


class _Counted:
    """A stream that knows how many bytes have been taken from it, at most _FED_BYTES at a time.

    A whole megabyte at once would hide a bomb: it counts as taken before the first byte comes out.
    """

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks
        self.bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            for start in range(0, len(chunk), _FED_BYTES):
                piece = chunk[start : start + _FED_BYTES]
                self.bytes += len(piece)
                yield piece


def _cap(chunks: Iterable[bytes], *, where: str, max_bytes: int) -> Iterator[bytes]:
    total = 0
    for chunk in chunks:
        total += len(chunk)
        if total > max_bytes:
            raise SourceError(
                f"it has more than {max_bytes:,} bytes, the most that one log may have",
                where=where,
                remedy="if the log is really that large, raise USERPROFILE_LOG_MAX_BYTES",
            )
        yield chunk


def _cap_ratio(
    chunks: Iterable[bytes], *, source: _Counted, where: str, max_ratio: int
) -> Iterator[bytes]:
    total = 0
    for chunk in chunks:
        total += len(chunk)
        if total >= RATIO_FROM_BYTES and total > max_ratio * source.bytes:
            raise SourceError(
                f"{source.bytes:,} compressed bytes became {total:,}, more than {max_ratio} times "
                "as many; this looks like a decompression bomb",
                where=where,
                remedy="if the log really compresses that well, raise USERPROFILE_LOG_MAX_RATIO",
            )
        yield chunk


class _Member(Protocol):
    """One compressed stream inside the source."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take all of `data`, give out what it becomes in pieces of at most PIECE_BYTES."""
        ...

    def rest(self) -> bytes | None:
        """Return the bytes after the member's end; None while it goes on."""
        ...


class _GzipMember:
    """A gzip member; zlib checks its CRC and its length at the end."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)

    def feed(self, data: bytes) -> Iterator[bytes]:
        while True:
            piece = self._zlib.decompress(data, PIECE_BYTES)
            if piece:
                yield piece
            data = self._zlib.unconsumed_tail
            # What zlib still holds when all input is taken comes with the next input: eight bytes
            # of checksum and length follow every output.
            if self._zlib.eof or not data:
                return

    def rest(self) -> bytes | None:
        return self._zlib.unused_data if self._zlib.eof else None


class _Bzip2Member:
    """A bzip2 stream; the decompressor checks the CRC of each block."""

    def __init__(self) -> None:
        self._bzip2 = bz2.BZ2Decompressor()

    def feed(self, data: bytes) -> Iterator[bytes]:
        while True:
            piece = self._bzip2.decompress(data, PIECE_BYTES)
            if piece:
                yield piece
            data = b""
            if self._bzip2.eof or self._bzip2.needs_input:
                return

    def rest(self) -> bytes | None:
        return self._bzip2.unused_data if self._bzip2.eof else None


def _check_padding(data: bytes, *, kind: str, where: str, start: int) -> None:
    """Refuse all but zero bytes behind the last member: gzip(1) ignores those that pad a block."""
    if data.strip(b"\0"):
        raise SourceError(
            f"no {kind} member starts at byte {start}, and the zero bytes there do not end it",
            where=where,
            remedy=f"check that the file is {kind}, and make it anew where it comes from",
        )


def _members(
    chunks: Iterable[bytes], *, new: Callable[[], _Member], kind: str, where: str
) -> Iterator[bytes]:
    member: _Member | None = None
    start = end = 0  # offsets in the source: of the member, and of what has been read
    padding = False
    for chunk in chunks:
        end += len(chunk)
        data = chunk
        while data:
            if member is None and kind == "gzip" and end > len(data) and not padding:
                padding, start = data.startswith(b"\0"), end - len(data)
            if padding:
                _check_padding(data, kind=kind, where=where, start=start)
                break
            if member is None:
                member, start = new(), end - len(data)
            try:
                yield from member.feed(data)
            except (zlib.error, OSError) as error:  # bz2 raises OSError for broken data
                raise SourceError(
                    f"no {kind} member starts at byte {start}, or it is broken before byte {end} "
                    f"({error})",
                    where=where,
                    remedy=f"check that the file is {kind}, and make it anew where it comes from",
                ) from error
            rest = member.rest()
            data = rest or b""
            if rest is not None:
                member = None
    if member is not None or end == 0:
        raise SourceError(
            f"it ends after {end} bytes, inside the {kind} member that starts at byte {start}",
            where=where,
            remedy="the file was cut where it comes from; make it anew there",
        )
