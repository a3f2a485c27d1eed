"""Answers that are kept in memory, each until there is no room for it.

Belongs here: keeping, and making each once though many ask. Does not belong here: what an answer is
(`answers.py`).

The key of an answer is its entity tag, which has the versions of its days in it. So an answer never
gets old: when a day changes, nobody asks for that key any more.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import NamedTuple


class Answer(NamedTuple):
    """A body with the tag of what it was made of."""

    tag: str
    body: bytes


class AnswerCache:
    """Keeps answers, the ones asked for last; used from one event loop.

    Args:
        most_bytes: Bytes of all bodies together.
    """

    def __init__(self, most_bytes: int = 64 * 1024 * 1024) -> None:
        self._most = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._being_made: dict[str, asyncio.Task[Answer]] = {}

    def get(self, tag: str) -> bytes | None:
        """Return a body, or None."""
        body = self._kept.get(tag)
        if body is not None:
            self._kept.move_to_end(tag)
        return body

    async def get_or_make(self, tag: str, make: Callable[[], Awaitable[Answer]]) -> Answer:
        """Return an answer; if it is not kept, the first who asks makes it for all who wait.

        Args:
            tag: What it should be made of.
            make: Makes it. If a day was published meanwhile its tag is another one.
        """
        body = self.get(tag)
        if body is not None:
            return Answer(tag, body)
        task = self._being_made.get(tag)
        if task is None:
            task = asyncio.ensure_future(self._make(tag, make))
            self._being_made[tag] = task
        # Who goes away must not cancel it for the others.
        return await asyncio.shield(task)

    async def _make(self, tag: str, make: Callable[[], Awaitable[Answer]]) -> Answer:
        try:
            answer = await make()
        finally:
            del self._being_made[tag]
        self._keep(answer)
        return answer

    def _keep(self, answer: Answer) -> None:
        if len(answer.body) > self._most // 8:
            return
        self._bytes += len(answer.body) - len(self._kept.pop(answer.tag, b""))
        self._kept[answer.tag] = answer.body
        while self._bytes > self._most:
            self._bytes -= len(self._kept.popitem(last=False)[1])
