"""What is noted of a request while it is answered: for its log line, metrics and headers.

Belongs here: the values. Does not belong here: what is done with them (`observation.py`).
"""

from __future__ import annotations

import re
import uuid
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any, cast

_KEY = "userprofile.notes"

# Ids as reverse proxies make them, such as nginx's $request_id: hexadecimal digits and hyphens,
# so nothing else gets from a caller into the log.
_GIVEN_ID = re.compile(rb"[0-9a-fA-F-]{16,64}")


@dataclass(kw_only=True)
class RequestNotes:
    """Notes on one request.

    Attributes:
        request_id: Stands in the answer, the log and in problems.
        key_id: Whose key it came with, once that is known to be right.
        headers: What is added to the answer's headers.
        failure: Why it was answered with 500 or above, for the log.
    """

    request_id: str
    key_id: str | None = None
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    failure: BaseException | None = None


def take_notes(scope: MutableMapping[str, Any]) -> RequestNotes:
    """Begin the notes on a request, with the id that a proxy in front gave it or a new one."""
    given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
    request_id = given.decode() if _GIVEN_ID.fullmatch(given) else uuid.uuid4().hex
    notes = scope[_KEY] = RequestNotes(request_id=request_id)
    return notes


def notes_of(scope: MutableMapping[str, Any]) -> RequestNotes:
    """Return the notes on a request."""
    notes = scope.get(_KEY)
    return take_notes(scope) if notes is None else cast("RequestNotes", notes)
