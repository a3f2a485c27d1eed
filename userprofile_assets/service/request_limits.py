"""What is refused before any route is looked for, and how HEAD and OPTIONS are answered.

Belongs here: length of the address, methods, bodies, bytes that are no UTF-8. Does not belong
here: heads that are too slow or too large, which no ASGI application sees (`protocol.py`).
"""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from userprofile_assets.service.problems import ProblemError, problem_response
from userprofile_assets.service.request_notes import notes_of

LONGEST_URL = 8192
"""Most bytes of path and query as they are sent; as many as most proxies pass on."""

MOST_PARAMETERS = 200
"""Most parameters in a query."""

ANY_BYTES = b"/api/v1/users/"
"""Below it the path may have any bytes: a user of a log may be called anything."""

ALLOWED = "GET, HEAD, OPTIONS"
"""The methods of every address: nothing can be changed here."""


class RequestLimits:
    """Middleware: refuses what no route wants, answers OPTIONS, makes a GET of a HEAD.

    Args:
        app: What is inside; sees GET only.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        problem = _refused(scope)
        if problem is not None:
            await problem_response(problem, notes_of(scope).request_id)(scope, receive, send)
        elif scope["method"] == "OPTIONS":
            await Response(status_code=204, headers={"Allow": ALLOWED})(scope, receive, send)
        elif scope["method"] == "HEAD":
            await self._head(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _head(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the head of what a GET would get.

        The answer is over with the first piece of its body: a route that streams a day is told that
        the caller has gone, and reads no more of it.
        """
        ended = False

        async def head_only(message: Message) -> None:
            nonlocal ended
            if message["type"] == "http.response.start":
                await send(message)
            elif not ended:
                ended = True
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        # A copy: the server drops the body of what it knows as HEAD.
        inner = {**scope, "method": "GET"}
        try:
            await self._app(inner, receive, head_only)
        finally:
            if "route" in inner:
                scope["route"] = inner["route"]  # for the log


def _refused(scope: Scope) -> ProblemError | None:
    """Return why a request is refused, or None."""
    if scope["method"] not in {"GET", "HEAD", "OPTIONS"}:
        return ProblemError(
            405,
            "method-not-allowed",
            "Method not allowed",
            f"Everything here is read only: {ALLOWED}.",
            headers={"Allow": ALLOWED, **_close_if_body(scope)},
        )
    if _has_body(scope):
        return ProblemError(
            413,
            "body-not-allowed",
            "A body is not allowed",
            "Send parameters in the query, and neither Content-Length nor Transfer-Encoding.",
            headers={"Connection": "close"},
        )
    hosts = sum(name == b"host" for name, _ in scope["headers"])
    if hosts > 1 or (hosts == 0 and scope["http_version"] != "1.0"):
        return ProblemError(400, "one-host", "One Host header", "Send exactly one Host header.")
    return _refused_address(scope)


def _refused_address(scope: Scope) -> ProblemError | None:
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    query: bytes = scope["query_string"]
    if len(path) + len(query) > LONGEST_URL:
        return ProblemError(
            414,
            "url-too-long",
            "The address is too long",
            f"Path and query together may have {LONGEST_URL} bytes.",
        )
    if query.count(b"&") >= MOST_PARAMETERS:
        return ProblemError(
            400,
            "too-many-parameters",
            "Too many parameters",
            f"A query may have {MOST_PARAMETERS} parameters.",
        )
    parts = [("query", query)] if path.startswith(ANY_BYTES) else [("path", path), ("query", query)]
    for name, part in parts:
        if not _is_text(part):
            return ProblemError(
                400,
                "invalid-encoding",
                "Not UTF-8",
                f"The {name} must be percent-encoded UTF-8 without NUL.",
            )
    return None


def _is_text(part: bytes) -> bool:
    """Tell whether bytes of an address are UTF-8 without NUL, percent signs resolved."""
    if b"%" in part:
        part = unquote_to_bytes(part)
    try:
        return "\0" not in part.decode()
    except UnicodeDecodeError:
        return False


def _has_body(scope: Scope) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0"))
        for name, value in scope["headers"]
    )


def _close_if_body(scope: Scope) -> dict[str, str]:
    """End the connection after a body that nobody reads."""
    return {"Connection": "close"} if _has_body(scope) else {}
