"""Ask the database for its health at most once a second, however many probes come.

Belongs here: sharing one look. Does not belong here: what is looked at (`routes/health.py`).

Probes need no key, so they must not be a way to keep the database busy, nor may they fill the
threads of the server while the database does not answer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

_FRESH_SECONDS = 1.0


class Readiness:
    """One look at the database that all probes of a second share; belongs to one event loop."""

    def __init__(self) -> None:
        self._looking: asyncio.Task[None] | None = None
        self._looked_at = float("-inf")

    async def check(self, look: Callable[[], None]) -> None:
        """Return if the look returns; raises what it raises.

        Args:
            look: Runs in a thread.
        """
        done = self._looking is None or self._looking.done()
        if self._looking is None or (done and time.monotonic() - self._looked_at > _FRESH_SECONDS):
            self._looked_at = time.monotonic()
            self._looking = asyncio.create_task(asyncio.to_thread(look))
        await asyncio.shield(self._looking)
