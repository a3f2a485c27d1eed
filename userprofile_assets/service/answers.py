"""What all routes of data share: JSON, days that are not there, slow queries, kept aggregates.

Belongs here: the way from a question to a response. Does not belong here: the questions
(`routes/`), tags (`etags.py`), keeping (`answer_cache.py`).

Answers are plain values, written by orjson; no model checks them on the way. The models of
`shapes.py` describe them in OpenAPI.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson
import sqlalchemy
from fastapi import Request, Response

from userprofile_assets.bizdate import to_partition_key
from userprofile_assets.errors import NotPublishedError, QueryTooSlowError
from userprofile_assets.service import etags, threads
from userprofile_assets.service.answer_cache import Answer, AnswerCache
from userprofile_assets.service.context import ServiceContext, context_of
from userprofile_assets.service.filters import Query
from userprofile_assets.service.problems import ProblemError
from userprofile_assets.serving.read_days import (
    Versions,
    newest_day,
    served_version,
    versions_of_days,
)

_T = TypeVar("_T")

JSON = "application/json"

Computed = Callable[[sqlalchemy.Connection, str, Mapping[str, Versions]], dict[str, Any]]
"""Makes the answer from a snapshot, the day, and the versions of the days it may read."""


@dataclass(frozen=True, kw_only=True)
class Aggregate:
    """A question whose answer is kept.

    Args:
        name: Of the route.
        question: The parameters but dt, as plain values.
        compute: Makes the answer.
        days: The days that are read for a day, that day among them.
        helps: What makes it quicker, for a caller whose query was cancelled.
    """

    name: str
    question: Sequence[Any]
    compute: Computed
    days: Callable[[sqlalchemy.Connection, str], Sequence[str]] = lambda _, dt: [dt]
    helps: str = "Filter by fewer columns: without `city` a smaller table answers."


def json_response(value: Any, head: Mapping[str, str] | None = None) -> Response:
    """Return a value as JSON."""
    return Response(orjson.dumps(value), headers=dict(head or {}), media_type=JSON)


def tagged_response(
    request: Request, value: Any, *, is_dated: bool, body: bytes | None = None
) -> Response:
    """Return a value as JSON, tagged by its own bytes."""
    body = orjson.dumps(value) if body is None else body
    head = etags.headers(etags.tag_of(body.decode()), is_dated=is_dated)
    if etags.is_known(request, head["ETag"]):
        return etags.not_modified(head)
    return Response(body, headers=head, media_type=JSON)


async def asked_day(request: Request, query: Query) -> str | None:
    """Return the day that a request asks for; None for the newest.

    Raises:
        ProblemError: 400: it is no day; names the newest.
    """
    try:
        return query.day()
    except ProblemError as problem:
        newest = await read(request, newest_day)
        if newest is None:
            raise
        problem.detail += f" The newest published day is {to_partition_key(newest)}."
        problem.extra["newest"] = newest
        raise


async def read(
    request: Request,
    query: Callable[[sqlalchemy.Connection], _T],
    *,
    kind: threads.Kind = "lookup",
    helps: str = "",
) -> _T:
    """Return what some queries give on one snapshot, run in a thread.

    Raises:
        ProblemError: 404: nothing was ever published. 503: it takes too long.
        UserProfileError: The database refuses or does not answer.
    """
    reader = context_of(request).reader
    with query_problems(helps):
        return await threads.run(kind, lambda: reader.read(query))


@contextmanager
def query_problems(helps: str) -> Iterator[None]:
    """Turn errors of reading into problems that tell what to do."""
    try:
        yield
    except NotPublishedError:
        raise nothing_published() from None
    except QueryTooSlowError as error:
        raise ProblemError(
            503,
            "query-too-slow",
            "The query took too long",
            f"{error.what[0].upper()}{error.what[1:]}. {helps}".strip(),
        ) from error


def nothing_published() -> ProblemError:
    """Return the problem of a database that no day was published to."""
    return ProblemError(
        404,
        "nothing-published",
        "Nothing is published yet",
        "The serving database holds no day. Materialize the assets of the group `serving`, such as "
        "by the job of `userprofile up`, or run `make demo`.",
    )


def missing_day(connection: sqlalchemy.Connection, dt: str | None) -> ProblemError:
    """Return the problem of a day that is not served."""
    newest = newest_day(connection)
    if newest is None or dt is None:
        return nothing_published()
    return ProblemError(
        404,
        "unknown-day",
        "The day is not published",
        f"{to_partition_key(dt)} is not published. The newest published day is "
        f"{to_partition_key(newest)}; /api/v1/partitions lists all.",
        newest=newest,
    )


def found_version(connection: sqlalchemy.Connection, dt: str | None) -> tuple[str, str]:
    """Return a day, the newest for None, and the version of its profiles.

    Raises:
        ProblemError: 404: it is not served.
    """
    day, version = served_version(connection, dt)
    if day is None or version is None:
        raise missing_day(connection, dt)
    return day, version


def run_url(context: ServiceContext, run_id: str) -> str | None:
    """Return the page of a run in Dagster's UI, if USERPROFILE_UI_URL says where that is."""
    ui_url = context.settings.ui_url
    return f"{str(ui_url).rstrip('/')}/runs/{run_id}" if ui_url else None


def cache_of(request: Request) -> AnswerCache:
    """Return the kept answers of the application; it is asked on the event loop only."""
    state = request.app.state
    if not hasattr(state, "answer_cache"):
        state.answer_cache = AnswerCache()
    cache: AnswerCache = state.answer_cache
    return cache


async def aggregate(request: Request, asked: Aggregate, dt: str | None) -> Response:
    """Answer a question from memory, or from one snapshot of the database.

    Args:
        request: The request.
        asked: The question.
        dt: The day, or None for the newest.

    Raises:
        ProblemError: 404: the day is not served. 503: it takes too long.
    """

    def state(connection: sqlalchemy.Connection) -> tuple[str, Mapping[str, Versions]]:
        day, _ = found_version(connection, dt)
        return day, versions_of_days(connection, asked.days(connection, day))

    def tag(day: str, versions: Mapping[str, Versions]) -> str:
        return etags.tag_of(asked.name, day, versions, asked.question)

    def make(connection: sqlalchemy.Connection) -> Answer:
        # The day may have been published anew since the tag was made.
        now = state(connection)
        return Answer(tag(*now), orjson.dumps(asked.compute(connection, *now)))

    head = etags.headers(tag(*await read(request, state)), is_dated=dt is not None)
    if etags.is_known(request, head["ETag"]):
        return etags.not_modified(head)
    answer = await cache_of(request).get_or_make(
        head["ETag"], lambda: read(request, make, kind="aggregate", helps=asked.helps)
    )
    head["ETag"] = answer.tag
    return Response(answer.body, headers=head, media_type=JSON)
