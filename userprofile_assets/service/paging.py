"""Cursors: where the next page of a list begins.

Belongs here: what a cursor holds, writing and reading one. Does not belong here: the page
(`serving/read_users.py`).

A cursor is JSON in base64url: day, version of the day, digest of what defines the list, key of the
last row. It holds for that list in that version only. The key has a uid in it, so for a caller who
may not see one it is encrypted, by a key that is made once under HOME.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from userprofile_assets.bizdate import parse_day
from userprofile_assets.errors import PermanentError
from userprofile_assets.locks import exclusive_lock
from userprofile_assets.service.filters import BIGGEST
from userprofile_assets.service.problems import ProblemError
from userprofile_assets.serving.read_users import Key, UserQuery

_DAY = re.compile(r"[0-9]{8}", re.ASCII)
_NONCE = 12
_KEY_BYTES = 32


class Seal:
    """Encrypts what a caller may hand back but not read (AES-256-GCM).

    Args:
        path: File of the key; made when it is first needed.
        locks: Directory of lock files.
    """

    def __init__(self, path: Path, locks: Path) -> None:
        self._path = path
        self._locks = locks

    def close(self, plain: bytes, context: bytes) -> str:
        """Return bytes encrypted, as base64url; to be opened with the same context only."""
        nonce = os.urandom(_NONCE)
        return _encode(nonce + self._cipher.encrypt(nonce, plain, context))

    def open(self, sealed: str, context: bytes) -> bytes:
        """Return the bytes again.

        Raises:
            ValueError: It was not closed with this key and context.
        """
        raw = _decode(sealed)
        try:
            return self._cipher.decrypt(raw[:_NONCE], raw[_NONCE:], context)
        except InvalidTag:
            raise ValueError("not closed here") from None

    @cached_property
    def _cipher(self) -> AESGCM:
        with exclusive_lock(self._locks / "cursor.lock", purpose="making a key", timeout=10):
            if not self._path.exists():
                self._path.parent.mkdir(parents=True, exist_ok=True)
                made = self._path.with_name(f"_tmp.{self._path.name}")
                made.unlink(missing_ok=True)
                made.touch(mode=0o600)
                made.write_bytes(os.urandom(_KEY_BYTES))
                made.replace(self._path)
        return AESGCM(self._path.read_bytes())


class Cursor:
    """Where a list goes on.

    Attributes:
        dt: The day.
        version: Version of its profiles.
        key: The last row that was given.
    """

    def __init__(self, dt: str, version: str, key: Key) -> None:
        self.dt = dt
        self.version = version
        self.key = key


def digest(query: UserQuery) -> str:
    """Return a digest of what defines a list; the columns shown do not."""
    parts = [query.filters.values, query.uid_prefix, query.pv_min, query.pv_max, query.sort]
    return hashlib.sha256(orjson.dumps(parts)).hexdigest()[:16]


def encode(cursor: Cursor, query: UserQuery, seal: Seal | None) -> str:
    """Return a cursor as text.

    Args:
        cursor: Where the list goes on.
        query: The list.
        seal: Encrypts the key; None for a caller who may see a uid.
    """
    made: dict[str, Any] = {"dt": cursor.dt, "v": cursor.version, "q": digest(query)}
    key = list(cursor.key)
    if seal is None:
        made["k"] = key
    else:
        made["s"] = seal.close(orjson.dumps(key), _context(made))
    return _encode(orjson.dumps(made))


def decode(text: str, query: UserQuery, seal: Seal, *, sealed_only: bool) -> Cursor:
    """Read a cursor.

    Args:
        text: As a caller has sent it.
        query: The list that it asks for.
        seal: Decrypts the key, if it is encrypted.
        sealed_only: Whether a key that is not encrypted is refused. Who may not see a uid could
            make one up, and would learn from the page whether a uid comes behind it.

    Raises:
        ProblemError: 400: it is none, or one of another list.
    """
    try:
        made = orjson.loads(_decode(text))
        is_sealed = sealed_only or "k" not in made
        key = orjson.loads(seal.open(made["s"], _context(made))) if is_sealed else made["k"]
        dt, version, of = made["dt"], made["v"], made["q"]
        uid, pv = key
        is_number = pv is None or (type(pv) is int and -BIGGEST <= pv + 1 <= BIGGEST + 1)
        if not is_number or not isinstance(uid, str) or not _DAY.fullmatch(dt):
            raise ValueError("no key of a row")
        parse_day(dt)
        is_version = isinstance(version, str) and isinstance(of, str)
    except (ValueError, TypeError, KeyError, PermanentError):
        raise _invalid("This is no cursor of this API; take `next` as it is.") from None
    if not is_version or of != digest(query):
        raise _invalid(
            "This cursor belongs to another list: filters, ranges, uid_prefix and sort have to "
            "stay as they were on the first page."
        )
    return Cursor(dt, version, Key(uid, pv))


def encode_day(dt: str) -> str:
    """Return the cursor of a list of days that goes on before a day."""
    return _encode(orjson.dumps({"before": dt}))


def decode_day(text: str) -> str:
    """Read the cursor of a list of days.

    Raises:
        ProblemError: 400: it is none.
    """
    try:
        before = orjson.loads(_decode(text))["before"]
        if not _DAY.fullmatch(before):
            raise ValueError("no day")
    except (ValueError, TypeError, KeyError):
        raise _invalid("This is no cursor of this list; take `next` as it is.") from None
    return str(before)


def _invalid(detail: str) -> ProblemError:
    return ProblemError(400, "invalid-cursor", "The cursor is not valid", detail)


def _context(made: dict[str, Any]) -> bytes:
    return orjson.dumps([made["dt"], made["v"], made["q"]])


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    # Without validation the decoder drops what it does not know.
    if not re.fullmatch(r"[A-Za-z0-9_-]+", text):
        raise ValueError("not base64url")
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
