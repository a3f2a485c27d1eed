"""Callers that are slow, stop reading or go away; a database that is down; exceptions; the end."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import sqlite3
import threading
import time
from contextlib import closing, contextmanager, suppress

import pytest

from userprofile_assets.service import protocol
from userprofile_assets.service.app import create_app
from userprofile_assets.service.metrics import ServiceMetrics
from userprofile_assets.service.protocol import limited_protocol
from userprofile_assets_tests.support.api_server import api_server
from userprofile_assets_tests.support.ports import free_port

REQUEST = b"GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Running:
    """The application in a thread of this process, with routes that no user has."""

    def __init__(self, port, metrics, log):
        self.port = port
        self.metrics = metrics
        self.log = log

    def connect(self):
        return closing(socket.create_connection(("127.0.0.1", self.port), timeout=20))

    def line_with(self, words):
        """Wait for a line of the log, which is written after the answer."""
        deadline = time.monotonic() + 10
        while not (found := [line for line in self.log if words in line]):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return found[0]

    def broken(self, reason):
        return self.metrics.broken.labels(reason)._value.get()


@pytest.fixture
def running(settings):
    with running_app(settings) as one:
        yield one


@contextmanager
def running_app(settings):
    import uvicorn
    from fastapi.responses import StreamingResponse

    lines: list[str] = []
    metrics = ServiceMetrics()
    app = create_app(settings, log=lines.append, metrics=metrics)
    running = Running(free_port(), metrics, lines)

    @app.get("/fails")
    async def fails():
        raise ValueError("c4n4ry")

    @app.get("/breaks-off")
    async def breaks_off():
        async def pieces():
            yield b"begun,"
            raise ValueError("c4n4ry")

        return StreamingResponse(pieces())

    @app.get("/endless")
    async def endless():
        async def pieces():
            while True:
                await asyncio.sleep(0)  # as a route that waits for its database
                yield b"x" * 65536

        return StreamingResponse(pieces())

    config = uvicorn.Config(
        app,
        port=running.port,
        http=limited_protocol(metrics),
        ws="none",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)  # uvicorn tells by a flag only
        yield running
    finally:
        server.should_exit = True
        thread.join()


def read_until(connection, end):
    answer = b""
    while not answer.endswith(end):
        piece = connection.recv(65536)
        assert piece, answer
        answer += piece
    return answer


def read_all(connection):
    answer = b""
    while piece := connection.recv(65536):
        answer += piece
    return answer


def test_a_head_that_comes_too_slowly_is_refused(running, monkeypatch):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.3)
    with running.connect() as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: local")
        assert read_all(connection).startswith(b"HTTP/1.1 408 ")
    assert running.broken("slow_head") == 1


def test_dripping_bytes_do_not_gain_time(running, monkeypatch):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.5)
    with running.connect() as connection:
        connection.settimeout(0.05)
        answer = b""
        for byte in b"GET /healthz HTTP/1.1\r\n" + b"X-Slow: yes\r\n" * 100:
            try:
                connection.sendall(bytes([byte]))
                answer = connection.recv(64)
            except TimeoutError:
                continue
            break
        assert answer.startswith(b"HTTP/1.1 408 ")


def test_a_connection_that_says_nothing_is_ended(running, monkeypatch):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.3)
    with running.connect() as connection:
        assert read_all(connection).startswith(b"HTTP/1.1 408 ")


def test_the_second_head_of_a_connection_has_a_clock_too(running, monkeypatch):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.3)
    with running.connect() as connection:
        connection.sendall(REQUEST % b"healthz" + b"GET /he")
        statuses = re.findall(rb"HTTP/1.1 (\d+)", read_all(connection))
    assert statuses == [b"200", b"408"]


def test_a_reader_that_stops_is_cut_off(running, monkeypatch):
    monkeypatch.setattr(protocol, "STALLED_SECONDS", 0.3)
    with running.connect() as connection:
        connection.sendall(REQUEST % b"endless")
        while not running.broken("stalled_reader"):
            time.sleep(0.02)  # nothing else tells it
        with suppress(ConnectionResetError):
            assert not read_all(connection).endswith(b"0\r\n\r\n")


def test_more_connections_than_there_may_be_are_refused(running, monkeypatch):
    monkeypatch.setattr(protocol, "MOST_CONNECTIONS", 1)
    with running.connect() as first, running.connect() as second:
        assert read_all(second).startswith(b"HTTP/1.1 503 ")
        first.sendall(REQUEST % b"healthz")
        assert first.recv(64).startswith(b"HTTP/1.1 200 ")
    assert running.broken("too_many") == 1


def test_an_unexpected_exception_is_500_and_its_text_is_nowhere(running):
    with running.connect() as connection:
        connection.sendall(REQUEST % b"fails")
        answer = read_until(connection, b"}")
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b'"type":"/problems/internal-error"' in answer
    request_id = re.findall(rb"x-request-id: (\w+)", answer)[0].decode()
    told = running.line_with(" failed: ")
    assert told.startswith(f"id={request_id} failed: ValueError at ")
    assert "test_api_connections.py" in told
    assert b"c4n4ry" not in answer
    assert "c4n4ry" not in "".join(running.log)


def test_an_answer_that_breaks_off_is_not_ended_as_if_it_were_whole(running):
    with running.connect() as connection:
        connection.sendall(REQUEST % b"breaks-off")
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"begun," in answer
    assert not answer.endswith(b"0\r\n\r\n")
    assert "failed: ValueError" in running.line_with(" failed: ")


def test_head_of_an_endless_answer_ends(running):
    with running.connect() as connection:
        connection.sendall(b"HEAD /endless HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert read_all(connection).startswith(b"HTTP/1.1 200 ")


def test_it_starts_without_its_database_and_says_so(tmp_path):
    url = f"mysql+pymysql://user:s3cr3t@127.0.0.1:{free_port()}/db"
    with api_server(tmp_path / "home", {"SERVING_URL": url}, wait_for="/healthz") as server:
        answer = server.get("/readyz")
        assert (answer.status_code, answer.json()["type"]) == (503, "/problems/not-ready")
        assert answer.headers["retry-after"] == "5"
        answer = server.get("/api/v1/summary")
        assert answer.status_code == 503
        assert answer.json()["type"] == "/problems/database-unavailable"
        assert "127.0.0.1" not in answer.text
        assert "s3cr3t" not in server.log


def test_without_its_database_it_lets_nobody_in_from_elsewhere(tmp_path):
    url = f"mysql+pymysql://user:s3cr3t@127.0.0.1:{free_port()}/db"
    with api_server(
        tmp_path / "home",
        {"SERVING_URL": url},
        options=["--host", "0.0.0.0"],
        wait_for="/healthz",
    ) as server:
        assert server.get("/metrics").status_code == 503


def test_a_lost_column_makes_it_unready(tmp_path):
    with api_server(tmp_path / "home") as server:
        with closing(sqlite3.connect(server.home / "serving" / "userprofile.db")) as database:
            database.execute("ALTER TABLE ads_traffic_1d DROP COLUMN line_count")
        server.wait_until(lambda: server.get("/readyz").status_code == 503)
        # The log is written beside the answers.
        server.wait_until(lambda: "line_count" in server.log)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_a_signal_ends_it_in_good_order(tmp_path, number):
    with api_server(tmp_path / "home") as server:
        with closing(socket.create_connection(("127.0.0.1", server.port))) as idle:
            idle.sendall(REQUEST % b"healthz")
            assert idle.recv(64).startswith(b"HTTP/1.1 200 ")
            server.process.send_signal(number)
            assert server.process.wait(timeout=20) == 0
        assert server.log.endswith("The API has ended.\n")
        assert "Traceback" not in server.log
