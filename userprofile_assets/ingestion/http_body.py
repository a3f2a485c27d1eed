"""Reading the body of one answer: time limits, and chunks of a useful size.

Belongs here: what holds for a whole body and for a part alike. Does not belong here: which part it
is (`http_parts.py`), what happens after a cut (`http_transfer.py`).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from userprofile_assets.errors import SourceUnavailableError
from userprofile_assets.ingestion.http_errors import LATER, SourceTooSlowError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import httpx

    from userprofile_assets.ingestion.http_session import HttpSession

CHUNK_BYTES = 1024 * 1024
"""Most that one read asks a connection for."""

GATHER_BYTES = 256 * 1024
"""Smaller pieces are joined up to this: each step costs a call. Joining more would copy most of
what a fast connection brings."""


def read_pieces(response: httpx.Response, session: HttpSession) -> Iterator[tuple[bytes, float]]:
    """Yield the body as it comes, content codings not undone, each with the seconds waited for it.

    Raises:
        SourceTooSlowError: Less than the minimum rate over its window. Only the waiting for the
            server counts, not the time that the other side of the copy takes.
        SourceUnavailableError: The body broke off, or nothing came for the read time-out.
        DeadlineError: The time is over.
    """
    options, name = session.options, session.name
    waited, received = 0.0, 0
    with session.named():
        pieces = iter(response.iter_raw())
    while True:
        begun = time.monotonic()
        with session.named():
            piece = next(pieces, None)
        seconds = time.monotonic() - begun
        if piece is None:
            return
        yield piece, seconds
        waited, received = waited + seconds, received + len(piece)
        if waited >= options.min_rate_window:
            if received < options.min_rate * waited:
                raise SourceTooSlowError(
                    f"only {received:,} bytes came in {waited:.0f} seconds",
                    where=name,
                    remedy=f"{LATER}; if it is always that slow, lower USERPROFILE_LOG_MIN_RATE "
                    f"({options.min_rate} bytes a second)",
                )
            waited, received = 0.0, 0


def gather(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Join small pieces to chunks of GATHER_BYTES or more; a failure comes after the rest."""
    gathered: list[bytes] = []
    size = 0
    failure: SourceUnavailableError | None = None
    try:
        for piece in pieces:
            gathered.append(piece)
            size += len(piece)
            if size >= GATHER_BYTES:
                yield b"".join(gathered)
                gathered, size = [], 0
    except SourceUnavailableError as error:
        failure = error
    if gathered:
        yield b"".join(gathered)
    if failure is not None:
        raise failure
