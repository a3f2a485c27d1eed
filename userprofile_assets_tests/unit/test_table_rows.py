"""What a server sees of a reader that gives up; the reading itself is in `integration/`."""

from __future__ import annotations

import contextlib
import select
import socket

import pytest

from userprofile_assets.ingestion.table_rows import cut_off


@pytest.fixture
def sockets():
    """The two ends of a connection: the server's, and ours."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
        with server, ours:
            yield server, ours


def send_until_it_would_wait(server):
    server.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            server.send(bytes(1024 * 1024))


def read_to_the_end(ours):
    while ours.recv(1024 * 1024):
        pass


def test_a_server_that_waits_for_room_is_told_at_once_that_nobody_reads(sockets):
    server, ours = sockets
    send_until_it_would_wait(server)
    cut_off(ours)
    read_to_the_end(ours)  # the bytes that were there; it would wait without `cut_off`
    ours.close()
    # It can write again: that is, it learns the error.
    assert select.select([], [server], [], 30)[1] == [server]
    with pytest.raises(ConnectionError):
        server.send(b"x")
