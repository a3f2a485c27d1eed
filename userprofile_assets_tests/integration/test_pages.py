"""The pages and their files over HTTP, without a browser."""

from __future__ import annotations

import gzip
import importlib.util
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from userprofile_assets_tests.support.api_server import ApiServer, api_server

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGES = ["/", "/catalog"]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """A server over an empty database."""
    with api_server(tmp_path_factory.mktemp("pages") / "home") as running:
        yield running


def files_of(server: ApiServer, page: str) -> list[str]:
    return re.findall(r'(?:href|src)="(static/[^"]+)"', server.get(page).text)


def raw_get(path: str, *headers: str) -> bytes:
    """Return a request as it is sent: a client of HTTP would resolve `..` and unpack gzip."""
    lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", *headers]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode()


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_asked_for_each_time_and_sent_once(served, page):
    first = served.get(page)
    assert (first.status_code, first.headers["cache-control"]) == (200, "no-cache")
    assert first.headers["content-type"] == "text/html; charset=utf-8"
    again = served.get(page, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]


@pytest.mark.parametrize("page", PAGES)
def test_all_files_of_a_page_are_there_and_kept_for_ever(served, page):
    paths = files_of(served, page)
    assert len(paths) > 10
    for path in paths:
        answer = served.get(f"/{path}")
        assert answer.status_code == 200, path
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_every_module_that_a_module_imports_is_there(served):
    base = next(path for path in files_of(served, "/") if path.endswith("dashboard/main.js"))
    version = base.split("/")[1]
    waiting = [base, f"static/{version}/catalog/main.js"]
    seen: set[str] = set()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        answer = served.get(f"/{path}")
        assert answer.status_code == 200, path
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
        for name in re.findall(r'from "(\.[^"]+)"', answer.text):
            found = Path("/", path).parent.joinpath(name).resolve()
            waiting.append(str(found).lstrip("/"))
    assert len(seen) > 25


def test_plotly_is_that_of_its_package_and_travels_compressed(served):
    spec = importlib.util.find_spec("plotly")
    assert spec is not None
    assert spec.origin is not None
    script = (Path(spec.origin).parent / "package_data/plotly.min.js").read_bytes()
    path = next(path for path in files_of(served, "/") if path.endswith("plotly.min.js"))
    plain = served.get(f"/{path}", headers={"Accept-Encoding": "identity"})
    assert plain.content == script
    answer = served.raw(raw_get(f"/{path}", "Accept-Encoding: gzip"))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-encoding: gzip" in head.lower()
    assert len(body) < len(script) / 2
    assert gzip.decompress(body) == script


@pytest.mark.parametrize("page", [*PAGES, "/static/0/a.js"])
def test_head_has_the_headers_of_get_and_no_body(served, page):
    get, head = served.get(page), served.request("HEAD", page)
    assert (head.status_code, head.content) == (get.status_code, b"")
    assert head.headers.get("etag") == get.headers.get("etag")


@pytest.mark.parametrize(
    "path",
    [
        "/static/0/dashboard/main.js",
        "/static/{version}/../pages.py",
        "/static/{version}/%2e%2e/%2e%2e/pages.py",
        "/static/{version}//etc/passwd",
        "/static/{version}/dashboard",
        "/static/{version}/dashboard.html",
        "/static/",
    ],
)
def test_what_is_no_file_of_this_version_is_a_problem(served, path):
    version = files_of(served, "/")[0].split("/")[1]
    answer = served.raw(raw_get(path.format(version=version)))
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"application/problem+json" in answer


@pytest.mark.parametrize("page", PAGES)
def test_a_page_runs_no_script_of_its_own_text(served, page):
    answer = served.get(page)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'self';")
    assert "script-src" not in policy
    assert "'unsafe-eval'" not in policy
    assert re.findall(r"<script[^>]*>[^<]", answer.text) == []
    assert re.findall(r"\son\w+=", answer.text) == []
    assert re.findall(r'(?:src|href)="(?:https?:)?//(?!db-ip\.com)', answer.text) == []
