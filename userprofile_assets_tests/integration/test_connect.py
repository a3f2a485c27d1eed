"""Spark Connect as an engine: its session, its token, its certificate, its end."""

from __future__ import annotations

import threading
import uuid

import pytest

from userprofile_assets.errors import SettingsError, SparkError, SparkUnavailableError
from userprofile_assets.warehouse import connect
from userprofile_assets.warehouse.connect import open_connect
from userprofile_assets.warehouse.executor import Executor
from userprofile_assets_tests.support.ports import free_port
from userprofile_assets_tests.support.statements import ENDLESS
from userprofile_assets_tests.support.tls_front import tls_front

pytestmark = pytest.mark.xdist_group("spark-remote")


@pytest.fixture
def client(connect_server, tmp_path):
    """Options of a client of the server."""
    return lambda **more: connect_server.options(tmp_path / "home", **more)


@pytest.fixture
def impatient(monkeypatch):
    """Two tries of a server that does not answer instead of nine."""
    monkeypatch.setattr(connect, "_RETRIES", 2)


def test_a_session_has_the_id_of_its_run_and_its_statements_the_tag(client, connect_server):
    run_id = str(uuid.uuid4())
    with open_connect(client(session_id=run_id, tag="userprofile-2024-08-07-abc")) as engine:
        assert engine.facts()["application"] == f"session {run_id}"
        engine.execute("SELECT COUNT(*) FROM RANGE(1000)")
        jobs = connect_server.server.wait_for_jobs("succeeded")
    (job,) = [job for job in jobs if any(run_id in tag for tag in job["jobTags"])][:1]
    assert any("userprofile-2024-08-07-abc" in tag for tag in job["jobTags"])


def test_a_session_is_closed_with_its_engine(client):
    run_id = str(uuid.uuid4())
    with open_connect(client(session_id=run_id)) as engine:
        engine.execute("SELECT 1")
    # The server takes no id again that was closed, so it knows that this one is.
    with (
        pytest.raises(SparkUnavailableError, match="SESSION_CLOSED"),
        open_connect(client(session_id=run_id)) as engine,
    ):
        engine.execute("SELECT 1")


def test_a_session_that_was_lost_is_opened_anew_and_the_statement_runs(client):
    said: list[str] = []
    with open_connect(client()) as engine:
        engine.session.client.release_session()
        assert Executor(engine, said.append).run("SELECT 1", where="x") == [(1,)]
        assert engine.execute("SELECT current_timezone()") == [("Asia/Shanghai",)]
    assert any("trying once more" in line for line in said)


@pytest.mark.parametrize("token", ["canary-wrong-token", ""], ids=["wrong", "none"])
def test_a_token_that_is_not_the_servers_is_permanent_and_not_shown(connect_server, client, token):
    remote = f"{connect_server.address}/" + (f";token={token}" if token else "")
    with pytest.raises(SparkError) as caught, open_connect(client(remote=remote)):
        pass
    assert type(caught.value) is SparkError
    assert "UNAUTHENTICATED" in str(caught.value)
    assert "check the token in USERPROFILE_SPARK_REMOTE" in str(caught.value)
    assert "canary" not in str(caught.value)


def test_a_server_that_is_not_there_is_transient(client, impatient):
    remote = f"sc://localhost:{free_port()}/;token=canary"
    with pytest.raises(SparkUnavailableError) as caught, open_connect(client(remote=remote)):
        pass
    assert "canary" not in str(caught.value)


def test_a_token_goes_to_localhost_or_over_tls_only(client):
    remote = "sc://127.0.0.1:15002/;token=canary"
    with pytest.raises(SettingsError) as caught, open_connect(client(remote=remote)):
        pass
    assert "write sc://localhost:15002/;token=..." in str(caught.value)
    assert "canary" not in str(caught.value)


@pytest.mark.usefixtures("impatient")
def test_over_tls_behind_a_proxy_the_certificate_is_checked(
    client, connect_server, authority, other_authority, monkeypatch
):
    # gRPC has authorities of its own beside the system's, and reads them once in a process.
    monkeypatch.setenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", str(authority.ca_path))
    remote = f"sc://localhost:{{}}/;token={connect_server.token};use_ssl=true"
    behind = connect_server.server.port
    with (
        tls_front(behind, *authority.issue("localhost"), protocols=["h2"]) as port,
        open_connect(client(remote=remote.format(port))) as engine,
    ):
        assert engine.execute("SELECT 1") == [(1,)]
    with (
        tls_front(behind, *other_authority.issue("localhost"), protocols=["h2"]) as port,
        pytest.raises(SparkError, match="certificate is not trusted"),
        open_connect(client(remote=remote.format(port))),
    ):
        pass


def test_what_a_session_cannot_take_is_told(client):
    said: list[str] = []
    conf = {"spark.sql.shuffle.partitions": "3", "spark.executor.memory": "9g"}
    with open_connect(client(conf=conf), log=said.append) as engine:
        assert engine.execute("SET spark.sql.shuffle.partitions") == [
            ("spark.sql.shuffle.partitions", "3")
        ]
    assert said == ["the server's own, so not set from SPARK_CONF: spark.executor.memory"]


def test_a_cancelled_statement_ends_on_the_server(client, connect_server):
    with open_connect(client()) as engine:

        def cancel():
            try:
                connect_server.server.wait_for_jobs("running")
            finally:
                engine.cancel()

        thread = threading.Thread(target=cancel)
        thread.start()
        with pytest.raises(SparkError, match=r"(?i)cancel|interrupt"):
            engine.execute(ENDLESS)
        thread.join()
        connect_server.server.wait_until_idle()


def test_a_connection_that_is_cut_in_the_middle_gives_the_same_rows(client, connect_server, faults):
    proxy = faults.before("127.0.0.1", connect_server.server.port)
    remote = f"sc://localhost:{proxy.port}/;token={connect_server.token}"
    # 100,000 rows are some 400 kB of Arrow: the cut is in the middle of them.
    proxy.cut_after(100_000, times=1)
    with open_connect(client(remote=remote)) as engine:
        rows = Executor(engine, print).run("SELECT id * 7919 FROM RANGE(100000)", where="x")
    assert proxy.fired == 1
    assert sorted(rows) == [(number * 7919,) for number in range(100_000)]
