"""Whether the bytes of a former publish can stand for a file that has not changed.

Belongs here: which request a manifest's ETag belongs to, and whether the bytes would be made in the
same way. Does not belong here: asking the server (`http_source.py`), copying (`log_copy.py`).

An ETag says nothing across URLs: two files may both have the ETag "1". Query, parameters and
headers are part of the request, and may be secret, so the manifest holds a slow salted hash of
them, from which nobody guesses a password, instead of the texts.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from userprofile_assets.ingestion.http_parts import strong_etag

if TYPE_CHECKING:
    from collections.abc import Mapping

    from userprofile_assets.ingestion.http_options import HttpOptions

REQUEST = "request"
"""Key of the hash in `Manifest.source`; absent when the URL's name is the whole request."""

MADE_BY = ("compression", "encoding", "skip_header")
"""Keys of what was done to the bytes."""

_SALT_BYTES = 16


def request_facts(url: str, http: HttpOptions, source: Mapping[str, Any]) -> dict[str, str]:
    """Return what the manifest has to hold besides the ETag, so that it can be compared later."""
    secret = _request(url, http)
    if not secret or not _is_comparable(http, source):
        return {}
    salt = os.urandom(_SALT_BYTES)
    return {REQUEST: f"{salt.hex()}:{_slow_hash(secret, salt).hex()}"}


def reusable_etag(
    source: Mapping[str, Any],
    *,
    url: str,
    name: str,
    http: HttpOptions,
    made_by: Mapping[str, Any],
    expected_sha256: str | None,
) -> str | None:
    """Return the strong ETag by which a former publish may stand for the file at `url`.

    Args:
        source: `Manifest.source` of that publish.
        url: What would be fetched now.
        name: The same without secrets.
        http: How it would be asked for.
        made_by: What would be done to its bytes.
        expected_sha256: What its bytes have to be; None: anything.

    Returns:
        None when it has to be fetched: another URL, request or treatment, a weak ETag or none.
    """
    if source.get("kind") != "http" or source.get("name") != name:
        return None
    if any(source.get(key) != made_by.get(key) for key in MADE_BY):
        return None
    if expected_sha256 is not None and source.get("sha256") != expected_sha256:
        return None
    if not _is_comparable(http, source) or not _is_same(source.get(REQUEST), _request(url, http)):
        return None
    return strong_etag(str(source["etag"]))


def _is_comparable(http: HttpOptions, source: Mapping[str, Any]) -> bool:
    return http.method == "GET" and strong_etag(str(source.get("etag", ""))) is not None


def _is_same(kept: object, secret: bytes) -> bool:
    if not secret or not isinstance(kept, str):
        return not secret and kept is None
    salt, _, digest = kept.partition(":")
    try:
        wanted = _slow_hash(secret, bytes.fromhex(salt)).hex()
    except ValueError:
        return False
    return hmac.compare_digest(wanted, digest)


def _request(url: str, http: HttpOptions) -> bytes:
    """Return what the name of a URL does not show; user and token say who asks, not for what."""
    headers = "\n".join(f"{name.lower()}: {value}" for name, value in sorted(http.headers.items()))
    parts = [urlsplit(url).query, http.parameters, headers]
    return "\0".join(parts).encode() if any(parts) else b""


def _slow_hash(secret: bytes, salt: bytes) -> bytes:
    # 16 MiB and about 50 ms: what RFC 7914 has in mind for interactive use.
    return hashlib.scrypt(secret, salt=salt, n=2**14, r=8, p=1, dklen=32)
