"""A TCP proxy that breaks connections at an exact byte, for tests of faults.

Belongs here: passing bytes on, counting them, and the faults: cut, black hole, refuse, drip, slice,
rewrite, a call in the middle. Does not belong here: protocols; no fault knows what the bytes mean.

A fault is armed before the connection is made and sits at a byte, so nothing depends on timing.
Each fault counts how often it took place: a test asserts `proxy.fired`, and the fixture fails a
test whose proxy could not reach its server, which would otherwise look like a fault.
"""

from __future__ import annotations

import fcntl
import socket
import struct
import termios
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Direction = Literal["down", "up"]  # down: from the server to the client
Ending = Literal["reset", "close"]  # RST, or FIN as of a server that ends in an orderly way

_CHUNK = 64 * 1024
_HEAD = 64 * 1024  # bytes of each direction that are kept, to look at what was said
_DRAIN_SECONDS = 20.0
_NEVER = 1 << 62
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 seconds: close() sends RST


@dataclass
class Traffic:
    """What one connection carried; counts are bytes that were passed on."""

    down: int = 0
    up: int = 0
    heard: bytearray = field(default_factory=bytearray)  # what the client said, its first 64 KiB


@dataclass
class _Fault:
    kind: Literal["cut", "black_hole", "refuse", "drip", "call", "rewrite"]
    after: int = 0
    direction: Direction = "down"
    ending: Ending = "reset"
    skip: int = 0
    times: int = _NEVER
    piece: int = _CHUNK
    pause: float = 0.0
    length: int = _NEVER
    call: Callable[[], None] = lambda: None
    rewrite: Callable[[bytes], bytes] = bytes


class _Link:
    """One client, its connection to the server, and the fault that it meets, if any."""

    def __init__(self, proxy: FaultProxy, client: socket.socket, fault: _Fault | None) -> None:
        self.proxy = proxy
        self.client = client
        self.server: socket.socket | None = None
        self.fault = fault
        self.traffic = Traffic()
        self._lock = threading.Lock()
        self._ended = False

    def run(self) -> None:
        """Connect to the server and pass bytes on until one side ends."""
        proxy = self.proxy
        try:
            self.server = socket.create_connection(proxy.upstream, timeout=10)
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
            while chunk := source.recv(_CHUNK):
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

    def _drip(self, rest: bytes, target: socket.socket, fault: _Fault) -> bool:
        passed = getattr(self.traffic, fault.direction) - fault.after
        if passed == 0:
            self.proxy.count()
        while rest and passed < fault.length:
            piece, rest = rest[: fault.piece], rest[fault.piece :]
            self._send(target, piece, fault.direction)
            passed += len(piece)
            if fault.pause and self.proxy.closing.wait(fault.pause):
                return False
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


class FaultProxy:
    """A proxy on a loopback port before one server; passes everything until a fault is armed.

    A fault hits the next `times` connections after `skip` untouched ones, then all pass again. The
    position of a fault counts the bytes of its direction on that connection: 0 is before the first
    byte. `direction="up"` is what the client sends. Arming a fault replaces the former one.

    Attributes:
        host: Where clients connect, a loopback address.
        port: The port there.
        upstream: Address of the real server.
        connections: Traffic of each connection so far, refused ones included, in order.
        fired: How often a fault took place.
        errors: What went wrong in the proxy itself; the fixture fails the test when there is any.
        closing: Set when the proxy is being closed.
    """

    def __init__(self, host: str, port: int, *, at: str = "127.0.0.1") -> None:
        self.host = at
        self.upstream = (host, port)
        self.connections: list[Traffic] = []
        self.errors: list[str] = []
        self.closing = threading.Event()
        self._changed = threading.Condition()
        self._fired = 0
        self._armed: _Fault | None = None
        self._seen = 0  # connections since the fault was armed
        self._links: list[_Link] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server((self.host, 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self.start(self._accept)

    # --- faults -------------------------------------------------------------------------------

    def cut_after(
        self,
        after: int,
        *,
        how: Ending = "reset",
        direction: Direction = "down",
        times: int = _NEVER,
        skip: int = 0,
    ) -> None:
        """End the connection after exactly so many bytes, by RST or by FIN."""
        self._arm(_Fault("cut", after, direction, how, skip, times))

    def black_hole_after(
        self, after: int, *, direction: Direction = "down", times: int = _NEVER, skip: int = 0
    ) -> None:
        """Pass nothing on after so many bytes, while the connection stays open."""
        self._arm(_Fault("black_hole", after, direction, skip=skip, times=times))

    def refuse(self, *, times: int = _NEVER, skip: int = 0) -> None:
        """Reset the connection as soon as it is made."""
        self._arm(_Fault("refuse", skip=skip, times=times))

    def drip_after(
        self,
        after: int,
        *,
        piece: int = 1,
        pause: float = 0.001,
        length: int = _NEVER,
        direction: Direction = "down",
        times: int = _NEVER,
        skip: int = 0,
    ) -> None:
        """Pass `length` bytes in small pieces with a pause (seconds) after each, then as usual."""
        self._arm(
            _Fault(
                "drip",
                after,
                direction,
                skip=skip,
                times=times,
                piece=piece,
                pause=pause,
                length=length,
            )
        )

    def slice(self, piece: int, *, direction: Direction = "down") -> None:
        """Pass everything in pieces of so many bytes, without pauses."""
        self._arm(_Fault("drip", 0, direction, piece=piece))

    def call_after(
        self,
        after: int,
        call: Callable[[], None],
        *,
        direction: Direction = "down",
        times: int = 1,
        skip: int = 0,
    ) -> None:
        """Call something after so many bytes, before the next one is passed on."""
        self._arm(_Fault("call", after, direction, skip=skip, times=times, call=call))

    def rewrite(self, rewrite: Callable[[bytes], bytes], *, direction: Direction = "down") -> None:
        """Change the first bytes of every connection, as a man in the middle does."""
        self._arm(_Fault("rewrite", 0, direction, rewrite=rewrite))

    def heal(self) -> None:
        """Pass all connections from now on; `fired` stays."""
        with self._changed:
            self._armed = None

    def _arm(self, fault: _Fault) -> None:
        with self._changed:
            self._armed, self._seen = fault, 0

    # --- counting -----------------------------------------------------------------------------

    @property
    def fired(self) -> int:
        """How often a fault took place."""
        with self._changed:
            return self._fired

    def count(self) -> None:
        """Note that a fault took place."""
        with self._changed:
            self._fired += 1
            self._changed.notify_all()

    def wait_until_fired(self, times: int = 1, *, seconds: float = 30.0) -> None:
        """Wait until a fault took place so often, and fail the test if it does not."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._fired >= times, timeout=seconds):
                pytest.fail(f"the fault took place {self._fired} times, not {times}")

    # --- running ------------------------------------------------------------------------------

    def start(self, target: Callable[..., None], *arguments: object) -> None:
        """Run a part of the proxy in a thread of its own."""
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _next_fault(self) -> _Fault | None:
        with self._changed:
            fault, number = self._armed, self._seen
            self._seen += 1
        if fault is None or not fault.skip <= number < fault.skip + fault.times:
            return None
        return fault

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # closed
            fault = self._next_fault()
            link = _Link(self, client, fault)
            self._links.append(link)
            self.connections.append(link.traffic)
            if fault is not None and (
                fault.kind == "refuse" or (fault.kind == "cut" and fault.after == 0)
            ):
                # A cut at byte 0 needs no server, which might wait for the client to speak first.
                self.count()
                link.end(fault.ending)
            else:
                self.start(link.run)

    def close(self) -> None:
        """End all connections and threads."""
        self.closing.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for link in self._links:
            link.end("reset")
        for thread in self._threads:
            thread.join(timeout=10)


class FaultProxies:
    """Makes proxies; the fixture `faults` closes them at the end of the test."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._made: list[FaultProxy] = []

    def before(self, host: str, port: int, *, at: str = "127.0.0.1") -> FaultProxy:
        """Start a proxy before a server; `at` 127.0.0.2 is an address that no certificate names."""
        proxy = FaultProxy(host, port, at=at)
        self._stack.callback(proxy.close)
        self._made.append(proxy)
        return proxy

    def check(self) -> None:
        """Fail the test if a proxy itself failed: that must not pass for a fault."""
        problems = [problem for proxy in self._made for problem in proxy.errors]
        if problems:
            pytest.fail("\n".join(problems))


@pytest.fixture
def faults() -> Iterator[FaultProxies]:
    """Proxies that break connections; `proxy = faults.before(host, port)`."""
    with ExitStack() as stack:
        proxies = FaultProxies(stack)
        yield proxies
        proxies.check()
