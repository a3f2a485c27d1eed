"""Several streams of bytes, each made by a thread of its own, joined to one in a fixed order.

Belongs here: the threads, their bounded buffers, their end. Does not belong here: what the streams
are; the only user is `table_slices.py`.

One piece of each stream in turn: the order depends on the streams alone, never on which thread was
quicker. A thread that is ahead waits, so memory is `_AHEAD` pieces for each stream and the one that
it makes.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_AHEAD = 2


class RoundRobin:
    """Joins streams; iterate over it once.

    The first error of any stream is raised at once, and the others are stopped. `stop` has to be
    called when the iteration is given up; after it no thread runs.

    Args:
        streams: Each is iterated over in a thread of its own.
        wake: Called when threads have to stop that may be waiting inside of their stream: makes
            those waits end, by an error.
    """

    def __init__(self, streams: Sequence[Iterator[bytes]], *, wake: Callable[[], None]) -> None:
        self._streams = streams
        self._wake = wake
        self._changed = threading.Condition()
        self._ready: list[deque[bytes | None]] = [deque() for _ in streams]
        self._error: BaseException | None = None
        self._stopped = False
        self._threads: list[threading.Thread] = []

    def __iter__(self) -> Iterator[bytes]:
        for number, stream in enumerate(self._streams):
            thread = threading.Thread(
                # Daemon: an interpreter that is being ended does not wait for a database.
                target=self._run, args=(number, stream), name=f"slice-{number}", daemon=True
            )  # fmt: skip
            thread.start()
            self._threads.append(thread)
        turns = deque(range(len(self._streams)))
        while turns:
            number = turns.popleft()
            piece = self._take(number)
            if piece is not None:
                yield piece
                turns.append(number)
        self._join()  # all have come to their end

    def stop(self) -> None:
        """End all threads and wait for it. May be called again."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if any(thread.is_alive() for thread in self._threads):
            self._wake()
        self._join()

    def _join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _run(self, number: int, stream: Iterator[bytes]) -> None:
        try:
            for piece in stream:
                if not self._give(number, piece):
                    return
            self._give(number, None)
        except BaseException as error:  # noqa: BLE001 - raised again by the reader's thread
            with self._changed:
                self._error = self._error or error
                self._changed.notify_all()

    def _give(self, number: int, piece: bytes | None) -> bool:
        ready = self._ready[number]
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or len(ready) < _AHEAD)
            ready.append(piece)
            self._changed.notify_all()
            return not self._stopped

    def _take(self, number: int) -> bytes | None:
        ready = self._ready[number]
        with self._changed:
            self._changed.wait_for(lambda: self._error is not None or len(ready) > 0)
            if self._error is not None:
                raise self._error
            piece = ready.popleft()
            self._changed.notify_all()
            return piece


def same_pieces(blocks: Iterator[bytes], size: int) -> Iterator[bytes]:
    """Cut lines into pieces that do not depend on how the blocks were cut.

    Args:
        blocks: Whole lines, each with its LF.
        size: A piece ends with the first line end at or behind so many bytes.
    """
    waiting = bytearray()
    for block in blocks:
        waiting += block
        while end := waiting.find(b"\n", size - 1) + 1:
            with memoryview(waiting) as view:
                piece = bytes(view[:end])
            del waiting[:end]
            yield piece
    if waiting:
        yield bytes(waiting)
