"""Errors as callers see them: problem details (RFC 9457), `application/problem+json`.

Belongs here: their shape, and what each exception becomes. Does not belong here: exceptions that
nothing expects; `observation.py` catches those, logs them and answers 500.

An answer never shows the text of an exception that this module does not know: it may hold a
value of somebody's row, a path or a host.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from userprofile_assets.errors import (
    NotInCatalogError,
    NotPublishedError,
    QueryTooSlowError,
    TransientError,
    UserProfileError,
)
from userprofile_assets.service.request_notes import notes_of

MEDIA_TYPE = "application/problem+json"

# Seconds after which a caller may try again when the database did not answer.
_RETRY_SECONDS = 5


class Problem(BaseModel):
    """Problem details of RFC 9457."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="`/problems/` and a word that stays the same.")
    title: str = Field(description="The same for every problem of this type.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What was wrong with this request, and what to do.")
    instance: str = Field(description="The request's id, which stands in the access log too.")


class ProblemError(Exception):
    """An answer that is a problem; raise it anywhere in a route or a dependency.

    Args:
        status: The HTTP status.
        slug: The type, such as `unknown-user`.
        title: A few words, the same for every problem of this type.
        detail: What was wrong with this request and what to do; no secret, no value of a row.
        headers: Headers of the answer.
        extra: More members, such as `errors`.
    """

    def __init__(
        self,
        status: int,
        slug: str,
        title: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        self.status = status
        self.slug = slug
        self.title = title
        self.detail = detail
        self.headers = dict(headers or {})
        self.extra = extra
        super().__init__(f"{status} {slug}: {detail}")


def problem_response(problem: ProblemError, request_id: str) -> Response:
    """Return the answer that a problem is."""
    body = {
        "type": f"/problems/{problem.slug}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "instance": f"urn:request:{request_id}",
        **problem.extra,
    }
    # What a caller sent may stand in a detail, lone surrogates included.
    text = orjson.dumps(_encodable(body), default=str)
    headers = {"Cache-Control": "no-store", **problem.headers}
    return Response(text, problem.status, headers, MEDIA_TYPE)


def internal_error() -> ProblemError:
    """Return the problem of an exception that nothing expects."""
    return ProblemError(
        500,
        "internal-error",
        "The server failed",
        "This is a fault of the server; its log has more under the id of this request.",
    )


def problem_of(error: UserProfileError) -> ProblemError:
    """Return what an error of this project is for a caller."""
    if isinstance(error, NotInCatalogError):
        return ProblemError(404, "not-in-catalog", "Not in the catalogue", error.what)
    if isinstance(error, NotPublishedError):
        return ProblemError(404, "nothing-published", "No such day is published", error.what)
    if isinstance(error, QueryTooSlowError):
        return ProblemError(
            503,
            "query-too-slow",
            "The query took too long",
            "It was cancelled. Ask for less: a narrower filter, a smaller page, one day.",
        )
    if isinstance(error, TransientError):
        return ProblemError(
            503,
            "database-unavailable",
            "The database does not answer",
            "Try again later; the server's log has more under the id of this request.",
            headers={"Retry-After": str(_RETRY_SECONDS)},
        )
    return internal_error()


def install_handlers(app: FastAPI) -> None:
    """Make every exception that a route may raise an answer with problem details."""
    app.add_exception_handler(ProblemError, _on_problem)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(UserProfileError, _on_own)


def _respond(request: Request, problem: ProblemError) -> Response:
    return problem_response(problem, notes_of(request.scope).request_id)


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # noqa: S101 - Starlette chooses the handler by type
    return _respond(request, error)


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    status = error.status_code
    title = HTTPStatus(status).phrase
    if status == HTTPStatus.NOT_FOUND:
        detail = "There is nothing at this address; /openapi.json lists what there is."
        problem = ProblemError(status, "not-found", title, detail)
    else:
        slug = title.lower().replace(" ", "-")
        problem = ProblemError(status, slug, title, f"{title}.", headers=error.headers)
    return _respond(request, problem)


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
    errors = [
        {"parameter": str(item["loc"][-1]), "in": str(item["loc"][0]), "message": item["msg"]}
        for item in error.errors()
    ]
    named = ", ".join(dict.fromkeys(item["parameter"] for item in errors))
    detail = f"Not valid: {named}; `errors` says why."
    return _respond(
        request,
        ProblemError(400, "invalid-parameter", "A parameter is not valid", detail, errors=errors),
    )


async def _on_own(request: Request, error: Exception) -> Response:
    assert isinstance(error, UserProfileError)  # noqa: S101 - as above
    problem = problem_of(error)
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        notes_of(request.scope).failure = error
    return _respond(request, problem)


def _encodable(value: Any) -> Any:
    """Return the value with what UTF-8 cannot hold escaped; orjson refuses it else."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {key: _encodable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_encodable(item) for item in value]
    return value
