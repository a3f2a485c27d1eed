"""What a running `userprofile serve` makes of requests that no route is about."""

from __future__ import annotations

import gzip
import re

import pytest

from userprofile_assets_tests.support.api_server import api_server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with api_server(tmp_path_factory.mktemp("requests") / "home") as server:
        yield server


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def head(target: bytes, *headers: bytes, method: bytes = b"GET") -> bytes:
    lines = (method + b" " + target + b" HTTP/1.1", b"Host: localhost", b"Connection: close")
    return b"\r\n".join([*lines, *headers, b"", b""])


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"])
@pytest.mark.parametrize("path", ["/metrics", "/", "/nothing"])
def test_other_methods_are_405_and_told_what_is_allowed(server, method, path):
    answer = server.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert answer.json()["type"] == "/problems/method-not-allowed"


def test_options_tells_the_methods(server):
    answer = server.request("OPTIONS", "/metrics")
    assert (answer.status_code, answer.headers["allow"], answer.content) == (
        204,
        "GET, HEAD, OPTIONS",
        b"",
    )


@pytest.mark.parametrize("path", ["/healthz", "/openapi.json", "/", "/nothing"])
def test_head_answers_with_the_head_of_get(server, path):
    left_out = ("date", "x-request-id")
    got, headed = server.get(path), server.request("HEAD", path)
    assert headed.status_code == got.status_code
    assert headed.content == b""
    assert {k: v for k, v in headed.headers.items() if k not in left_out} == {
        k: v for k, v in got.headers.items() if k not in left_out
    }


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (head(b"/healthz", b"Content-Length: 4") + b"abcd", 413),
        (head(b"/healthz", b"Content-Length: 99999999999") + b"abcd", 413),
        (head(b"/healthz", b"Transfer-Encoding: chunked") + b"4\r\nabcd\r\n0\r\n\r\n", 413),
        (head(b"/healthz", b"Content-Length: 4", method=b"POST") + b"abcd", 405),
        (head(b"/healthz", b"Content-Length: 0"), 200),
    ],
    ids=["a body", "a body that never comes", "chunks", "POST", "an empty body"],
)
def test_a_body_is_refused_unread(server, sent, status):
    assert status_of(server.raw(sent)) == status


@pytest.mark.parametrize(
    "sent",
    [
        head(b"/", b"Content-Length: 4", b"Transfer-Encoding: chunked") + b"0\r\n\r\n",
        head(b"/", b"Content-Length: 4", b"Content-Length: 5") + b"abcde",
        head(b"/", b"Content-Length: +4") + b"abcd",
        head(b"/", b"Content-Length: 4 ,4") + b"abcd",
        head(b"/", b"Transfer-Encoding: xchunked") + b"0\r\n\r\n",
        head(b"/", b"Transfer-Encoding : chunked") + b"0\r\n\r\n",
        head(b"/", b" folded: yes"),
        head(b"/", b"Bad\x00Name: a"),
        head(b"/", b"Header: a\x00b"),
        head(b"/", b"Host: other"),
        b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/1.1\nHost: a\nConnection: close\n\n",
        b"GET / HTTP/3.7\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"GET /\r\n\r\n",
        head(b"a:1", method=b"CONNECT"),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\xaa" * 64,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
    ids=[
        "length and chunks",
        "two lengths",
        "a signed length",
        "a list of lengths",
        "an unknown coding",
        "a blank before the colon",
        "a folded line",
        "NUL in a name",
        "NUL in a value",
        "two hosts",
        "no host",
        "LF only",
        "HTTP/3.7",
        "HTTP/0.9",
        "CONNECT",
        "TLS",
        "HTTP/2",
    ],
)
def test_shapes_of_request_smuggling_are_refused_and_the_connection_ends(server, sent):
    answer = server.raw(sent)
    assert status_of(answer) in {400, 413}
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"application/problem+json" in answer


def test_requests_in_one_packet_are_answered_one_by_one(server):
    sent = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n" * 3 + head(b"/nothing")
    statuses = re.findall(rb"HTTP/1.1 (\d+)", server.raw(sent))
    assert statuses == [b"200", b"200", b"200", b"404"]


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (b"/" + b"a" * 8191, 404),
        (b"/" + b"a" * 8192, 414),
        (b"/healthz?" + b"a=" + b"b" * 8192, 414),
        (b"/" + b"a" * 40_000, 431),
        (b"/healthz?" + b"&".join([b"a=b"] * 200), 200),
        (b"/healthz?" + b"&".join([b"a=b"] * 201), 400),
    ],
    ids=["longest", "longer", "a long query", "a huge one", "200 parameters", "201 parameters"],
)
def test_addresses_have_a_longest_length(server, target, status):
    assert status_of(server.raw(head(target))) == status


@pytest.mark.parametrize(
    "headers",
    [[b"X-A: " + b"a" * 70_000], [b"X-%d: a" % n for n in range(5000)]],
    ids=["one huge header", "thousands of headers"],
)
def test_a_head_has_a_largest_size(server, headers):
    assert status_of(server.raw(head(b"/healthz", *headers))) == 431


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (b"/%FF", 400),
        (b"/a%00b", 400),
        (b"/%C0%AF", 400),
        (b"/%ED%A0%80", 400),
        (b"/healthz?a=%FF", 400),
        (b"/healthz?%FF=a", 400),
        (b"/healthz?a=%00", 400),
        (b"/\xff", 400),
        (b"/healthz?a=\xff", 400),
        (b"/healthz?a=%C3%BC", 200),
        (b"/healthz?a=%", 200),
        (b"/healthz?a=%zz", 200),
        (b"/../../etc/passwd", 404),
        (b"/static/..%2F..%2Fapp.py", 404),
        (b"//evil.example/", 404),
        (b"http://evil.example/healthz", 200),
        (b"*", 404),
    ],
)
def test_bytes_of_an_address_are_utf_8_without_nul(server, target, status):
    assert status_of(server.raw(head(target))) == status


@pytest.mark.parametrize("path", ["/healthz", "/", "/nothing", "/%FF", "/metrics"])
def test_every_answer_has_the_headers_that_keep_a_browser_safe(server, path):
    headers = server.get(path).headers
    assert "default-src 'self';" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "server" not in headers
    assert "access-control-allow-origin" not in headers


def test_the_id_of_a_request_is_in_answer_problem_and_log(server):
    answer = server.get(
        "/nothing", headers={"X-Request-Id": "0f5bd3c5-9b5a-4f0b-8f6b-2c1f0a3d9e77"}
    )
    assert answer.headers["x-request-id"] == "0f5bd3c5-9b5a-4f0b-8f6b-2c1f0a3d9e77"
    assert answer.json()["instance"] == "urn:request:0f5bd3c5-9b5a-4f0b-8f6b-2c1f0a3d9e77"
    server.wait_until(lambda: "id=0f5bd3c5-9b5a-4f0b-8f6b-2c1f0a3d9e77" in server.log)


def test_the_log_has_the_template_and_names_and_nothing_that_a_caller_sent(server):
    canary = "c4n4ry"
    server.get(
        f"/api/v1/users/{canary}?uid_prefix={canary}&{canary}={canary}", key=f"up_1_{canary}"
    )
    server.get("/healthz", headers={"User-Agent": canary, "X-Request-Id": canary, "Host": canary})
    server.raw(head(b"/%FF" + canary.encode()))
    server.raw(canary.encode() + b"\r\n\r\n")
    server.get("/openapi.json?end=1")
    server.wait_until(lambda: "GET /openapi.json params=end 200" in server.log)
    assert "params=uid_prefix,? " in server.log
    assert canary not in server.log


def test_answers_over_1_kb_are_gzipped_for_who_takes_it(server):
    zipped = server.raw(head(b"/openapi.json", b"Accept-Encoding: gzip"))
    top, _, body = zipped.partition(b"\r\n\r\n")
    assert b"content-encoding: gzip" in top
    assert gzip.decompress(body) == server.get("/openapi.json").content
    assert b"content-encoding" not in server.raw(head(b"/openapi.json"))
    assert b"content-encoding" not in server.raw(head(b"/healthz", b"Accept-Encoding: gzip"))


def test_metrics_count_by_route_method_and_status(server):
    server.get("/nothing-at-all")
    server.request("DELETE", "/healthz")
    text = server.get("/metrics").text
    assert re.search(
        r'userprofile_http_requests_total\{method="GET",route="\(none\)",status="404"\} [1-9]', text
    )
    assert 'method="DELETE"' in text
    assert 'userprofile_http_request_seconds_bucket{le="0.02",route="/healthz"}' in text
    assert "userprofile_http_requests_in_flight 1.0" in text
    assert "userprofile_newest_day_age_seconds NaN" in text
    assert 'userprofile_http_broken_connections_total{reason="not_http"}' in text
    assert "nothing-at-all" not in text


def test_the_description_is_openapi_3_1_without_pages_from_elsewhere(server):
    schema = server.get("/openapi.json").json()
    assert schema["openapi"].startswith("3.1.")
    operations = [one for item in schema["paths"].values() for one in item.values()]
    ids = [operation["operationId"] for operation in operations]
    assert len(ids) == len(set(ids))
    assert schema["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    assert "HTTPValidationError" not in str(schema)
    assert "Raises:" not in str(schema)
    for path, item in schema["paths"].items():
        needs_key = path == "/metrics" or path.startswith("/api/v1")
        assert (item["get"].get("security") == [{"key": []}]) is needs_key, path
        assert path in {"/healthz", "/readyz"} or "default" in item["get"]["responses"], path
    assert server.get("/docs").status_code == 404
    assert server.get("/redoc").status_code == 404
