"""How the records write points in time: ISO 8601 in UTC with microseconds and `Z`, so they sort."""

from __future__ import annotations

from datetime import UTC, datetime

FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


def now_text() -> str:
    """Return the present moment."""
    return datetime.now(UTC).strftime(FORMAT)
