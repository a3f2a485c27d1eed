"""How many requests a key may make: a moving window of a minute, in the memory of this process.

Belongs here: counting, and the headers that tell a caller. Does not belong here: refusing
(`access.py`).

One worker serves (`cli/serve.py`), so one memory counts all. The headers are those of the IETF
draft `draft-ietf-httpapi-ratelimit-headers`.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

_SECONDS = 60


@dataclass(frozen=True)
class Count:
    """What the count says of a request.

    Attributes:
        allowed: Whether it may be answered.
        limit: Requests a minute.
        remaining: How many more may come now.
        reset_seconds: Seconds until another one may come that could not come now; at least 1.
    """

    allowed: bool
    limit: int
    remaining: int
    reset_seconds: int

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """The headers that say so."""
        return [
            (b"ratelimit-policy", b'"key";q=%d;w=%d' % (self.limit, _SECONDS)),
            (b"ratelimit", b'"key";r=%d;t=%d' % (self.remaining, self.reset_seconds)),
        ]


class RateLimit:
    """Counts the requests of each key.

    Args:
        default: Requests a minute of a key that has no limit of its own.
    """

    def __init__(self, default: int) -> None:
        self._default = default
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def count(self, key_id: str, limit: int | None) -> Count:
        """Count a request of a key; one that is refused does not count."""
        item = RateLimitItemPerMinute(limit or self._default)
        allowed = self._limiter.hit(item, key_id)
        reset_at, remaining = self._limiter.get_window_stats(item, key_id)
        seconds = max(1, math.ceil(reset_at - time.time()))
        return Count(allowed, item.amount, remaining, seconds)
