"""Threads that wait for the database, so that the event loop does not.

Belongs here: how many of which kind. Does not belong here: what they do.

The kinds have threads of their own: a dashboard that asks for ten slow aggregates takes no thread
from the lookup of a user, which takes less than a millisecond.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Literal, TypeVar

_T = TypeVar("_T")

Kind = Literal["lookup", "list", "aggregate", "catalog"]

# Together no more than the pool has connections (`serving/read_engine.py`); the catalogue takes
# none but for a moment.
_THREADS: dict[Kind, int] = {"lookup": 4, "list": 4, "aggregate": 4, "catalog": 1}


@cache
def _executor(kind: Kind) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_THREADS[kind], thread_name_prefix=kind)


async def run(kind: Kind, work: Callable[[], _T]) -> _T:
    """Return what some work gives, done in a thread."""
    return await asyncio.get_running_loop().run_in_executor(_executor(kind), work)
