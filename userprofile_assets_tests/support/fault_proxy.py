"""A TCP proxy that breaks connections at an exact byte, for tests of faults.

Belongs here: arming faults, choosing the connections that meet them, counting. Does not belong
here: what a fault is (`proxy_faults.py`), how it is carried out (`proxy_link.py`), protocols; no
fault knows what the bytes mean.

A fault is armed before the connection is made and sits at a byte, so nothing depends on timing.
Each fault counts how often it took place: a test asserts `proxy.fired`, and the fixture fails a
test whose proxy could not reach its server, which would otherwise look like a fault.
"""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import pytest

from userprofile_assets_tests.support.proxy_faults import NEVER, Direction, Ending, Fault
from userprofile_assets_tests.support.proxy_link import Link, Traffic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Direction", "Ending", "FaultProxies", "FaultProxy", "Traffic", "faults"]


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
        self._armed: Fault | None = None
        self._seen = 0  # connections since the fault was armed
        self._links: list[Link] = []
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
        times: int = NEVER,
        skip: int = 0,
    ) -> None:
        """End the connection after exactly so many bytes, by RST or by FIN."""
        self._arm(Fault("cut", after, direction, how, skip, times))

    def black_hole_after(
        self, after: int, *, direction: Direction = "down", times: int = NEVER, skip: int = 0
    ) -> None:
        """Pass nothing on after so many bytes, while the connection stays open."""
        self._arm(Fault("black_hole", after, direction, skip=skip, times=times))

    def refuse(self, *, times: int = NEVER, skip: int = 0) -> None:
        """Reset the connection as soon as it is made."""
        self._arm(Fault("refuse", skip=skip, times=times))

    def drip_after(
        self,
        after: int,
        *,
        piece: int = 1,
        pause: float = 0.001,
        growth: float = 1.0,
        length: int = NEVER,
        direction: Direction = "down",
        times: int = NEVER,
        skip: int = 0,
    ) -> None:
        """Pass `length` bytes in small pieces with a pause (seconds) after each, then as usual.

        With a `growth` above 1 each pause is so many times as long as the one before.
        """
        self._arm(
            Fault(
                "drip",
                after,
                direction,
                skip=skip,
                times=times,
                piece=piece,
                pause=pause,
                growth=growth,
                length=length,
            )
        )

    def slice(self, piece: int, *, direction: Direction = "down") -> None:
        """Pass everything in pieces of so many bytes, without pauses."""
        self._arm(Fault("drip", 0, direction, piece=piece))

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
        self._arm(Fault("call", after, direction, skip=skip, times=times, call=call))

    def rewrite(self, rewrite: Callable[[bytes], bytes], *, direction: Direction = "down") -> None:
        """Change the first bytes of every connection, as a man in the middle does."""
        self._arm(Fault("rewrite", 0, direction, rewrite=rewrite))

    def heal(self) -> None:
        """Pass all connections from now on; `fired` stays."""
        with self._changed:
            self._armed = None

    def _arm(self, fault: Fault) -> None:
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

    def _next_fault(self) -> Fault | None:
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
            link = Link(self, client, fault)
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
