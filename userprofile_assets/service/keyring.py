"""The keys as a running server knows them: read again every 2 seconds at most.

Belongs here: how old they may get, and when a use of a key is written down. Does not belong here:
the table (`serving/api_keys.py`), what a key opens (`access.py`).

Keys that are older than 2 s are read again beside the request, which goes on with what is known.
Older than 5 s they are not used: the request waits for the new ones. So a key that is revoked is
good for 5 s at most, and a busy server's requests never wait. If the database does not answer
then, nobody is let in.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from userprofile_assets.errors import UserProfileError
from userprofile_assets.records.database import Records
from userprofile_assets.records.moments import now_text
from userprofile_assets.serving.api_keys import KnownKeys, read_known_keys, write_uses

FRESH_SECONDS = 2.0
"""Keys that were read within so many seconds are not read again."""

OLDEST_SECONDS = 5.0
"""Keys older than this are not used."""

USE_SECONDS = 60.0
"""The use of a key is written down at most once in so many seconds."""


class Keyring:
    """The keys of a database; belongs to one event loop.

    Args:
        records: The database.
        log: Told when a use could not be written down.
    """

    def __init__(self, records: Records, log: Callable[[str], None]) -> None:
        self._records = records
        self._log = log
        self._known: KnownKeys | None = None
        self._read_at = float("-inf")
        self._reading: asyncio.Task[KnownKeys] | None = None
        self._uses: dict[str, str] = {}
        self._written_at: dict[str, float] = {}
        self._writing: asyncio.Task[None] | None = None

    async def known(self) -> KnownKeys:
        """Return the keys, at most 5 s old.

        Raises:
            RecordsError: The database refuses.
            RecordsUnavailableError: It does not answer.
        """
        age = time.monotonic() - self._read_at
        if self._known is not None and age < FRESH_SECONDS:
            return self._known
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        if self._known is not None and age < OLDEST_SECONDS:
            return self._known
        # Shielded: a caller who goes away must not end it for the others who wait.
        return await asyncio.shield(self._reading)

    def used(self, key_id: str) -> None:
        """Note that a key was used; it is written down later, beside the requests."""
        now = time.monotonic()
        if now - self._written_at.get(key_id, float("-inf")) < USE_SECONDS:
            return
        self._written_at[key_id] = now
        self._uses[key_id] = now_text()
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())

    async def close(self) -> None:
        """Wait for what is read or written at the moment."""
        tasks = [task for task in (self._reading, self._writing) if task is not None]
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self) -> KnownKeys:
        began = time.monotonic()
        try:
            known = await asyncio.to_thread(read_known_keys, self._records)
        except UserProfileError as error:
            self._log(f"the keys cannot be read: {error}")
            raise
        self._known = known
        self._read_at = began
        return known

    async def _write(self) -> None:
        while self._uses:
            uses, self._uses = self._uses, {}
            try:
                await asyncio.to_thread(write_uses, self._records, uses)
            except UserProfileError as error:
                self._log(f"the use of a key cannot be written down: {error}")
