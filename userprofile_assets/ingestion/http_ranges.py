"""One file over several range requests at once, in order, with bounded memory.

Belongs here: the blocks, the threads that fetch them, giving up on ranges when they are refused or
no faster. Does not belong here: when ranges are worth a try (`http_transfer.py`).

Many servers and object stores limit the rate of one connection, not of one client. At most
`connections` + 2 blocks of 8 MiB are held: those that are fetched, and two that wait for their
turn.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from userprofile_assets.errors import SourceUnavailableError
from userprofile_assets.ingestion.http_body import gather, read_pieces
from userprofile_assets.ingestion.http_errors import (
    LATER,
    SourceBusyError,
    SourceChangedError,
    SourceTooSlowError,
)
from userprofile_assets.ingestion.http_parts import RangesRefusedError, Whole, check_part
from userprofile_assets.ingestion.retry import GaveUpError, Patience

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from userprofile_assets.ingestion.http_session import HttpSession

BLOCK_BYTES = 8 * 1024**2

_WAITING_BLOCKS = 2
_ROUNDS = 3  # blocks per connection before ranges are judged
_FASTER = 1.2


@dataclass
class Gain:
    """Judges whether ranges are faster than the one stream was.

    Attributes:
        single: Bytes a second of the one stream.
        received: Bytes that came in ranges.
        waited: Seconds that were waited for them.
    """

    single: float
    received: int = 0
    waited: float = 0.0

    def is_none(self, *, connections: int) -> bool:
        """Tell, once there is enough to judge by, that ranges are not worth their requests."""
        if self.received < _ROUNDS * connections * BLOCK_BYTES:
            return False
        return self.received < _FASTER * self.single * self.waited


def read_ranges(
    session: HttpSession,
    whole: Whole,
    *,
    start: int,
    log: Callable[[str], None],
    gain: Gain,
) -> Generator[bytes, None, None]:
    """Yield the file from `start` on, chunk by chunk; may end early, at the end of a block.

    The first block is asked for alone. It ends before that one when the server gives no parts.

    Raises:
        SourceChangedError: The file is another one by now.
        SourceUnavailableError: A block cannot be had this way; one stream may still go on.
        DeadlineError: The time is over.
    """
    size = whole.length or 0
    connections = session.options.connections
    blocks = _Blocks(session, whole, log=log)
    try:
        end = min(start + BLOCK_BYTES, size)
        try:
            first = blocks.fetch(start, end, patient=False)
        except RangesRefusedError:
            return
        log(
            f"The server gives about {gain.single / 1024**2:.1f} MiB/s on one connection: "
            f"reading on from byte {start:,} with up to {connections} range requests at once"
        )
        yield from _emptied(first)
        following = end
        pending: deque[Future[deque[bytes]]] = deque()
        while following < size or pending:
            while following < size and len(pending) < connections + _WAITING_BLOCKS:
                end = min(following + BLOCK_BYTES, size)
                pending.append(blocks.submit(following, end))
                following = end
            begun = time.monotonic()
            try:
                block = pending.popleft().result()
            except (GaveUpError, RangesRefusedError) as error:
                raise SourceUnavailableError(
                    error.what, where=error.where, remedy=error.remedy
                ) from error
            gain.waited += time.monotonic() - begun
            gain.received += sum(map(len, block))
            yield from _emptied(block)
            if gain.is_none(connections=connections) and following < size:
                log("Several range requests are not faster here: reading on in one stream")
                return
    finally:
        blocks.close()


def _emptied(block: deque[bytes]) -> Iterator[bytes]:
    """Give out a block in chunks, each of which can be freed before the next one is asked for.

    Joined, it would be in memory twice.
    """

    def pieces() -> Iterator[bytes]:
        while block:
            yield block.popleft()

    return gather(pieces())


class _Blocks:
    """Fetches blocks, each of which goes on where it broke off."""

    def __init__(self, session: HttpSession, whole: Whole, *, log: Callable[[str], None]) -> None:
        self._session = session
        self._whole = whole
        self._log = log
        self._submitted = False
        self._cancelled = threading.Event()
        self._threads = ThreadPoolExecutor(session.options.connections, "range")

    def submit(self, start: int, end: int) -> Future[deque[bytes]]:
        """Fetch a block in a thread."""
        self._submitted = True
        return self._threads.submit(self.fetch, start, end)

    def close(self) -> None:
        """Stop what is under way; wakes threads that wait for the server."""
        self._cancelled.set()
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._submitted:  # else the first answer is still to be read, on a connection of its own
            self._session.interrupt()
        self._threads.shutdown(wait=True)

    def fetch(self, start: int, end: int, *, patient: bool = True) -> deque[bytes]:
        """Return the pieces from `start` up to, not with, `end`.

        Args:
            start: First byte.
            end: Byte after the last one.
            patient: Whether it goes on after a cut; without, the first failure is raised.
        """
        pieces: deque[bytes] = deque()
        patience = Patience(self._log, deadline=self._session.deadline, cancelled=self._cancelled)
        offset = start
        while True:
            begun = offset
            try:
                for piece in self._rest(offset, end):
                    pieces.append(piece)
                    offset += len(piece)
                    if self._cancelled.is_set():  # a connection that was opened after the end
                        break
                if offset == end:
                    return pieces
                failure = SourceUnavailableError(
                    f"a part ended at byte {offset:,} instead of {end:,}",
                    where=self._session.name,
                    remedy=LATER,
                )
            except (SourceChangedError, SourceBusyError):
                # Busy: too many requests at once, most likely. One stream is the answer to that.
                raise
            except SourceUnavailableError as error:
                failure = error
            if not patient or self._cancelled.is_set():
                raise failure
            # A drip brings bytes too, so it would never end.
            if offset > begun and not isinstance(failure, SourceTooSlowError):
                patience.progress()
            patience.wait(failure, offset=offset)

    def _rest(self, start: int, end: int) -> Iterator[bytes]:
        whole, name = self._whole, self._session.name
        response = self._session.send(whole.range_headers(start, end))
        try:
            check_part(response, whole, name=name, start=start, end=end)
            for piece, _ in read_pieces(response, self._session):
                start += len(piece)
                if start > end:
                    raise SourceChangedError(
                        f"a part went on after byte {end:,}, where it had to end",
                        where=name,
                        remedy=LATER,
                    )
                yield piece
        finally:
            response.close()
