"""The API's own description: OpenAPI 3.1.

Belongs here: what FastAPI cannot know of it (keys, problems, what 422 became). Does not belong
here: routes, parameters and examples, which stand in `routes/`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from typing import Any

from fastapi import FastAPI

from userprofile_assets.service.access import Scope
from userprofile_assets.service.problems import MEDIA_TYPE, Problem

DESCRIPTION = """\
Profiles of a website's users, and their aggregates, day by day. Everything is read only.

Send a key as `Authorization: Bearer KEY` (`userprofile keys create` makes one). As long as no key
was ever made, the API answers to programs of its own machine without one. Errors are problem
details (RFC 9457). docs/api-access.md has scopes and limits."""

_SECTIONS = re.compile(r"\n\n(?:Args|Raises|Returns|Yields):\n")
_PROBLEM = {"$ref": "#/components/schemas/Problem"}
_HEADERS = {
    "X-Request-Id": {
        "description": "Stands in the server's log too.",
        "schema": {"type": "string"},
    }
}


def _version() -> str:
    try:
        return version_of("userprofile-assets")
    except PackageNotFoundError:
        return "0"


VERSION = _version()


def _problem(status: int, slug: str, title: str, detail: str) -> dict[str, Any]:
    example = {
        "type": f"/problems/{slug}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": "urn:request:0f5bd3c59b5a4f0b8f6b2c1f0a3d9e77",
    }
    return {
        "description": title,
        "headers": _HEADERS,
        "content": {MEDIA_TYPE: {"schema": _PROBLEM, "example": example}},
    }


PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: _problem(
        400,
        "invalid-parameter",
        "A parameter is not valid",
        "Not valid: page_size; `errors` says why.",
    ),
    401: _problem(
        401, "key-needed", "A valid key is needed", "Send `Authorization: Bearer KEY`, once."
    ),
    403: _problem(
        403,
        "missing-scope",
        "The key lacks a scope",
        "This needs a key with the scope users; this one has aggregates.",
    ),
    404: _problem(404, "nothing-published", "No such day is published", "No day is published yet."),
    429: _problem(
        429,
        "too-many-requests",
        "Too many requests",
        "This key may make 1200 requests a minute; try again in 7 s.",
    ),
    503: _problem(503, "database-unavailable", "The database does not answer", "Try again later."),
    "default": _problem(500, "internal-error", "Another problem", "This is a fault of the server."),
}
"""Answers that every route under /api/v1 may give."""


def install_openapi(app: FastAPI, *, scopes: Mapping[str, Scope]) -> None:
    """Have an application describe itself completely.

    Args:
        app: The application, with all its routes.
        scopes: What each path needs.
    """
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            _complete(generate(), scopes)
        return generate()

    app.openapi = openapi  # type: ignore[method-assign] # as FastAPI's documentation does it


def _complete(schema: dict[str, Any], scopes: Mapping[str, Scope]) -> None:
    """Change what FastAPI made, which it keeps and returns from then on."""
    components = schema.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    # Problems of parameters are answered with 400 (`problems.py`).
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = Problem.model_json_schema()
    components["securitySchemes"] = {
        "key": {
            "type": "http",
            "scheme": "bearer",
            "description": "A key of the API, `up_...`; scopes are aggregates, users, pii.",
        }
    }
    for path, item in schema["paths"].items():
        for operation in item.values():
            operation["responses"].pop("422", None)
            # Of a docstring what a caller needs: not the exceptions that are raised inside.
            said = _SECTIONS.split(operation.get("description", ""))[0].strip()
            operation["description"] = said
            if path in scopes:
                operation["security"] = [{"key": []}]
                operation["x-scope"] = str(scopes[path])
                operation["description"] = f"{said}\n\nScope: `{scopes[path]}`.".strip()
