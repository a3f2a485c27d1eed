"""Who may call a running `userprofile serve`: keys, scopes, rates, Host headers, addresses."""

from __future__ import annotations

import json
import re

import pytest

from userprofile_assets_tests.support.api_server import api_server, run_userprofile, server_env
from userprofile_assets_tests.support.ports import free_port

KEY = re.compile(r"up_[0-9a-f]{10}_[A-Za-z0-9_-]{43}")


@pytest.fixture(scope="module")
def keyed(tmp_path_factory):
    """A server whose first key opens aggregates."""
    with api_server(tmp_path_factory.mktemp("keyed") / "home") as server:
        server.create_key("aggregates", name="first")
        yield server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server without keys."""
    with api_server(tmp_path_factory.mktemp("open") / "home") as server:
        yield server


@pytest.fixture(scope="module")
def key(keyed):
    """A key of `keyed` that opens aggregates."""
    return keyed.create_key("aggregates")


def test_without_keys_a_program_of_this_machine_may_ask(server):
    assert server.get("/metrics").status_code == 200
    assert "ratelimit" not in server.get("/metrics").headers


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST.:8000", 200),
        ("127.0.0.1", 200),
        ("[::1]:8000", 200),
        ("rebound.example", 421),
        ("127.0.0.1.example", 421),
        ("localhost.example:80", 421),
        ("", 421),
        ("[::1", 421),
        ("2130706433", 421),
    ],
)
def test_without_keys_the_host_header_names_this_machine(server, host, status):
    assert server.get("/metrics", headers={"Host": host}).status_code == status


@pytest.mark.parametrize("header", ["Forwarded", "X-Forwarded-For", "X-Real-IP"])
def test_without_keys_what_a_proxy_passes_on_is_refused(server, header):
    answer = server.get("/metrics", headers={header: "192.0.2.1"})
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/proxied-without-keys")


@pytest.mark.parametrize("path", ["/", "/catalog", "/healthz", "/readyz", "/openapi.json"])
def test_what_holds_no_data_needs_no_key(keyed, path):
    assert keyed.get(path).status_code == 200


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer up_0000000000_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "Basic dXA6dXA=",
        "Bearer " + "a" * 5000,
        "Bearer \xff\xfe",
    ],
    ids=["none", "empty", "scheme", "unknown", "basic", "long", "latin-1"],
)
def test_without_a_good_key_the_answer_is_401_with_a_challenge(keyed, authorization):
    headers = {} if authorization is None else {"Authorization": authorization.encode("latin-1")}
    answer = keyed.get("/metrics", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith('Bearer realm="userprofile"')
    assert answer.headers["content-type"] == "application/problem+json"


def test_two_authorization_headers_are_none(keyed, key):
    head = (
        f"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer {key}\r\n"
    )
    assert keyed.raw(f"{head}\r\n".encode()).startswith(b"HTTP/1.1 200 ")
    twice = f"{head}Authorization: Bearer x\r\n\r\n"
    assert keyed.raw(twice.encode()).startswith(b"HTTP/1.1 401 ")


def test_the_scheme_is_read_in_any_case_and_the_host_matters_no_more(keyed, key):
    headers = {"Authorization": f"bearer {key}", "Host": "api.example", "X-Forwarded-For": "::1"}
    assert keyed.get("/metrics", headers=headers).status_code == 200


def test_a_key_without_the_scope_is_told_which_it_needs(keyed):
    answer = keyed.get("/metrics", key=keyed.create_key("pii"))
    assert answer.status_code == 403
    assert answer.json()["scope"] == "aggregates"
    assert answer.json()["detail"] == (
        "This needs a key with the scope aggregates; this one has pii."
    )


def test_the_scope_users_opens_aggregates(keyed):
    assert keyed.get("/metrics", key=keyed.create_key("users")).status_code == 200


def test_a_key_over_its_rate_is_told_when_to_come_back_and_another_goes_on(keyed, key):
    slow = keyed.create_key("aggregates", rate=20)
    answers = [keyed.get("/metrics", key=slow) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {200}
    assert answers[0].headers["ratelimit-policy"] == '"key";q=20;w=60'
    left = [int(re.findall(r"r=(\d+)", answer.headers["ratelimit"])[0]) for answer in answers]
    assert [left[0] - one for one in left] == [0, 1, 2]
    while (answer := keyed.get("/metrics", key=slow)).status_code == 200:
        pass
    assert answer.status_code == 429
    assert answer.json()["type"] == "/problems/too-many-requests"
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert answer.headers["ratelimit"].startswith('"key";r=0;t=')
    assert keyed.get("/metrics", key=key).status_code == 200


def test_a_revoked_key_is_refused_by_the_running_server(keyed):
    key = keyed.create_key("aggregates")
    assert keyed.get("/metrics", key=key).status_code == 200
    assert keyed.userprofile("keys", "revoke", key.split("_")[1]).returncode == 0
    keyed.wait_until(lambda: keyed.get("/metrics", key=key).status_code == 401)


def test_revoking_the_last_key_opens_nothing(tmp_path):
    with api_server(tmp_path / "home") as server:
        key = server.create_key("aggregates")
        server.userprofile("keys", "revoke", key)
        server.wait_until(lambda: server.get("/metrics", key=key).status_code == 401)
        assert server.get("/metrics").status_code == 401


def test_the_use_of_a_key_is_written_down(keyed):
    key = keyed.create_key("aggregates", name="used")
    keyed.get("/metrics", key=key)

    def used():
        listed = json.loads(keyed.userprofile("keys", "list", "--format", "json").stdout)
        return any(one["name"] == "used" and one["last_used_at"] for one in listed)

    keyed.wait_until(used)


def test_the_key_alone_is_on_standard_output(tmp_path):
    done = run_userprofile(
        ["keys", "create", "shop", "--scope", "users"], env=server_env(tmp_path / "home")
    )
    assert KEY.fullmatch(done.stdout.removesuffix("\n"))
    assert "it is not shown again" in done.stderr
    assert done.stdout.strip() not in done.stderr


def test_a_list_shows_no_key_and_no_hash(keyed):
    key = keyed.create_key("users", name="in the list")
    shown = keyed.userprofile("keys", "list").stdout
    assert re.search(rf"{key.split('_')[1]}  in the list +aggregates, users ", shown)
    assert not KEY.search(shown)
    rows = json.loads(keyed.userprofile("keys", "list", "--format", "json").stdout)
    assert list(rows[0]) == [
        "id",
        "name",
        "scopes",
        "rate",
        "created_at",
        "last_used_at",
        "revoked_at",
    ]


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_without_a_key_it_listens_on_loopback_only(tmp_path, host):
    done = run_userprofile(
        ["serve", "--host", host, "--port", str(free_port())], env=server_env(tmp_path / "home")
    )
    assert done.returncode == 2
    assert "userprofile keys create" in done.stderr


def test_a_revoked_key_is_no_key_to_listen_with(tmp_path):
    env = server_env(tmp_path / "home")
    key = run_userprofile(["keys", "create", "a", "--scope", "pii"], env=env).stdout.strip()
    run_userprofile(["keys", "revoke", key], env=env)
    done = run_userprofile(["serve", "--host", "0.0.0.0", "--port", str(free_port())], env=env)
    assert done.returncode == 2


def test_with_a_key_it_listens_for_others_and_asks_all_of_them_for_it(tmp_path):
    env = server_env(tmp_path / "home")
    done = run_userprofile(["keys", "create", "a", "--scope", "aggregates"], env=env)
    with api_server(tmp_path / "home", options=["--host", "0.0.0.0"]) as server:
        assert server.get("/metrics").status_code == 401
        assert server.get("/metrics", key=done.stdout.strip()).status_code == 200


def test_a_taken_port_is_a_sentence(server):
    done = server.userprofile("serve", "--port", str(server.port))
    assert done.returncode == 1
    assert f"port {server.port}: another program listens there" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_name_that_is_none_is_a_sentence(tmp_path):
    done = run_userprofile(
        ["serve", "--host", "no.such.invalid"], env=server_env(tmp_path / "home")
    )
    assert done.returncode == 1
    assert "host no.such.invalid: no such address" in done.stderr
