"""Spark's Thrift server as an engine: transports, logins, broken connections, types."""

from __future__ import annotations

import datetime as dt
import socketserver
import struct
import threading
from contextlib import contextmanager
from decimal import Decimal

import pytest

from userprofile_assets.errors import SparkError, SparkUnavailableError
from userprofile_assets.warehouse.executor import Executor
from userprofile_assets.warehouse.open_engine import open_engine
from userprofile_assets.warehouse.thrift import ThriftEngine
from userprofile_assets_tests.support.ports import free_port
from userprofile_assets_tests.support.statements import ENDLESS
from userprofile_assets_tests.support.thrift import thrift_server_in
from userprofile_assets_tests.support.tls_front import tls_front
from userprofile_assets_tests.support.web import Answer

pytestmark = pytest.mark.xdist_group("spark-remote")

SECRET = "canary-password"


@contextmanager
def engine_of(url, **options):
    engine = ThriftEngine(url, **options)
    try:
        yield engine
    finally:
        engine.close()


@pytest.fixture
def trusted(authority, monkeypatch):
    """An authority that this machine trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_path))
    return authority


@pytest.fixture(scope="module")
def http_server(class_archive, tmp_path_factory):
    """A server that speaks Thrift over HTTP, as gateways of clouds do."""
    made = thrift_server_in(
        tmp_path_factory.mktemp("thrift-http"),
        {
            "hive.server2.transport.mode": "http",
            "hive.server2.thrift.http.path": "cliservice/token/canary-token",
        },
    )
    try:
        made.server.start()
        yield made
    finally:
        made.server.kill()


def test_types_arrive_as_python_knows_them(thrift_server):
    with engine_of(thrift_server.url()) as engine:
        rows = engine.execute(
            "SELECT 1.5, TIMESTAMP '2024-08-07 01:02:03.5', DATE '2024-08-07', X'00ff', "
            "NULL, true, 2.5D, '用', ARRAY(1, NULL)"
        )
    assert rows == [
        (
            Decimal("1.5"),
            dt.datetime(2024, 8, 7, 1, 2, 3, 500_000),  # noqa: DTZ001 - the server gives no zone
            "2024-08-07",
            b"\x00\xff",
            None,
            True,
            2.5,
            "用",
            "[1,null]",
        )
    ]


def test_keys_that_a_session_cannot_take_are_told_and_left_out(thrift_server):
    said: list[str] = []
    conf = {
        "spark.sql.shuffle.partitions": "3",
        "spark.sql.warehouse.dir": "/elsewhere",
        "spark.driver.memory": "9g",
    }
    with engine_of(thrift_server.url(), conf=conf, log=said.append) as engine:
        assert engine.execute("SET spark.sql.shuffle.partitions") == [
            ("spark.sql.shuffle.partitions", "3")
        ]
    assert said == [
        "the server's own, so not set from SPARK_CONF: spark.driver.memory, spark.sql.warehouse.dir"
    ]


def test_over_tls_the_host_is_checked_against_the_certificate(thrift_server, trusted):
    with tls_front(thrift_server.server.port, *trusted.issue("thrift.example")) as port:
        with engine_of(thrift_server.url(port=port, query="?transport=tls")) as engine:
            assert engine.execute("SELECT 1") == [(1,)]
        other = f"thrift://localhost:{port}/?transport=tls"
        with engine_of(other) as engine, pytest.raises(SparkError) as caught:
            engine.execute("SELECT 1")
    assert "certificate is not trusted: Hostname mismatch" in str(caught.value)
    assert "SSL_CERT_FILE" in str(caught.value)


def test_a_certificate_that_nobody_here_has_signed_is_refused(thrift_server, other_authority):
    certificate = other_authority.issue("thrift.example")
    with tls_front(thrift_server.server.port, *certificate) as port:
        for transport in ("tls", "https"):
            url = thrift_server.url(port=port, query=f"?transport={transport}")
            with engine_of(url) as engine, pytest.raises(SparkError, match="not trusted"):
                engine.execute("SELECT 1")


def test_over_http_and_https_a_session_works_as_over_tcp(http_server, trusted, tmp_path):
    path = "path=cliservice/token/canary-token"
    plain = http_server.url(query=f"?transport=http&{path}")
    with open_engine(http_server.options(tmp_path, remote=plain)) as engine:
        assert engine.execute("SELECT current_timezone()") == [("Asia/Shanghai",)]
    certificate = trusted.issue("gateway.example")
    with (
        tls_front(http_server.server.port, *certificate) as port,
        engine_of(http_server.url(port=port, query=f"?transport=https&{path}")) as engine,
    ):
        assert engine.execute("SELECT 1") == [(1,)]


def test_over_http_a_cancelled_statement_ends_on_the_server(http_server):
    url = http_server.url(query="?transport=http&path=cliservice/token/canary-token")
    with engine_of(url) as engine:
        cancel_when_it_runs(engine, http_server)
        with pytest.raises(SparkError, match="cancelled"):
            engine.execute(ENDLESS)
        http_server.server.wait_until_idle()
        assert engine.execute("SELECT 1") == [(1,)]


@pytest.mark.parametrize(
    ("status", "kind", "said"),
    [
        (401, SparkError, "the server refuses the login"),
        (403, SparkError, "the server refuses the login"),
        (404, SparkError, "correct the path"),
        (503, SparkUnavailableError, "HTTP 503"),
    ],
)
def test_an_answer_over_http_is_permanent_or_transient(web, status, kind, said):
    url = web.script("/cliservice", *[Answer(status=status, body=b"<html>no</html>")] * 3)
    address = url.replace("http://", f"thrift://me:{SECRET}@").replace("/cliservice", "/db")
    with engine_of(f"{address}?transport=http") as engine, pytest.raises(kind) as caught:
        engine.execute("SELECT 1")
    assert type(caught.value) is kind
    assert said in str(caught.value)
    assert SECRET not in str(caught.value)


class Refusing(socketserver.BaseRequestHandler):
    """Says what HiveServer2 says to a wrong password, in SASL's frames."""

    def handle(self):
        self.request.recv(4096)
        said = b"Error validating the login"
        self.request.sendall(struct.pack(">BI", 3, len(said)) + said)


def test_a_refused_login_is_permanent_and_shows_no_password():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"thrift://me:{SECRET}@127.0.0.1:{server.server_address[1]}/"
        with engine_of(url) as engine, pytest.raises(SparkError) as caught:
            engine.execute("SELECT 1")
        server.shutdown()
    assert type(caught.value) is SparkError
    assert "the server refuses the login" in str(caught.value)
    assert SECRET not in f"{caught.value!r}{caught.value}"


def test_a_server_that_is_not_there_is_transient():
    url = f"thrift://127.0.0.1:{free_port()}/"
    with engine_of(url) as engine, pytest.raises(SparkUnavailableError, match="Connection refused"):
        engine.execute("SELECT 1")


def test_a_session_that_the_server_has_forgotten_is_transient_and_opened_anew(thrift_server):
    with engine_of(thrift_server.url()) as engine:
        engine.execute("SELECT 1")
        session = engine._connection.sessionHandle
        with engine_of(thrift_server.url()) as other:
            other.execute("SELECT 1")
            other._connection._sessionHandle = session
        # `other` has closed the session of `engine` at its end.
        with pytest.raises(SparkUnavailableError, match="forgotten this session"):
            engine.execute("SELECT 1")
        assert Executor(engine, print).run("SELECT 2", where="x") == [(2,)]


def cancel_when_it_runs(engine, server):
    # Cancelling before there is a statement does nothing, so the session is opened first.
    engine.execute("SELECT 1")

    def cancel():
        try:
            server.server.wait_for_jobs("running")
        finally:
            engine.cancel()

    threading.Thread(target=cancel, daemon=True).start()


def test_a_cancelled_statement_ends_on_the_server(thrift_server):
    with engine_of(thrift_server.url()) as engine:
        cancel_when_it_runs(engine, thrift_server)
        with pytest.raises(SparkError, match="the statement was cancelled"):
            engine.execute(ENDLESS)
        thrift_server.server.wait_until_idle()


def test_an_interrupted_statement_ends_on_the_server(thrift_server, monkeypatch):
    with engine_of(thrift_server.url()) as engine:
        engine.execute("SELECT 1")

        def interrupt(seconds):
            thrift_server.server.wait_for_jobs("running")
            raise KeyboardInterrupt

        monkeypatch.setattr(engine._wake, "wait", interrupt)
        with pytest.raises(KeyboardInterrupt):
            engine.execute(ENDLESS)
        monkeypatch.undo()
        thrift_server.server.wait_until_idle()
        assert engine.execute("SELECT 1") == [(1,)]


def test_a_session_ends_with_its_engine_and_so_does_its_statement(thrift_server):
    with engine_of(thrift_server.url()) as engine:
        engine.execute("SELECT 1")
        engine._connection.cursor().execute(ENDLESS, async_=True)
        thrift_server.server.wait_for_jobs("running")
    # Nothing was cancelled: closing the session is what ends it.
    thrift_server.server.wait_until_idle()


def test_a_connection_that_is_cut_in_the_middle_gives_the_same_rows(thrift_server, faults):
    proxy = faults.before("127.0.0.1", thrift_server.server.port)
    said: list[str] = []
    with engine_of(thrift_server.url(port=proxy.port)) as engine:
        # 100,000 rows are 800 kB: the cut is in the middle of them.
        proxy.cut_after(300_000, times=1)
        rows = Executor(engine, said.append).run("SELECT id FROM RANGE(100000)", where="x")
    assert proxy.fired == 1
    assert sorted(rows) == [(number,) for number in range(100_000)]
    assert any("trying once more" in line for line in said)


def test_a_server_that_falls_silent_is_given_up_and_its_statement_ended(thrift_server, faults):
    proxy = faults.before("127.0.0.1", thrift_server.server.port)
    with engine_of(thrift_server.url(port=proxy.port), answer_seconds=8.0) as engine:
        engine.execute("SELECT 1")
        engine.close()
        # After the statement has begun, and on the next connection only; the one that cancels gets
        # through. An answer about a running statement takes the server 5 s.
        proxy.black_hole_after(500, times=1)
        with pytest.raises(SparkUnavailableError, match="read timeout"):
            engine.execute(ENDLESS)
        assert proxy.fired == 1
        thrift_server.server.wait_until_idle()
        assert engine.execute("SELECT 1") == [(1,)]
