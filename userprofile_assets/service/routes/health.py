"""Whether the process lives, whether it can answer, and what it counts.

Belongs here: /healthz, /readyz, /metrics. Does not belong here: the metrics (`metrics.py`).
"""

from __future__ import annotations

import asyncio
import math
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import sqlalchemy
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel

from userprofile_assets.bizdate import parse_day
from userprofile_assets.errors import UserProfileError
from userprofile_assets.records.moments import FORMAT
from userprofile_assets.service.access import Caller, Scope, needs
from userprofile_assets.service.context import ServiceContext, context_of
from userprofile_assets.service.metrics import CONTENT_TYPE
from userprofile_assets.service.openapi import PROBLEMS
from userprofile_assets.service.problems import ProblemError
from userprofile_assets.serving.read_days import PROFILES
from userprofile_assets.serving.tables import serving_tables

router = APIRouter(tags=["operation"])

# A probe that waits longer takes the server for dead.
_READY_SECONDS = 4.0
_NO_STORE = {"Cache-Control": "no-store"}


class Health(BaseModel):
    """It is well."""

    status: Literal["ok"] = "ok"


@router.get("/healthz", operation_id="healthz")
async def healthz(response: Response) -> Health:
    """Tell whether the process lives; asks nothing else."""
    response.headers.update(_NO_STORE)
    return Health()


@router.get("/readyz", operation_id="readyz", responses={503: PROBLEMS[503]})
async def readyz(request: Request, response: Response) -> Health:
    """Tell whether the database answers and has the tables and columns that the API reads.

    Raises:
        ProblemError: 503: it does not, or has not.
    """
    context = context_of(request)
    try:
        async with asyncio.timeout(_READY_SECONDS):
            # As every request does it; on a new database it makes the tables.
            await context.keys.known()
            await context.readiness.check(lambda: _look_at_tables(context))
    except (UserProfileError, TimeoutError) as error:
        context.log(f"not ready: {error or 'the database takes too long'}".replace("\n", " "))
        raise ProblemError(
            503,
            "not-ready",
            "Not ready",
            "The database does not answer, or lacks tables or columns; the server's log says more.",
            headers={"Retry-After": "5"},
        ) from error
    response.headers.update(_NO_STORE)
    return Health()


@router.get(
    "/metrics",
    operation_id="metrics",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
        401: PROBLEMS[401],
        403: PROBLEMS[403],
        429: PROBLEMS[429],
        "default": PROBLEMS["default"],
    },
)
async def metrics(
    request: Request, caller: Annotated[Caller, Depends(needs(Scope.AGGREGATES))]
) -> Response:
    """Return what Prometheus scrapes."""
    del caller
    context = context_of(request)
    try:
        day, published = await asyncio.to_thread(_newest_day, context)
    except UserProfileError:
        day = published = math.nan
    context.metrics.newest_day_age.set(day)
    context.metrics.newest_day_published.set(published)
    return Response(context.metrics.text(), headers={"Content-Type": CONTENT_TYPE, **_NO_STORE})


def _look_at_tables(context: ServiceContext) -> None:
    """Name every column, so that the database says which is missing; reads no row.

    Raises:
        UserProfileError: It does not answer, or lacks something.
    """

    def look(connection: sqlalchemy.Connection) -> None:
        for table in serving_tables():
            connection.execute(sqlalchemy.select(table).limit(0))

    context.reader.read(look)


def _newest_day(context: ServiceContext) -> tuple[float, float]:
    """Return the seconds since the end of the newest day, and when it was published."""
    c = serving_tables().serving_day.c
    newest = sqlalchemy.select(c.dt, c.published_at).where(c.table_name == PROFILES)
    newest = newest.order_by(c.dt.desc()).limit(1)

    row = context.reader.read(lambda connection: connection.execute(newest).first())
    if row is None:
        return math.nan, math.nan
    end = datetime.combine(
        parse_day(row.dt) + timedelta(days=1),
        datetime.min.time(),
        ZoneInfo(context.settings.timezone),
    )
    published = datetime.strptime(row.published_at, FORMAT).replace(tzinfo=UTC)
    return (datetime.now(UTC) - end).total_seconds(), published.timestamp()
