"""HTTP/1.1 as uvicorn and httptools speak it, with limits on heads and on readers that stop.

Belongs here: what happens before an application sees a request, and while its answer is sent. Does
not belong here: limits that an application can see (`request_limits.py`).

Uvicorn limits the wait between two requests (`timeout_keep_alive`) and nothing else: a head may
take for ever and be of any size, and so may the sending of an answer. A few hundred such
connections would use up memory and, by half-sent answers, the database's connections.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from userprofile_assets.service.metrics import ServiceMetrics
from userprofile_assets.service.problems import MEDIA_TYPE

HEAD_SECONDS = 10.0
"""Seconds from the connection, or the first byte of a request, to the end of its head."""

HEAD_BYTES = 32 * 1024
"""Most bytes of a head; 8 KB of them may be the address (`request_limits.LONGEST_URL`)."""

# How exact that is.
_PIECE_BYTES = 4096

MOST_CONNECTIONS = 800
"""Most connections at once: below the 1,024 files that a process usually may open."""

STALLED_SECONDS = 30.0
"""Seconds that a caller may take nothing of an answer that waits to be sent."""


class LimitedProtocol(HttpToolsProtocol):
    """One connection.

    Attributes:
        on_broken: Told the reason when a connection is ended: `slow_head`, `large_head`,
            `not_http`, `stalled_reader` or `too_many`.
    """

    on_broken: Callable[[str], None] = staticmethod(lambda reason: None)  # noqa: ARG005 - a default

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._head_timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._in_head = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        """Start the clock of the first head."""
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            self.on_broken("too_many")
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "too-many-connections")
        else:
            self._watch_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clocks."""
        self._unwatch_head()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count the bytes of heads, and feed the parser."""
        if self._in_head:
            # Blank lines between two requests stop the clock of uvicorn and begin no head.
            self._watch_head()
            # In pieces, since what was received may hold much more than the head that is counted.
            while data and self._in_head:
                piece, data = data[:_PIECE_BYTES], data[_PIECE_BYTES:]
                self._head_bytes += len(piece)
                super().data_received(piece)
                if self.transport.is_closing():
                    return
                if self._in_head and self._head_bytes > HEAD_BYTES:
                    self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "head-too-large")
                    self.on_broken("large_head")
                    return
        if data:
            super().data_received(data)

    def on_message_begin(self) -> None:
        """Start the clock of a head that follows another request in one packet."""
        super().on_message_begin()
        self._watch_head()

    def on_headers_complete(self) -> None:
        """Stop the clock of the head."""
        self._in_head = False
        self._head_bytes = 0
        self._unwatch_head()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Expect the next head."""
        self._in_head = True
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP."""
        del msg
        self.on_broken("not_http")
        self._refuse(HTTPStatus.BAD_REQUEST, "bad-request")

    def pause_writing(self) -> None:
        """Start the clock of a reader that takes nothing."""
        super().pause_writing()
        if self._stall_timer is None:
            self._stall_timer = self.loop.call_later(STALLED_SECONDS, self._reader_stalled)

    def resume_writing(self) -> None:
        """Stop that clock."""
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None
        super().resume_writing()

    def _watch_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_is_slow)

    def _unwatch_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_is_slow(self) -> None:
        if self.transport.is_closing():
            return
        self._head_timer = None
        self.on_broken("slow_head")
        self._refuse(HTTPStatus.REQUEST_TIMEOUT, "request-timeout")

    def _reader_stalled(self) -> None:
        self._stall_timer = None
        self.on_broken("stalled_reader")
        # Not close(): that waits until the reader has taken what is in the buffer.
        self.transport.abort()

    def _refuse(self, status: HTTPStatus, slug: str) -> None:
        """Answer with a problem and end the connection, unless an answer is on its way."""
        cycle = self.cycle
        between = cycle is None or cycle.response_complete
        if between or not (cycle.response_started or self.pipeline):
            problem = {
                "type": f"/problems/{slug}",
                "title": status.phrase,
                "status": int(status),
                "detail": f"{status.description or status.phrase}.",
            }
            body = json.dumps(problem).encode()
            head = (
                f"HTTP/1.1 {int(status)} {status.phrase}\r\nContent-Type: {MEDIA_TYPE}\r\n"
                f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            )
            self.transport.write(head.encode() + body)
        self.transport.close()


def limited_protocol(metrics: ServiceMetrics) -> type[LimitedProtocol]:
    """Return the protocol of a server that counts the connections that it ends."""

    class Counted(LimitedProtocol):
        on_broken = staticmethod(lambda reason: metrics.broken.labels(reason).inc())

    return Counted
