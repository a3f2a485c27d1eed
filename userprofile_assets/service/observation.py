"""What is seen of every request: its id, its line in the log, metrics, exceptions of all kinds.

Belongs here: the outermost middleware. Does not belong here: the metrics themselves
(`metrics.py`), refusing requests (`request_limits.py`).

A line of the log holds the template of the route and the names of the parameters. No uid, no
value and no key ever gets into it: a name that is not simple is shown as `?`.
"""

from __future__ import annotations

import re
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from userprofile_assets.errors import UserProfileError
from userprofile_assets.service.metrics import ServiceMetrics
from userprofile_assets.service.problems import ProblemError, internal_error, problem_response
from userprofile_assets.service.request_notes import RequestNotes, take_notes
from userprofile_assets.service.routes import PREFIX

OPENAPI = "/openapi.json"

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})
_SIMPLE = re.compile(r"[a-z_]{1,32}")
_NAMES = 12

# Plotly's charts and the pages' own styles are set by `style` attributes; the pages load nothing
# from elsewhere.
_CONTENT_SECURITY_POLICY = (
    b"default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    b"object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_SECURITY_HEADERS = [
    (b"content-security-policy", _CONTENT_SECURITY_POLICY),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    # A page of another origin can neither show an answer nor load it as a script.
    (b"cross-origin-resource-policy", b"same-origin"),
]


class Observation:
    """Middleware: adds headers, writes the access log, counts, and never lets an exception out.

    Args:
        app: What is inside.
        metrics: Told of each answer.
        log: Takes one line.
    """

    def __init__(self, app: ASGIApp, metrics: ServiceMetrics, log: Callable[[str], None]) -> None:
        self._app = app
        self._metrics = metrics
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        notes = take_notes(scope)
        method = scope["method"]
        status = size = 0

        async def observed(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", ()),
                    *_SECURITY_HEADERS,
                    (b"x-request-id", notes.request_id.encode()),
                    *notes.headers,
                ]
            elif message["type"] == "http.response.body":
                size += len(message.get("body", b""))
            await send(message)

        with self._metrics.in_flight.track_inprogress():
            try:
                await self._app(scope, receive, observed)
            except Exception as error:  # noqa: BLE001 - nothing may get out without being answered
                notes.failure = error
                if not status:
                    problem = error if isinstance(error, ProblemError) else internal_error()
                    response = problem_response(problem, notes.request_id)
                    await response(scope, receive, observed)
                # An answer that was begun is left unfinished, and the server cuts the connection:
                # the caller sees that it is not whole.
        seconds = time.perf_counter() - began
        route = route_template(scope)
        shown = method if method in _METHODS else "other"
        self._metrics.answered(route, shown, status, seconds)
        self._log(
            f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ} key={notes.key_id or '-'} {shown} {route} "
            f"params={_names(scope['query_string'])} {status or '-'} {seconds * 1000:.1f} ms "
            f"{size} B id={notes.request_id}"
        )
        self._tell_failure(notes)

    def _tell_failure(self, notes: RequestNotes) -> None:
        failure = notes.failure
        if failure is None:
            return
        if isinstance(failure, UserProfileError):
            # Its message is one of ours and holds no secret.
            said = str(failure).replace("\n", " ")
        else:
            # Not its text, which may quote a value.
            frames = traceback.extract_tb(failure.__traceback__)[-6:]
            where = " < ".join(f"{f.filename}:{f.lineno} {f.name}" for f in reversed(frames))
            said = f"{type(failure).__name__} at {where}"
        self._log(f"id={notes.request_id} failed: {said}")


def route_template(scope: Scope) -> str:
    """Return the template of the route that a request went to, or `(none)`."""
    route = scope.get("route")
    template = getattr(route, "path_format", None) or getattr(route, "path", None)
    if not isinstance(template, str):
        # Starlette notes no route for FastAPI's own.
        return OPENAPI if scope["path"] == OPENAPI else "(none)"
    if scope["path"].startswith(f"{PREFIX}/") and not template.startswith(PREFIX):
        return PREFIX + template
    return template


def _names(query: bytes) -> str:
    if not query:
        return "-"
    parts = query.split(b"&", _NAMES)
    found = dict.fromkeys(part.partition(b"=")[0].decode("latin-1") for part in parts[:_NAMES])
    shown = [name if _SIMPLE.fullmatch(name) else "?" for name in found]
    return ",".join(shown + ["..."] * (len(parts) > _NAMES))
