"""An HTTP proxy in front of an S3 server that breaks chosen requests, for tests of object writes.

Belongs here: passing requests on, naming them (`UploadPart`), and the faults. Does not belong here:
what a store refuses (`oss_dialect.py`), bytes of TCP (`fault_proxy.py`).

A fault names its request, so nothing depends on timing; `fired` says how often it took place.
"""

from __future__ import annotations

import http.client
import http.server
import socket
import struct
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 seconds: close() sends RST
_HOP = {"connection", "expect", "keep-alive", "proxy-connection", "transfer-encoding"}


@dataclass
class Request:
    """One request as it arrived."""

    operation: str
    method: str
    url: str
    headers: dict[str, str]  # names in lower case
    body: bytes = b""

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def host(self) -> str:
        return self.headers["host"].partition(":")[0]


@dataclass
class Fault:
    """What happens to some requests of a kind.

    Attributes:
        operation: Which, as S3 calls them: PutObject, UploadPart, CompleteMultipartUpload ...
        act: Called with the handler and the request; returns True when it has dealt with it.
        skip: How many of them pass first.
        times: How many of them meet it then.
        fired: How many have met it.
    """

    operation: str
    act: Callable[[Handler, Request], bool]
    skip: int = 0
    times: int = 1_000_000
    fired: int = 0


@dataclass
class S3Proxy:
    """The proxy: where it listens, what it saw, which faults are armed."""

    upstream: str
    url: str = ""
    seen: list[Request] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    def judge(self, request: Request) -> tuple[int, str] | None:
        """Return status and code when the store refuses; for subclasses."""
        return None

    def upstream_path(self, request: Request) -> str:
        """Return path and query as the server behind wants them."""
        parts = urlsplit(request.url)
        return parts.path + (f"?{parts.query}" if parts.query else "")

    def operations(self) -> list[str]:
        return [request.operation for request in self.seen]

    def arm(self, operation: str, act: Callable[[Handler, Request], bool], **more: int) -> Fault:
        fault = Fault(operation, act, **more)
        self.faults.append(fault)
        return fault

    def fault_for(self, request: Request) -> Fault | None:
        for fault in self.faults:
            if fault.operation == request.operation and fault.fired < fault.times:
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.fired += 1
                return fault
        return None


class Handler(http.server.BaseHTTPRequestHandler):
    """Reads a request, asks for a fault and a judgement, passes it on."""

    protocol_version = "HTTP/1.1"
    proxy: S3Proxy

    def handle_one(self) -> None:
        request = Request(
            operation=_operation(self.command, self.path, self.headers),
            method=self.command,
            url=self.path,
            headers={name.lower(): value for name, value in self.headers.items()},
        )
        self.proxy.seen.append(request)
        fault = self.proxy.fault_for(request)
        if fault is not None and fault.act(self, request):
            return
        self.take_body(request)
        refusal = self.proxy.judge(request)
        if refusal is not None:
            self.refuse(*refusal)
        else:
            self.give(*self.ask(request))

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_one  # noqa: N815 - http.server's names

    def take_body(self, request: Request, size: int | None = None) -> None:
        """Read the request's body, or its first bytes."""
        if request.headers.get("transfer-encoding") == "chunked":
            while length := int(self.rfile.readline(), 16):
                request.body += self.rfile.read(length)
                self.rfile.readline()
            self.rfile.readline()
            return
        length = int(request.headers.get("content-length", 0))
        request.body += self.rfile.read(length if size is None else min(size, length))

    def ask(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        """Pass a request on; return status, headers and body of the answer."""
        parts = urlsplit(self.proxy.upstream)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        headers = {name: value for name, value in request.headers.items() if name not in _HOP}
        headers["content-length"] = str(len(request.body))
        try:
            connection.request(
                request.method, self.proxy.upstream_path(request), request.body or None, headers
            )
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, found, answer.read()
        finally:
            connection.close()

    def give(self, status: int, headers: dict[str, str], body: bytes) -> None:
        """Send an answer."""
        self.wfile.write(self.head(status, headers, body))
        if self.command != "HEAD":
            self.wfile.write(body)

    def head(self, status: int, headers: dict[str, str], body: bytes) -> bytes:
        kept = {name: value for name, value in headers.items() if name not in _HOP}
        if self.command != "HEAD" and status != 204:
            kept["content-length"] = str(len(body))
        lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in kept.items())]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def refuse(self, status: int, code: str, **headers: str) -> None:
        """Send an S3 error."""
        body = f"<Error><Code>{code}</Code><Message>refused</Message></Error>".encode()
        self.give(status, {"content-type": "application/xml", **headers}, body)

    def reset(self) -> None:
        """End the connection by RST."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RD)
        # The files of the handler hold the socket open, so its own descriptor is closed.
        socket.close(self.connection.detach())

    def log_message(self, *args: Any) -> None:
        pass


def reset_after(size: int) -> Callable[[Handler, Request], bool]:
    """Reset the connection after so many bytes of the body; the server never hears of it."""

    def act(handler: Handler, request: Request) -> bool:
        if size:
            handler.take_body(request, size)
        handler.reset()
        return True

    return act


def lose_answer(handler: Handler, request: Request) -> bool:
    """Let the server do it, and reset the connection instead of the answer."""
    handler.take_body(request)
    handler.ask(request)
    handler.reset()
    return True


def cut_answer(handler: Handler, request: Request) -> bool:
    """Let the server do it, and reset the connection at the last byte of the answer."""
    handler.take_body(request)
    status, headers, body = handler.ask(request)
    handler.wfile.write((handler.head(status, headers, body) + body)[:-1])
    handler.reset()
    return True


def black_hole(handler: Handler, request: Request) -> bool:
    """Take everything and say nothing."""
    handler.take_body(request)
    handler.proxy.released.wait(30)
    handler.reset()
    return True


def stall(handler: Handler, request: Request) -> bool:
    """Take the first bytes of the body and no more."""
    handler.take_body(request, 1000)
    handler.proxy.released.wait(30)
    handler.reset()
    return True


def drip(handler: Handler, request: Request) -> bool:
    """Answer a byte at a time, and never come to an end."""
    handler.take_body(request)
    with suppress(OSError):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not handler.proxy.released.wait(0.05):
            handler.wfile.write(b"a")
    handler.reset()
    return True


def drip_answer(pause: float) -> Callable[[Handler, Request], bool]:
    """Let the server do it, and give its answer a byte at a time with a pause (seconds) each."""

    def act(handler: Handler, request: Request) -> bool:
        handler.take_body(request)
        status, headers, body = handler.ask(request)
        whole = handler.head(status, headers, body)
        if request.method != "HEAD":
            whole += body
        try:
            for byte in whole:
                handler.wfile.write(bytes([byte]))
                if handler.proxy.released.wait(pause):
                    break
        except OSError:
            handler.close_connection = True  # the client had enough
        return True

    return act


def answer(status: int, code: str, **headers: str) -> Callable[[Handler, Request], bool]:
    """Answer with an error instead of asking the server."""

    def act(handler: Handler, request: Request) -> bool:
        handler.take_body(request)
        handler.refuse(status, code, **headers)
        return True

    return act


def damage(handler: Handler, request: Request) -> bool:
    """Change a byte of the body on its way; as a store that does not look at Content-MD5."""
    handler.take_body(request)
    request.body = bytes([request.body[0] ^ 1]) + request.body[1:]
    handler.give(*handler.ask(request))
    return True


def other_etag(etag: str) -> Callable[[Handler, Request], bool]:
    """Answer with another ETag, as a store whose ETags are no MD5."""

    def act(handler: Handler, request: Request) -> bool:
        handler.take_body(request)
        status, headers, body = handler.ask(request)
        handler.give(status, {**headers, "etag": f'"{etag}"'}, body)
        return True

    return act


@contextmanager
def listening(proxy: S3Proxy, handler: type[Handler] = Handler) -> Iterator[S3Proxy]:
    """Let a proxy listen on a free port of this machine."""
    kind = type("BoundHandler", (handler,), {"proxy": proxy})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind)
    server.daemon_threads = True
    server.handle_error = lambda request, address: None  # type: ignore[method-assign,assignment] # a client that went away
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    proxy.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield proxy
    finally:
        proxy.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _operation(method: str, url: str, headers: Any) -> str:
    query = {name for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)}
    copies = headers.get("x-amz-copy-source") is not None
    if "uploads" in query:
        return "CreateMultipartUpload" if method == "POST" else "ListMultipartUploads"
    names = {
        "PUT": "UploadPart" if "uploadId" in query else "PutObject",
        "POST": "DeleteObjects" if "delete" in query else "CompleteMultipartUpload",
        "DELETE": "AbortMultipartUpload" if "uploadId" in query else "DeleteObject",
        "GET": "ListParts" if "uploadId" in query else "GetObject",
        "HEAD": "HeadObject",
    }
    if "list-type" in query:
        return "ListObjectsV2"
    name = names[method]
    return (
        name.replace("UploadPart", "UploadPartCopy").replace("PutObject", "CopyObject")
        if copies
        else name
    )
