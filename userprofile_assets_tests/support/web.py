"""A scripted HTTP server on 127.0.0.1: each path has a list of answers that are given in order.

Belongs here: the server, its fixture `web`, and `unhurried`, which lets retries run without
waiting. Does not belong here: what a log looks like.

It sends what it is told, also what a well-behaved server would not: fewer bytes than Content-Length
promises, a body without an end, a reset, nothing at all. It notes every request, so that a test can
see that a fault took place. `File` answers as a good server does: ranges, conditions, ETag.
"""

from __future__ import annotations

import re
import socket
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Protocol

import pytest
import stamina

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from email.message import Message

_WRITE_BYTES = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request as it came.

    Attributes:
        method: GET, POST, CONNECT.
        target: Path and query; for a proxy the whole URL.
        headers: Its headers.
        body: Its body.
    """

    method: str
    target: str
    headers: Message
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer.

    Attributes:
        status: Status code.
        body: Bytes of the body, or a function that makes a new stream of chunks per request.
        headers: Headers besides Content-Length; a Content-Length here wins over the true one.
        cut_after: Close the connection after so many bytes of the body.
        resets: Close it with a reset (RST) instead of an end (FIN).
        hangs: Keep it open instead, and send nothing more: a black hole.
        silent: Send not even a head.
        pause: Seconds between two bytes of the body: a slow drip.
    """

    status: int = 200
    body: bytes | Callable[[], Iterable[bytes]] = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    resets: bool = False
    hangs: bool = False
    silent: bool = False
    pause: float = 0.0

    def chunks(self) -> Iterator[bytes]:
        """Give out the body, cut where it is to be cut."""
        left = self.cut_after
        size = 1 if self.pause else _WRITE_BYTES
        for chunk in _pieces(self.body, size) if isinstance(self.body, bytes) else self.body():
            if left is None:
                yield chunk
                continue
            if left == 0:
                return
            yield chunk[:left]
            left -= min(left, len(chunk))


class Answering(Protocol):
    """Something that answers a request by what the request says."""

    def __call__(self, request: Request) -> Answer:
        """Return the answer."""
        ...


@dataclass
class File:
    """Answers as a good server does for a file: ranges, If-Range, If-None-Match.

    Attributes:
        body: The file.
        etag: Its ETag, with quotes; None: it has none.
        modified: Its Last-Modified; None: it has none.
        headers: Further headers of every 200.
        cuts: For each answer in turn, after how many bytes it breaks off; None: not at all.
        resets: Whether it breaks off with a reset.
        hangs: Whether it stops sending instead of breaking off.
        ranges: Whether ranges are given at all.
    """

    body: bytes
    etag: str | None = '"v1"'
    modified: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cuts: list[int | None] = field(default_factory=list)
    resets: bool = False
    hangs: bool = False
    ranges: bool = True

    def __call__(self, request: Request) -> Answer:
        cut = self.cuts.pop(0) if self.cuts else None
        headers = {"Accept-Ranges": "bytes"} if self.ranges else {}
        if self.etag is not None:
            headers["ETag"] = self.etag
        if self.modified is not None:
            headers["Last-Modified"] = self.modified
        asked = request.headers
        if self.etag is not None and asked["If-None-Match"] == self.etag:
            return Answer(status=304, headers=headers)
        body, status = self.body, 200
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", asked["Range"] or "")
        same = asked["If-Range"] in {None, self.etag, self.modified}
        if self.ranges and match and same:
            start = int(match[1])
            end = min(int(match[2]) + 1, len(body)) if match[2] else len(body)
            if start >= len(body):
                return Answer(status=416, headers={"Content-Range": f"bytes */{len(body)}"})
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(body)}"
            body, status = body[start:end], 206
        else:
            headers |= self.headers
        return Answer(
            status=status, body=body, headers=headers, cut_after=cut,
            resets=self.resets and cut is not None, hangs=self.hangs and cut is not None,
        )  # fmt: skip


def redirect(location: str, status: int = 302) -> Answer:
    """Return the answer that sends a client elsewhere."""
    return Answer(status=status, headers={"Location": location})


def _pieces(body: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


class Web:
    """A running server; each `Web` has a port of its own.

    Args:
        tls: Speak TLS with this certificate; None: plain HTTP.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._scripts: dict[str, list[Answer | Answering]] = {}
        self._requests: list[tuple[str, Request]] = []
        self._lock = threading.RLock()  # an answer may look at the requests so far
        self.stopped = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._scheme = "http" if tls is None else "https"
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that the server listens on."""
        return int(self._server.server_address[1])

    def url(self, path: str, *, user: str = "", host: str = "127.0.0.1") -> str:
        """Return the URL of a path; `user` is put before the host, as `name:password`."""
        return f"{self._scheme}://{user}{'@' if user else ''}{host}:{self.port}{path}"

    def script(self, path: str, *answers: Answer | Answering) -> str:
        """Set the answers of a path, whose last one is given for ever; return the URL."""
        with self._lock:
            self._scripts[path] = list(answers)
        return self.url(path)

    def requests(self, path: str) -> list[Message]:
        """Return the headers of each request for a path so far."""
        return [request.headers for request in self.asked(path)]

    def asked(self, path: str) -> list[Request]:
        """Return each request for a path so far."""
        with self._lock:
            return [request for requested, request in self._requests if requested == path]

    def take(self, request: Request) -> Answer:
        """Note a request and return its answer; 404 for a path without a script."""
        path = request.target.partition("?")[0]
        with self._lock:
            self._requests.append((path, request))
            answers = self._scripts.get(path, [Answer(status=404)])
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            return answer if isinstance(answer, Answer) else answer(request)

    def close(self) -> None:
        """Stop listening; requests under way end with their connections."""
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _send(web: Web, to: BaseHTTPRequestHandler, answer: Answer) -> None:
    if answer.silent:
        web.stopped.wait()
        return
    to.send_response(answer.status)
    headers = {"Connection": "close", **answer.headers}
    if isinstance(answer.body, bytes):
        headers.setdefault("Content-Length", str(len(answer.body)))
    for name, value in headers.items():
        to.send_header(name, value)
    to.end_headers()
    for chunk in answer.chunks():
        to.wfile.write(chunk)
        if answer.pause:
            web.stopped.wait(answer.pause)
    if answer.hangs:
        web.stopped.wait()
    if answer.resets:
        # Without lingering a close sends RST, as a crashed peer or a firewall does.
        linger = struct.pack("ii", 1, 0)
        to.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        to.connection.close()


def _handler(web: Web) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            """Answer whatever method is asked for."""
            self.raw_requestline = self.rfile.readline(65537)
            self.close_connection = True
            if not self.raw_requestline or not self.parse_request():
                return
            self.close_connection = True
            length = int(self.headers.get("Content-Length") or 0)
            request = Request(
                method=self.command,
                target=self.path,
                headers=self.headers,
                body=self.rfile.read(length),
            )
            with suppress(ConnectionError):  # the client had enough
                _send(web, self, web.take(request))

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
            """Stay silent."""

    return Handler


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """A scripted HTTP server that no proxy stands before."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = Web()
    yield server
    server.close()


@pytest.fixture
def unhurried() -> Iterator[None]:
    """Let retries take place as many times as always, but without waiting."""
    with stamina.set_testing(True, attempts=5):
        yield
