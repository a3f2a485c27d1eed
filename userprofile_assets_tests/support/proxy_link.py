"""One connection through the fault proxy: its two threads, and the fault where it lies.

Belongs here: passing bytes on, counting them, carrying a fault out. Does not belong here: which
connection meets which fault (`fault_proxy.py`).
"""

from __future__ import annotations

import fcntl
import socket
import struct
import termios
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from userprofile_assets_tests.support.proxy_faults import CHUNK

if TYPE_CHECKING:
    from userprofile_assets_tests.support.fault_proxy import FaultProxy
    from userprofile_assets_tests.support.proxy_faults import Direction, Ending, Fault

_HEAD = 64 * 1024  # bytes of each direction that are kept, to look at what was said
_DRAIN_SECONDS = 20.0
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 seconds: close() sends RST


@dataclass
class Traffic:
    """What one connection carried; counts are bytes that were passed on."""

    down: int = 0
    up: int = 0
    heard: bytearray = field(default_factory=bytearray)  # what the client said, its first 64 KiB


class Link:
    """One client, its connection to the server, and the fault that it meets, if any."""

    def __init__(self, proxy: FaultProxy, client: socket.socket, fault: Fault | None) -> None:
        self.proxy = proxy
        self.client = client
        self.server: socket.socket | None = None
        self.fault = fault
        self.traffic = Traffic()
        self._lock = threading.Lock()
        self._ended = False
        self._pause = 0.0 if fault is None else fault.pause

    def run(self) -> None:
        """Connect to the server and pass bytes on until one side ends."""
        proxy = self.proxy
        try:
            self.server = socket.create_connection(proxy.upstream, timeout=60)
            self.server.settimeout(None)
        except OSError as error:
            proxy.errors.append(f"the proxy cannot reach {proxy.upstream}: {error}")
            self.end("reset")
            return
        for end in (self.client, self.server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        proxy.start(self._pump, self.client, self.server, "up")
        self._pump(self.server, self.client, "down")

    def _pump(self, source: socket.socket, target: socket.socket, direction: Direction) -> None:
        try:
            while chunk := source.recv(CHUNK):
                if not self._pass_on(chunk, target, direction):
                    return
        except OSError:
            self.end("reset")
            return
        # A half-closed connection stays open in the other direction.
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)
        if direction == "down":
            self.end("close")

    def _pass_on(self, chunk: bytes, target: socket.socket, direction: Direction) -> bool:
        """Send a chunk, with the fault where it lies; False: this direction carries no more."""
        fault = self.fault
        done = getattr(self.traffic, direction)
        if direction == "up":
            self.traffic.heard += chunk[: _HEAD - len(self.traffic.heard)]
        if fault is None or fault.direction != direction or done + len(chunk) < fault.after:
            self._send(target, chunk, direction)
            return True
        before, rest = chunk[: max(0, fault.after - done)], chunk[max(0, fault.after - done) :]
        self._send(target, before, direction)
        if fault.kind == "cut":
            self.proxy.count()  # first: the test looks at it as soon as the client has seen the end
            self.end(fault.ending)
            return False
        if fault.kind == "black_hole":
            self.proxy.count()
            return False
        if fault.kind == "drip":
            return self._drip(rest, target, fault)
        self.fault = None
        if fault.kind == "call":
            fault.call()
        elif fault.kind == "rewrite":
            rest = fault.rewrite(rest)
        self.proxy.count()
        self._send(target, rest, direction)
        return True

    def _drip(self, rest: bytes, target: socket.socket, fault: Fault) -> bool:
        passed = getattr(self.traffic, fault.direction) - fault.after
        if passed == 0:
            self.proxy.count()
        while rest and passed < fault.length:
            piece, rest = rest[: fault.piece], rest[fault.piece :]
            self._send(target, piece, fault.direction)
            passed += len(piece)
            if self._pause and self.proxy.closing.wait(self._pause):
                return False
            self._pause *= fault.growth
        self._send(target, rest, fault.direction)
        return True

    def _send(self, target: socket.socket, data: bytes, direction: Direction) -> None:
        if data:
            # Counted first: whoever has received all bytes finds them counted.
            setattr(self.traffic, direction, getattr(self.traffic, direction) + len(data))
            target.sendall(data)

    def end(self, how: Ending) -> None:
        """End both connections; the client first gets all bytes that were sent to it."""
        with self._lock:
            if self._ended:
                return
            self._ended = True
        for peer in (self.client, self.server):
            if peer is None:
                continue
            with suppress(OSError):
                if how == "reset":
                    self._drain(peer)
                    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
                else:
                    peer.shutdown(socket.SHUT_RDWR)
            with suppress(OSError):
                # Wakes the thread that is in recv() on it, where close() alone would not; with
                # SO_LINGER at 0 the RST follows at once.
                peer.shutdown(socket.SHUT_RD)
            peer.close()

    def _drain(self, peer: socket.socket) -> None:
        """Wait until the peer's kernel has all bytes: RST throws away what was not sent yet."""
        deadline = time.monotonic() + _DRAIN_SECONDS
        waiting = bytearray(4)
        while not self.proxy.closing.is_set() and time.monotonic() < deadline:
            fcntl.ioctl(peer.fileno(), termios.TIOCOUTQ, waiting)  # bytes that are not acknowledged
            if not any(waiting):
                return
            time.sleep(0.001)  # between two looks at a condition
