"""Send requests at a constant rate and say how long each took.

Run as `python -m benchmarks.api_load PORT RATE SECONDS`; reads paths from standard input, one a
line, and repeats them; prints JSON. A process of its own, so that it does not slow what it
measures.

The rate does not wait for answers (open loop), and a latency counts from when the request should
have been sent: a server that stalls for a second is seen by all requests of that second. Timers of
the event loop are good to 1 ms, which is part of each latency.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter, deque
from itertools import cycle

_CONNECTIONS = 32
_WARM_UP = 0.1
"""Share of the time at the beginning that does not count."""


class _Connection(asyncio.Protocol):
    """A connection that has one request under way, or none."""

    def __init__(self, load: _Load) -> None:
        self._load = load
        self._buffer = b""
        self._left = -1  # bytes of the body that are still to come; -1: of the head
        self._due = 0.0
        self._status = ""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Be ready."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for the type
        self._transport = transport
        self._load.free(self)

    def send(self, request: bytes, due: float) -> None:
        """Send a request."""
        self._due = due
        self._buffer = b""
        self._left = -1
        assert self._transport is not None  # noqa: S101 - as above
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Count what comes until the answer is complete."""
        if self._left < 0:
            self._buffer += data
            head, end, body = self._buffer.partition(b"\r\n\r\n")
            if not end:
                return
            self._status = head[9:12].decode()
            lower = head.lower()
            if b"content-length:" not in lower:
                raise RuntimeError(f"no length: {head!r}")
            length = int(lower.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
            self._left = length - len(body)
        else:
            self._left -= len(data)
        if self._left == 0:
            self._load.done(self._due, self._status)
            self._load.free(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell that it is gone."""
        self._load.lost(exc)


class _Load:
    def __init__(self, requests: list[bytes], rate: float, seconds: float) -> None:
        self._requests = cycle(requests)
        self._rate = rate
        self._count = int(rate * seconds)
        self._free: deque[_Connection] = deque()
        self._waiting: deque[tuple[bytes, float]] = deque()
        self._latencies: list[tuple[float, float]] = []
        self._statuses: Counter[str] = Counter()
        self._over = asyncio.Event()
        self._ending = False

    async def run(self, port: int) -> dict[str, object]:
        loop = asyncio.get_running_loop()
        made = [
            await loop.create_connection(lambda: _Connection(self), "127.0.0.1", port)
            for _ in range(_CONNECTIONS)
        ]
        start = loop.time() + 0.1
        cpu = time.process_time()
        for number in range(self._count):
            due = start + number / self._rate
            delay = due - loop.time()
            if delay > 0:
                await asyncio.sleep(delay)
            self._send(next(self._requests), due)
        await self._over.wait()
        cpu = time.process_time() - cpu
        self._ending = True
        for transport, _ in made:
            transport.close()
        counted = start + self._count / self._rate * _WARM_UP
        return {
            "milliseconds": sorted(1000 * took for due, took in self._latencies if due >= counted),
            "statuses": dict(self._statuses),
            "cpu_share": cpu / (self._count / self._rate),
        }

    def _send(self, request: bytes, due: float) -> None:
        if self._free:
            self._free.popleft().send(request, due)
        else:
            self._waiting.append((request, due))

    def free(self, connection: _Connection) -> None:
        if self._waiting:
            connection.send(*self._waiting.popleft())
        else:
            self._free.append(connection)

    def done(self, due: float, status: str) -> None:
        self._latencies.append((due, asyncio.get_running_loop().time() - due))
        self._statuses[status] += 1
        if len(self._latencies) == self._count:
            self._over.set()

    def lost(self, error: Exception | None) -> None:
        if not self._ending:
            raise RuntimeError(f"a connection was lost: {error}")


def main(port: int, rate: float, seconds: float) -> None:
    """Send and print."""
    requests = [
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
        for path in sys.stdin.read().split()
    ]

    async def run() -> dict[str, object]:
        return await asyncio.wait_for(_Load(requests, rate, seconds).run(port), seconds * 3 + 30)

    json.dump(asyncio.run(run()), sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]))
