"""Entity tags, and how long an answer may be kept.

Belongs here: ETag, If-None-Match, Cache-Control, Vary. Does not belong here: the server's own
cache (`answer_cache.py`), tags of compressed answers (`compression.py`).

A tag is made of the versions of the days that were read and of the question. A day that is
published anew has another version, so its answers have other tags, even if no number changed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import Request, Response

_TAGS = re.compile(r'(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"')


def tag_of(*parts: Any) -> str:
    """Return the entity tag of what an answer depends on, with its quotes.

    Args:
        parts: Plain values: names, versions, filters; the order of a mapping plays no part.
    """
    text = orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)
    return f'"{hashlib.blake2b(text, digest_size=16).hexdigest()}"'


def headers(tag: str, *, is_dated: bool) -> dict[str, str]:
    """Return the headers of an answer for a day.

    Args:
        tag: From `tag_of`.
        is_dated: Whether the day was asked for. Without one the newest is meant, which may be
            another one at the next request, so the answer has to be asked for again.
    """
    kept = "private, max-age=60" if is_dated else "private, no-cache"
    return {"ETag": tag, "Cache-Control": kept, "Vary": "Authorization, Accept"}


def is_known(request: Request, tag: str) -> bool:
    """Tell whether the caller has this answer already (RFC 9110, 13.1.2: compared weakly)."""
    sent = request.headers.getlist("if-none-match")
    if not sent:
        return False
    text = ", ".join(sent)
    return text.strip() == "*" or tag[1:-1] in _TAGS.findall(text)


def not_modified(head: Mapping[str, str]) -> Response:
    """Return the answer to who has it already."""
    return Response(status_code=304, headers=dict(head))
