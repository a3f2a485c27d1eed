"""Digests that a server sends along, or that an operator expects, and comparing them.

Belongs here: reading Content-Digest and Repr-Digest (RFC 9530), Content-MD5 (RFC 1864) and the
files that `sha256sum` writes; saying that bytes are others than promised. Does not belong here:
fetching anything.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from userprofile_assets.errors import SourceError, SourceUnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping

_LENGTHS = {"sha-256": 32, "sha-512": 64, "md5": 16}
_HASHES = {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512, "md5": hashlib.md5}

# One member of the dictionary: a key, a byte sequence, parameters that mean nothing here.
_MEMBER = re.compile(r"\s*([a-z*][a-z0-9_\-.*]*)\s*=\s*:([A-Za-z0-9+/]*={0,2}):\s*(?:;[^,]*)?")
_SHA256_WORD = re.compile(r"(?<![0-9A-Za-z])[0-9a-fA-F]{64}(?![0-9A-Za-z])")


class DigestError(SourceUnavailableError):
    """The bytes are not those that were promised; another transfer may bring the right ones."""

    def __init__(self, what: str, *, where: str, remedy: str, found: str) -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.found = found

    def for_good(self) -> SourceError:
        """Return it as an error that another transfer does not cure."""
        return SourceError(
            f"{self.what}, for the second time in a row", where=self.where, remedy=self.remedy
        )


@dataclass(frozen=True)
class Promise:
    """A digest that the bytes of the source have to have.

    Attributes:
        by: Who says so, as errors call it.
        algorithm: `sha-256`, `sha-512` or `md5`.
        hex: The digest.
    """

    by: str
    algorithm: str
    hex: str


def promised_digests(headers: Mapping[str, str]) -> tuple[Promise, ...]:
    """Return what the headers of a whole (200) answer promise about its body.

    No range was asked for and no content coding is undone, so content and representation are the
    same bytes. What cannot be read, or is of an algorithm that nobody checks, is left out, as RFC
    9530 has it.
    """
    found: list[Promise] = []
    for header in ("Repr-Digest", "Content-Digest"):
        digests = parse_digests(headers.get(header.lower()))
        # One strong digest is enough, and SHA-256 is computed anyway.
        for algorithm in ("sha-256", "sha-512"):
            if algorithm in digests:
                found.append(Promise(header, algorithm, digests[algorithm].hex()))
                break
    md5 = _base64(headers.get("content-md5", ""))
    if md5 is not None and len(md5) == _LENGTHS["md5"] and not found:
        found.append(Promise("Content-MD5", "md5", md5.hex()))
    return tuple(found)


def parse_digests(value: str | None) -> dict[str, bytes]:
    """Read a dictionary of digests, `sha-256=:base64:, sha-512=:base64:`.

    Returns:
        Algorithm -> digest of the right length; empty when the field is malformed.
    """
    digests: dict[str, bytes] = {}
    position, text = 0, value or ""
    while position < len(text):
        match = _MEMBER.match(text, position)
        if match is None or text[match.end() : match.end() + 1] not in {"", ","}:
            return {}
        data = _base64(match[2])
        if data is not None and len(data) == _LENGTHS.get(match[1]):
            digests[match[1]] = data
        position = match.end() + 1
    return digests


def sha256_in(text: str, *, file: str) -> str | None:
    """Find the SHA-256 in what `sha256sum` and its kind write.

    Args:
        text: `<hex>  <name>` a line, or the digits alone.
        file: Name of the log. A line that ends in it wins; else the first digest is taken.

    Returns:
        64 lower-case hex digits, or None.
    """
    first: str | None = None
    for line in text.splitlines():
        match = _SHA256_WORD.search(line)
        if match is None:
            continue
        digest = match[0].lower()
        if file and re.search(rf"(?:^|[\s*/(]){re.escape(file)}\)?(?:\s|$)", line):
            return digest
        first = first or digest
    return first


def is_sha256(text: str) -> bool:
    """Tell whether a text is 64 hex digits."""
    return re.fullmatch(r"[0-9a-fA-F]{64}", text) is not None


class Hashes:
    """The digests of a stream that are needed besides its SHA-256."""

    def __init__(self, promises: tuple[Promise, ...]) -> None:
        self._promises = promises
        names = {promise.algorithm for promise in promises} - {"sha-256"}
        self._running: dict[str, Any] = {
            # No security rests on MD5 here: it is what the server offers against broken lines.
            name: hashlib.md5(usedforsecurity=False) if name == "md5" else _HASHES[name]()
            for name in sorted(names)
        }

    def update(self, data: bytes) -> None:
        """Take the next bytes."""
        for running in self._running.values():
            running.update(data)

    def check(self, *, sha256: str, where: str, expected: str | None = None) -> None:
        """Compare with what was promised.

        Args:
            sha256: Hex digest of all bytes.
            where: Name of the source for errors.
            expected: What the operator expects, hex; None: nothing.

        Raises:
            DigestError: They differ; names what was expected and what was found.
        """
        own = () if expected is None else (
            Promise("USERPROFILE_LOG_SHA256", "sha-256", expected.lower()),
        )  # fmt: skip
        for promise in own + self._promises:
            found = sha256
            if promise.algorithm != "sha-256":
                found = self._running[promise.algorithm].hexdigest()
            if found == promise.hex:
                continue
            remedy = (
                "compare the log with the file that names its digest, and correct either"
                if own and promise is own[0]
                else "look for what changes the bytes on their way (a proxy, a broken cache)"
            )
            raise DigestError(
                f"the {promise.algorithm} of the bytes is {found}, "
                f"but {promise.by} says {promise.hex}",
                where=where,
                remedy=remedy,
                found=found,
            )


def _base64(text: str) -> bytes | None:
    try:
        return base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
