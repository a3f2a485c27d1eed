"""Aggregates of a day: summary, places, cities, devices, people; and the trend over days.

Belongs here: parameters, and the shape of each answer. Does not belong here: the queries
(`serving/read_aggregates.py`), keeping answers (`answers.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any

import sqlalchemy
from fastapi import APIRouter, Depends, Request, Response

from userprofile_assets.bizdate import parse_day, to_bizdate, to_partition_key
from userprofile_assets.service.access import Caller, Scope, needs
from userprofile_assets.service.answers import Aggregate, aggregate, asked_day
from userprofile_assets.service.filters import Query, invalid
from userprofile_assets.service.parameters import DT, FILTERS, choice, extra, whole, words
from userprofile_assets.service.plain_route import PlainRoute
from userprofile_assets.service.problems import ProblemError
from userprofile_assets.service.shapes import (
    Cities,
    Demographics,
    Devices,
    Regions,
    Summary,
    Trend,
)
from userprofile_assets.serving.read_aggregates import (
    VISITS,
    Group,
    Lines,
    Totals,
    cities,
    groups,
    lines,
    totals,
    visits,
)
from userprofile_assets.serving.read_days import Versions, served_days
from userprofile_assets.serving.read_filters import DIMENSIONS, Filters

router = APIRouter(tags=["aggregates"], route_class=PlainRoute)

_LEVELS = ("country", "region", "city")
_PEOPLE = ("gender", "age_range", "zodiac", "is_registered")
_NO_LINES: Lines | tuple[None, ...] = (None,) * len(Lines._fields)

AnyCaller = Annotated[Caller, Depends(needs(Scope.AGGREGATES))]
Connection = sqlalchemy.Connection
Days = Mapping[str, Versions]


@router.get(
    "/summary",
    operation_id="summary",
    responses={200: {"model": Summary, "description": "The numbers."}},
    openapi_extra=extra(DT, *FILTERS),
)
async def summary(request: Request, caller: AnyCaller) -> Response:
    """Return the numbers of a day, of the day before, and of the same day of the week before."""
    del caller
    query = Query(request, {"dt", *DIMENSIONS})
    filters = query.filters()

    def compute(connection: Connection, dt: str, days: Days) -> dict[str, Any]:
        found = _numbers(connection, days, filters)
        day_before, week_before = _former_days(dt)
        return {
            "dt": dt,
            "date": to_partition_key(dt),
            "data": found[dt],
            "previous_day": _former(found, day_before),
            "previous_week": _former(found, week_before),
        }

    asked = Aggregate(
        name="summary",
        question=filters.values,
        compute=compute,
        days=lambda _, dt: [dt, *_former_days(dt)],
    )
    return await aggregate(request, asked, await asked_day(request, query))


@router.get(
    "/regions",
    operation_id="regions",
    responses={200: {"model": Regions, "description": "The places."}},
    openapi_extra=extra(
        DT,
        choice("level", "Down to what.", list(_LEVELS), "region"),
        choice(
            "by",
            "`profiles`: each profile at its main place. `visits`: visitors at each place they "
            "came from; takes filters of places only.",
            ["profiles", "visits"],
            "profiles",
        ),
        *FILTERS,
    ),
)
async def regions(request: Request, caller: AnyCaller) -> Response:
    """Return users and page views by place, most users first.

    By visits, one who came from two cities counts in both, also in the sum of their region.
    """
    del caller
    query = Query(request, {"dt", "level", "by", *DIMENSIONS})
    level = query.choice("level", _LEVELS, "region")
    by = query.choice("by", ("profiles", "visits"), "profiles")
    filters = query.filters()
    names = _LEVELS[: _LEVELS.index(level) + 1]
    if by == "visits":
        for name in sorted(filters.names - set(_LEVELS)):
            raise invalid(name, "by=visits knows country, region and city only")

    def compute(connection: Connection, dt: str, days: Days) -> dict[str, Any]:
        if by == "visits":
            if VISITS not in days[dt]:
                raise _no_visits(dt)
            found = visits(connection, dt, names, filters)
        else:
            found = groups(connection, dt, days[dt], names, filters)
        return {"dt": dt, "level": level, "by": by, "data": _rows(names, found)}

    asked = Aggregate(name="regions", question=[level, by, filters.values], compute=compute)
    return await aggregate(request, asked, await asked_day(request, query))


@router.get(
    "/cities",
    operation_id="cities",
    responses={200: {"model": Cities, "description": "The ranking."}},
    openapi_extra=extra(DT, whole("limit", "Most cities.", 1, 1000, 50), *FILTERS),
)
async def city_ranking(request: Request, caller: AnyCaller) -> Response:
    """Return the cities with most registered users; equal numbers share a rank."""
    del caller
    query = Query(request, {"dt", "limit", *DIMENSIONS})
    filters = query.filters()
    limit = query.integer("limit", 50, 1, 1000)

    def compute(connection: Connection, dt: str, days: Days) -> dict[str, Any]:
        found = cities(connection, dt, days[dt], filters, limit)
        return {"dt": dt, "data": [city._asdict() for city in found]}

    asked = Aggregate(name="cities", question=[limit, filters.values], compute=compute)
    return await aggregate(request, asked, await asked_day(request, query))


@router.get(
    "/devices",
    operation_id="devices",
    responses={200: {"model": Devices, "description": "The device classes."}},
    openapi_extra=extra(DT, *FILTERS),
)
async def devices(request: Request, caller: AnyCaller) -> Response:
    """Return users and page views by device class, most users first."""
    del caller
    query = Query(request, {"dt", *DIMENSIONS})
    filters = query.filters()

    def compute(connection: Connection, dt: str, days: Days) -> dict[str, Any]:
        found = groups(connection, dt, days[dt], ["device"], filters)
        return {"dt": dt, "data": _rows(["device"], found)}

    asked = Aggregate(name="devices", question=filters.values, compute=compute)
    return await aggregate(request, asked, await asked_day(request, query))


@router.get(
    "/demographics",
    operation_id="demographics",
    responses={200: {"model": Demographics, "description": "The groups."}},
    openapi_extra=extra(
        DT,
        words(
            "by",
            "What people are grouped by, in the order of the columns.",
            list(_PEOPLE),
            ["gender", "age_range"],
        ),
        *FILTERS,
    ),
)
async def demographics(request: Request, caller: AnyCaller) -> Response:
    """Return users and page views by what is known of people, most users first."""
    del caller
    query = Query(request, {"dt", "by", *DIMENSIONS})
    by = query.words("by", _PEOPLE) or ["gender", "age_range"]
    filters = query.filters()

    def compute(connection: Connection, dt: str, days: Days) -> dict[str, Any]:
        found = groups(connection, dt, days[dt], by, filters)
        return {"dt": dt, "by": by, "data": _rows(by, found)}

    asked = Aggregate(name="demographics", question=[by, filters.values], compute=compute)
    return await aggregate(request, asked, await asked_day(request, query))


@router.get(
    "/trend",
    operation_id="trend",
    responses={200: {"model": Trend, "description": "The days."}},
    openapi_extra=extra(
        DT, whole("days", "Days up to dt; those not published are left out.", 1, 400, 30), *FILTERS
    ),
)
async def trend(request: Request, caller: AnyCaller) -> Response:
    """Return the numbers of the days up to a day, the oldest first."""
    del caller
    query = Query(request, {"dt", "days", *DIMENSIONS})
    filters = query.filters()
    count = query.integer("days", 30, 1, 400)

    def window(connection: Connection, dt: str) -> list[str]:
        oldest = _days_before(dt, count - 1)
        return [day for day in served_days(connection, limit=count, up_to=dt) if day >= oldest]

    def compute(connection: Connection, dt: str, days: Days) -> dict[str, Any]:
        found = _numbers(connection, days, filters)
        shown = ("users", "registered", "pv", "lines", "crawler_lines", "quarantined_lines")
        return {
            "dt": dt,
            "data": [
                {"dt": day, "date": to_partition_key(day)}
                | {name: found[day][name] for name in shown}
                for day in sorted(days)
            ],
        }

    asked = Aggregate(
        name="trend",
        question=[count, filters.values],
        compute=compute,
        days=window,
        helps="Ask for fewer days, or filter by fewer columns.",
    )
    return await aggregate(request, asked, await asked_day(request, query))


def _no_visits(dt: str) -> ProblemError:
    return ProblemError(
        404,
        "unknown-day",
        "The visits of the day are not published",
        f"{VISITS} is not published for {to_partition_key(dt)}, though the profiles are; "
        "by=profiles counts each of them at its main place.",
        dt=dt,
    )


def _numbers(connection: Connection, days: Days, filters: Filters) -> dict[str, dict[str, Any]]:
    """Return all numbers of some days; of lines nothing is known by user."""
    by_day = totals(connection, days, filters)
    of_lines = {} if filters else lines(connection, days)
    return {
        dt: _named(by_day[dt]) | dict(zip(Lines._fields, of_lines.get(dt, _NO_LINES), strict=True))
        for dt in days
    }


def _named(numbers: Totals) -> dict[str, Any]:
    return numbers._asdict()


def _former(found: Mapping[str, dict[str, Any]], dt: str) -> dict[str, Any] | None:
    return {"dt": dt, **found[dt]} if dt in found else None


def _former_days(dt: str) -> tuple[str, str]:
    return _days_before(dt, 1), _days_before(dt, 7)


def _days_before(dt: str, days: int) -> str:
    """Return an earlier day; the first one of the calendar has none before it."""
    try:
        return to_bizdate(parse_day(dt) - timedelta(days=days))
    except OverflowError:
        return "00000000"


def _rows(names: Sequence[str], found: Sequence[Group]) -> list[dict[str, Any]]:
    return [
        dict(zip(names, group.key, strict=True)) | {"users": group.users, "pv": group.pv}
        for group in found
    ]
