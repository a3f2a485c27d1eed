"""How a text that a column cannot hold is stored: cut, with the hash of the whole behind it.

Belongs here: the rule, for one text. Does not belong here: applying it to a million
(`arrow_texts.py`).

A name in a log is whatever somebody sent: 8 KiB long, or with NUL in it. Such a name must neither
stop a publishing nor become equal to another one. So a text is stored as it is unless

- it has more characters than the column,
- it has a NUL, which SQLite's functions take for the end and PostgreSQL refuses,
- it is no valid UTF-8 (in Python: it has lone surrogates), or
- it looks itself like what this rule makes, which somebody could send on purpose;

then its first characters, with U+FFFD for NUL and what is no UTF-8, `~`, and the SHA-256 of its
bytes in hexadecimal digits stand for it. Two texts that differ stay different.
"""

from __future__ import annotations

import hashlib
import re

HASHED = r"~[0-9a-f]{64}\z"
"""What ends a text that stands for another one, as RE2 writes it."""

NO_TEXT = "~" + 64 * "0"
"""Stands for NULL where a key needs a text; the form above, so no text is stored as this."""

_HASHED = re.compile(r"~[0-9a-f]{64}\Z")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_TAIL = 65


def stored(text: str, limit: int) -> str:
    """Return how a text is stored.

    Args:
        text: The text; bytes that are no UTF-8 as `surrogateescape` decodes them.
        limit: Characters of the column.
    """
    plain = len(text) <= limit and not _UNSTORABLE.search(text) and not _HASHED.search(text)
    return text if plain else hashed(text, limit)


def hashed(text: str, limit: int) -> str:
    """Return what stands for a text that cannot be stored as it is."""
    digest = hashlib.sha256(_bytes(text)).hexdigest()
    # A text that is cut needs no look at what is cut off, which may be megabytes.
    return _UNSTORABLE.sub("\ufffd", text[: limit - _TAIL]) + "~" + digest


def _bytes(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
