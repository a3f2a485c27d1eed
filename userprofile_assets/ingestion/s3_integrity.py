"""Whether a store has the bytes that were sent to it.

Belongs here: MD5s of what was sent, and comparing them with an object's ETag or bytes. Does not
belong here: the SHA-256 of a published day (`publish.py`).

The ETag of an object that was sent whole is its MD5, that of a multipart object the MD5 of the MD5s
of its parts and their number. Not so with keys of a key service, and not with every store. MD5
finds accidents, it does not keep out an attacker; that is what TLS and the signature are for.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

_ETAG = re.compile(r"[0-9a-fA-F]{32}(-\d+)?")


def etag_of(answer: dict[str, Any]) -> str | None:
    """Return an answer's ETag without quotes."""
    etag: str | None = answer.get("ETag")
    return etag.strip('"') if etag else None


def content_md5(digest: bytes) -> str:
    """Return a digest as the header Content-MD5 wants it."""
    return base64.b64encode(digest).decode()


@dataclass
class Sent:
    """What was sent of one object.

    Attributes:
        whole: Whether it went by one request, and not in parts.
        pieces: Number of each part to its size and MD5.
        plain: Whether each part's ETag was its MD5.
        encrypted: Whether the store said that it encrypts by a key of a key service.
    """

    whole: bool = False
    pieces: dict[int, tuple[int, bytes]] = field(default_factory=dict)
    plain: bool = True
    encrypted: bool = False

    def add(self, number: int, size: int, digest: bytes, answer: dict[str, Any]) -> None:
        """Note what was sent, and what the store said about it."""
        self.pieces[number] = size, digest
        self.plain = self.plain and (etag_of(answer) or "").lower() == digest.hex()
        self.note(answer)

    def note(self, answer: dict[str, Any]) -> None:
        """Note the encryption that an answer names."""
        if answer.get("ServerSideEncryption", "AES256") != "AES256":
            self.encrypted = True

    @property
    def size(self) -> int:
        """Bytes in total."""
        return sum(size for size, _ in self.pieces.values())

    @property
    def etag(self) -> str:
        """The ETag of a store that follows the usual form."""
        digests = [self.pieces[number][1] for number in sorted(self.pieces)]
        if self.whole:
            return digests[0].hex()
        total = hashlib.md5(b"".join(digests), usedforsecurity=False).hexdigest()
        return f"{total}-{len(digests)}"

    def verdict(self, etag: str | None, *, etag_of_parts: bool) -> bool | None:
        """Tell whether an object with this ETag has the bytes; None when the ETag cannot tell.

        Args:
            etag: The object's, as the store describes it now.
            etag_of_parts: Whether the store is known to follow the form for multipart objects.
        """
        if etag is not None and etag.lower() == self.etag:
            return True
        if self.encrypted or etag is None or not _ETAG.fullmatch(etag):
            # The store has compared Content-MD5 or CRC32 on arrival.
            return True
        if not self.whole and self.plain and not etag_of_parts:
            # Each part is known to be right, and the form of the whole is the store's own.
            return True
        return None

    def same_bytes(self, chunks: Iterable[bytes]) -> bool:
        """Tell whether an object that is read again has the bytes that were sent."""
        source = iter(chunks)
        rest = memoryview(b"")
        for number in sorted(self.pieces):
            left, digest = self.pieces[number]
            found = hashlib.md5(usedforsecurity=False)
            while left:
                rest = rest or memoryview(next(source, b""))
                if not rest:
                    return False
                found.update(rest[:left])
                taken = min(left, len(rest))
                rest, left = rest[taken:], left - taken
            if found.digest() != digest:
                return False
        return not rest and next(source, None) is None
