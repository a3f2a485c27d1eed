"""The days that are published.

Belongs here: the list of days. Does not belong here: numbers of a day (`aggregates.py`).
"""

from __future__ import annotations

from typing import Annotated, Any

import sqlalchemy
from fastapi import APIRouter, Depends, Request, Response

from userprofile_assets.bizdate import to_partition_key
from userprofile_assets.records.partitions import worst_of
from userprofile_assets.service import paging
from userprofile_assets.service.access import Caller, Scope, needs
from userprofile_assets.service.answers import read, run_url, tagged_response
from userprofile_assets.service.context import context_of
from userprofile_assets.service.filters import Query
from userprofile_assets.service.parameters import extra, parameter, whole
from userprofile_assets.service.plain_route import PlainRoute
from userprofile_assets.service.problems import ProblemError
from userprofile_assets.service.shapes import Partitions
from userprofile_assets.serving.read_days import (
    PROFILES,
    ServedTable,
    served_days,
    tables_of_days,
)
from userprofile_assets.serving.read_quality import verdicts

router = APIRouter(tags=["days"], route_class=PlainRoute)

_HELPS = "Ask for fewer days: `limit`."


@router.get(
    "/partitions",
    operation_id="partitions",
    responses={200: {"model": Partitions, "description": "The days; none if none is published."}},
    openapi_extra=extra(
        whole("limit", "Most days.", 1, 1000, 100),
        parameter("cursor", "`next` of the page before.", {"type": "string"}),
    ),
)
async def partitions(
    request: Request, caller: Annotated[Caller, Depends(needs(Scope.AGGREGATES))]
) -> Response:
    """Return the published days, the newest first, with their tables and what the rules said."""
    del caller
    query = Query(request, {"limit", "cursor"})
    limit = query.integer("limit", 100, 1, 1000)
    text = query.one("cursor")
    before = None if text is None else paging.decode_day(text)

    def find(connection: sqlalchemy.Connection) -> tuple[list[str], Any, Any]:
        days = served_days(connection, limit=limit + 1, before=before)
        return days, tables_of_days(connection, days[:limit]), verdicts(connection, days[:limit])

    try:
        days, tables, statuses = await read(request, find, kind="list", helps=_HELPS)
    except ProblemError as problem:
        # No tables yet: a list of nothing is no error.
        if problem.slug != "nothing-published":
            raise
        days, tables, statuses = [], {}, {}
    context = context_of(request)
    data = []
    for dt in days[:limit]:
        of_day: dict[str, ServedTable] = tables[dt]
        profiles = of_day[PROFILES]
        state, counts = worst_of(statuses.get(dt, []))
        data.append(
            {
                "dt": dt,
                "date": to_partition_key(dt),
                "version": profiles.version,
                "published_at": profiles.published_at,
                "run_id": profiles.run_id,
                "run_url": run_url(context, profiles.run_id),
                "users": profiles.row_count,
                "tables": {
                    name: {"rows": table.row_count, "published_at": table.published_at}
                    for name, table in of_day.items()
                    # Parts of a table, such as its cubes, are no tables.
                    if "/" not in name
                },
                "quality": {"state": state, "counts": counts},
            }
        )
    following = paging.encode_day(days[limit - 1]) if len(days) > limit else None
    return tagged_response(request, {"data": data, "next": following}, is_dated=False)
