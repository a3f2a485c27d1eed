"""The fault proxy itself: each fault takes place at its byte, and is counted."""

from __future__ import annotations

import socket
import threading

import pytest

from userprofile_assets_tests.support.fault_proxy import FaultProxies

ANSWER = bytes(range(256)) * 4096  # 1 MiB: more than the sockets of one connection hold


@pytest.fixture
def server():
    """A server that reads 4 bytes, sends ANSWER, and keeps what else it hears until EOF."""
    heard: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection):
        with connection:
            try:
                heard.append(connection.recv(4))
                connection.sendall(ANSWER)
                while more := connection.recv(65536):
                    heard.append(more)
            except OSError:
                return

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    yield listener.getsockname()[1], heard
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    accepting.join(timeout=10)


def fetch(proxy):
    """Return what came, and how it ended: `all`, `close` or the name of the error."""
    got = bytearray()
    try:
        with socket.create_connection((proxy.host, proxy.port), timeout=60) as client:
            client.sendall(b"GET!")
            while len(got) < len(ANSWER):
                part = client.recv(65536)
                if not part:
                    return bytes(got), "close"
                got += part
    except OSError as error:
        return bytes(got), type(error).__name__
    return bytes(got), "all"


def test_without_a_fault_everything_passes(faults, server):
    proxy = faults.before("127.0.0.1", server[0])

    assert fetch(proxy) == (ANSWER, "all")
    assert proxy.fired == 0
    assert (proxy.connections[0].down, proxy.connections[0].up) == (len(ANSWER), 4)
    assert proxy.connections[0].heard == b"GET!"


@pytest.mark.parametrize("after", [1, 4097, len(ANSWER) // 2, len(ANSWER) - 1])
@pytest.mark.parametrize(("how", "ending"), [("reset", "ConnectionResetError"), ("close", "close")])
def test_a_cut_comes_at_its_byte_once_and_then_all_passes(faults, server, after, how, ending):
    proxy = faults.before("127.0.0.1", server[0])
    proxy.cut_after(after, how=how, times=1)

    assert fetch(proxy) == (ANSWER[:after], ending)
    proxy.wait_until_fired()
    assert fetch(proxy) == (ANSWER, "all")
    assert proxy.fired == 1
    assert len(proxy.connections) == 2


def test_a_cut_at_byte_0_and_a_refused_connection_carry_nothing(faults, server):
    proxy = faults.before("127.0.0.1", server[0])
    proxy.cut_after(0, times=1)
    assert fetch(proxy)[0] == b""

    proxy.refuse(times=1)
    got, ending = fetch(proxy)

    assert got == b""
    assert ending in {"ConnectionResetError", "BrokenPipeError"}
    assert proxy.fired == 2
    assert server[1] == []
    assert fetch(proxy) == (ANSWER, "all")


def test_skipped_connections_pass_before_the_fault(faults, server):
    proxy = faults.before("127.0.0.1", server[0])
    proxy.cut_after(10, skip=1, times=1)

    assert [len(fetch(proxy)[0]) for _ in range(3)] == [len(ANSWER), 10, len(ANSWER)]


def test_a_black_hole_is_silent_and_stays_open(faults, server):
    proxy = faults.before("127.0.0.1", server[0])
    proxy.black_hole_after(1000)

    with socket.create_connection((proxy.host, proxy.port), timeout=60) as client:
        client.sendall(b"GET!")
        got = b""
        while len(got) < 1000:
            got += client.recv(1000)
        proxy.wait_until_fired()
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.recv(1)

    assert got == ANSWER[:1000]


def test_a_drip_passes_every_byte(faults, server):
    proxy = faults.before("127.0.0.1", server[0])
    proxy.drip_after(1000, piece=3, pause=0.0001, length=300)

    assert fetch(proxy) == (ANSWER, "all")
    assert proxy.fired == 1


def test_slices_pass_every_byte(faults, server):
    proxy = faults.before("127.0.0.1", server[0])
    proxy.slice(777)

    assert fetch(proxy) == (ANSWER, "all")
    assert proxy.fired == 1


def test_an_upload_is_cut_at_its_byte(faults, server):
    port, heard = server
    proxy = faults.before("127.0.0.1", port)
    proxy.cut_after(5004, direction="up", how="close", times=1)

    with socket.create_connection((proxy.host, proxy.port), timeout=60) as client:
        client.sendall(b"GET!")
        with pytest.raises(OSError):  # noqa: PT011 - reset or broken pipe, whichever comes first
            for _ in range(10_000):
                client.sendall(b"x" * 1000)

    assert proxy.connections[0].up == 5004
    assert set(b"".join(heard[1:])) <= {ord("x")}


def test_a_call_is_made_between_two_bytes(faults, server):
    proxy = faults.before("127.0.0.1", server[0])
    seen: list[int] = []
    proxy.call_after(50_000, lambda: seen.append(proxy.connections[0].down))

    assert fetch(proxy) == (ANSWER, "all")
    assert seen == [50_000]


def test_the_first_bytes_can_be_rewritten(faults, server):
    proxy = faults.before("127.0.0.1", server[0])
    proxy.rewrite(lambda data: b"forged" + data[6:])

    assert fetch(proxy) == (b"forged" + ANSWER[6:], "all")
    assert proxy.fired == 1


def test_a_server_that_cannot_be_reached_fails_the_test():
    from contextlib import ExitStack

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with ExitStack() as stack:
        proxies = FaultProxies(stack)
        fetch(proxies.before("127.0.0.1", port))

        with pytest.raises(pytest.fail.Exception, match="the proxy cannot reach"):
            proxies.check()
