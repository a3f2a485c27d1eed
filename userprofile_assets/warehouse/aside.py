"""Calls on a thread of their own, so that an interrupt is never raised inside of them.

Belongs here: the thread. Does not belong here: what is called (`classic.py`).

A signal's exception is raised wherever the main thread is. In the middle of py4j's wait for an
answer it leaves a connection on which the next call reads the former one's answer. pyspark makes
that next call itself, on its way out of a statement: it waits for the statement's end, or raises an
error that takes the interrupt's place. Dagster's own interrupts are of a kind that py4j does not
know, so it cannot tidy up behind them.
"""

from __future__ import annotations

import threading
import weakref
from concurrent.futures import Future, wait
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")
# A signal that comes just before a wait, or to another thread, does not end it: its handler runs
# when this time is over. Of 8,000 interrupts sent as a call began, one in 14 came so.
_LOOK_EVERY_S = 0.5

_Calls: TypeAlias = "SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None]"


class Aside:
    """Makes one call after the other on a thread; it ends when nobody has this object any more."""

    def __init__(self) -> None:
        self._calls: _Calls | None = None

    def call(self, function: Callable[[], _T]) -> _T:
        """Call a function over there, wait, and return or raise what it did.

        When the wait is interrupted, the function goes on alone, and the next one gets another
        thread.
        """
        called: Future[_T] = Future()
        if self._calls is None:
            self._calls = self._begun()
        calls = self._calls
        # The interrupt may come as soon as it is over there, before the wait has begun.
        try:
            calls.put((function, called))
            while not called.done():
                wait([called], timeout=_LOOK_EVERY_S)
            return called.result()
        except BaseException:
            if not called.done():
                self._calls = None
                calls.put(None)
            raise

    def _begun(self) -> _Calls:
        calls: _Calls = SimpleQueue()
        threading.Thread(target=_work, args=(calls,), name="spark-calls", daemon=True).start()
        weakref.finalize(self, calls.put, None)
        return calls


def _work(calls: _Calls) -> None:
    while (call := calls.get()) is not None:
        function, called = call
        try:
            called.set_result(function())
        except BaseException as error:  # noqa: BLE001 - raised where it was called
            called.set_exception(error)
        # Else the rows of a statement would be kept until the next one.
        del call, function, called
