"""What the quality rules said of a day.

Belongs here: the results. Does not belong here: the rules (`quality/`).
"""

from __future__ import annotations

from typing import Annotated

import sqlalchemy
from fastapi import APIRouter, Depends, Request, Response

from userprofile_assets.records.partitions import worst_of
from userprofile_assets.service.access import Caller, Scope, needs
from userprofile_assets.service.answers import (
    asked_day,
    found_version,
    read,
    run_url,
    tagged_response,
)
from userprofile_assets.service.context import context_of
from userprofile_assets.service.filters import Query
from userprofile_assets.service.parameters import DT, extra
from userprofile_assets.service.plain_route import PlainRoute
from userprofile_assets.service.shapes import Quality
from userprofile_assets.serving.read_quality import Result, results

router = APIRouter(tags=["days"], route_class=PlainRoute)


@router.get(
    "/quality",
    operation_id="quality",
    responses={200: {"model": Quality, "description": "The results."}},
    openapi_extra=extra(DT),
)
async def quality(
    request: Request, caller: Annotated[Caller, Depends(needs(Scope.AGGREGATES))]
) -> Response:
    """Return what the rules said of all tables of a day, each the last time it was asked."""
    del caller
    query = Query(request, {"dt"})
    dt = await asked_day(request, query)

    def find(connection: sqlalchemy.Connection) -> tuple[str, list[Result]]:
        day, _ = found_version(connection, dt)
        return day, results(connection, day)

    day, found = await read(request, find, kind="list")
    context = context_of(request)
    data = [
        {
            "table": row.table_name,
            "rule": row.rule,
            "strength": row.strength,
            "status": row.status,
            "value": row.value,
            "baseline": row.baseline,
            "threshold": row.threshold,
            "message": row.message,
            "run_id": row.run_id,
            "run_url": run_url(context, row.run_id),
            "checked_at": row.checked_at,
        }
        for row in found
    ]
    state, _ = worst_of([row.status for row in found])
    return tagged_response(
        request, {"dt": day, "state": state, "data": data}, is_dated=dt is not None
    )
