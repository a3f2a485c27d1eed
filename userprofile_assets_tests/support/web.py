"""A scripted HTTP server on 127.0.0.1: each path has a list of answers that are given in order.

Belongs here: the server, its fixture `web`, and `unhurried`, which lets retries run without
waiting. Does not belong here: what a log looks like.

It sends what it is told, also what a well-behaved server would not: fewer bytes than Content-Length
promises, a body without an end. It counts requests, so that a test can see that a fault took place.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
import stamina

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from email.message import Message

_WRITE_BYTES = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer.

    Attributes:
        status: Status code.
        body: Bytes of the body, or a function that makes a new stream of chunks per request.
        headers: Headers besides Content-Length; a Content-Length here wins over the true one.
        cut_after: Close the connection after so many bytes of the body.
    """

    status: int = 200
    body: bytes | Callable[[], Iterable[bytes]] = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut_after: int | None = None

    def chunks(self) -> Iterator[bytes]:
        """Give out the body, cut where it is to be cut."""
        left = self.cut_after
        for chunk in _pieces(self.body) if isinstance(self.body, bytes) else self.body():
            if left is None:
                yield chunk
                continue
            if left == 0:
                return
            yield chunk[:left]
            left -= min(left, len(chunk))


def redirect(location: str, status: int = 302) -> Answer:
    """Return the answer that sends a client elsewhere."""
    return Answer(status=status, headers={"Location": location})


def _pieces(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), _WRITE_BYTES):
        yield body[start : start + _WRITE_BYTES]


class Web:
    """A running server; each `Web` has a port of its own."""

    def __init__(self) -> None:
        self._scripts: dict[str, list[Answer]] = {}
        self._requests: list[tuple[str, Message]] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that the server listens on."""
        return int(self._server.server_address[1])

    def url(self, path: str, *, user: str = "") -> str:
        """Return the URL of a path; `user` is put before the host, as `name:password`."""
        return f"http://{user}{'@' if user else ''}127.0.0.1:{self.port}{path}"

    def script(self, path: str, *answers: Answer) -> str:
        """Set the answers of a path, whose last one is given for ever; return the URL."""
        with self._lock:
            self._scripts[path] = list(answers)
        return self.url(path)

    def requests(self, path: str) -> list[Message]:
        """Return the headers of each request for a path so far."""
        with self._lock:
            return [headers for requested, headers in self._requests if requested == path]

    def take(self, path: str, headers: Message) -> Answer:
        """Note a request and return its answer; 404 for a path without a script."""
        path = path.partition("?")[0]
        with self._lock:
            self._requests.append((path, headers))
            answers = self._scripts.get(path, [Answer(status=404)])
            return answers.pop(0) if len(answers) > 1 else answers[0]

    def close(self) -> None:
        """Stop listening; requests under way end with their connections."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(web: Web) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            answer = web.take(self.path, self.headers)
            with suppress(ConnectionError):  # the client had enough
                self._send(answer)
            self.close_connection = True

        def _send(self, answer: Answer) -> None:
            self.send_response(answer.status)
            headers = {"Connection": "close", **answer.headers}
            if isinstance(answer.body, bytes):
                headers.setdefault("Content-Length", str(len(answer.body)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            for chunk in answer.chunks():
                self.wfile.write(chunk)

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
