"""The bytes of one request, kept as they came.

Belongs here: what the client asks of a body. Does not belong here: which bytes are a part
(`s3_upload.py`).

A `BytesIO` would take each byte once more on its way in and once more on its way out, and aiohttp
would give 64 KiB of it at a time to the socket.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from os import SEEK_CUR, SEEK_END, SEEK_SET
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

SEND_BYTES = 256 * 1024
"""Most that a socket is given at once; asyncio copies what it does not take."""

SMALL_BYTES = 64 * 1024
"""Writes below this are gathered up to it: each chunk costs some calls."""


class Body:
    """Chunks that are written one after the other and read as one file.

    botocore measures and hashes a body by `read`, `seek` and `tell`, where a `read` in the middle
    gives exactly as many bytes as it was asked for. aiohttp sends what can be iterated.
    """

    def __init__(self) -> None:
        self._chunks: list[bytes | memoryview] = []
        self._starts: list[int] = []
        self._small = bytearray()
        self._position = 0
        self.size = 0

    def write(self, data: bytes | memoryview) -> None:
        """Append bytes, which are kept and not copied unless they are few."""
        self.size += len(data)
        if len(data) >= SMALL_BYTES:
            self._gather()
            self._keep(data)
            return
        self._small += data
        if len(self._small) >= SMALL_BYTES:
            self._gather()

    def md5(self) -> bytes:
        """Return the MD5: 25 ms for 16 MiB, during which other threads run."""
        digest = hashlib.md5(usedforsecurity=False)
        for piece in self._pieces(0, self.size):
            digest.update(piece)
        return digest.digest()

    def read(self, size: int | None = -1) -> bytes:
        """Return the next bytes, all that are left by default."""
        start = self._position
        left = self.size - start
        self._position += left if size is None or size < 0 else min(size, left)
        return b"".join(self._pieces(start, self._position))

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        """Set the position, and return it."""
        base = {SEEK_SET: 0, SEEK_CUR: self._position, SEEK_END: self.size}[whence]
        self._position = min(max(base + offset, 0), self.size)
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position

    async def __aiter__(self) -> AsyncIterator[memoryview]:
        """Give out all bytes from the first on: a second try sends them again."""
        for start in range(0, self.size, SEND_BYTES):
            for piece in self._pieces(start, min(start + SEND_BYTES, self.size)):
                yield piece

    def _pieces(self, start: int, end: int) -> Iterator[memoryview]:
        self._gather()
        index = bisect_right(self._starts, start) - 1
        while start < end:
            first = self._starts[index]
            piece = memoryview(self._chunks[index])[start - first : end - first]
            yield piece
            start += len(piece)
            index += 1

    def _gather(self) -> None:
        if self._small:
            small, self._small = bytes(self._small), bytearray()
            self._keep(small)

    def _keep(self, chunk: bytes | memoryview) -> None:
        last = len(self._chunks) - 1
        self._starts.append(self._starts[last] + len(self._chunks[last]) if self._chunks else 0)
        self._chunks.append(chunk)
