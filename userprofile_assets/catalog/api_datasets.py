"""The fields that the API answers with, as datasets of the data map.

Belongs here: which field comes from which column of the serving database. Does not belong here: the
answers (`service/routes/`), the tables (`contributions.py`).

Fields that every answer has (`dt`, `next`) and those of the request are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from userprofile_assets.catalog.model import DEFAULT_OWNER, Column, Dataset

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_PROFILES = "ads_user_info_1d"
_VISITS = "ads_region_pv_1d"
_CITIES = "ads_city_registration_1d"
_TRAFFIC = "ads_traffic_1d"

Sources = tuple[tuple[str, str], ...]

_USERS: tuple[str, Sources] = ("users", ((_PROFILES, "uid"),))
_PV: tuple[str, Sources] = ("pv", ((_PROFILES, "pv"),))
_REGISTERED: tuple[str, Sources] = ("registered", ((_PROFILES, "is_registered"),))
# Outcome and identity only choose the rows that are summed up.
_LINES: Sources = ((_TRAFFIC, "line_count"),)


class Endpoint(NamedTuple):
    """One address of the API.

    Attributes:
        path: Behind /api/v1.
        description: What an answer holds.
        fields: Its fields, each with the columns it comes from.
    """

    path: str
    description: str
    fields: Mapping[str, Sources]


def _same(*names: str) -> dict[str, Sources]:
    return {name: ((_PROFILES, name),) for name in names}


_PLACE: dict[str, Sources] = {
    name: ((_PROFILES, name), (_VISITS, name)) for name in ("country", "region", "city")
}

ENDPOINTS: Mapping[str, Endpoint] = {
    "api_v1_summary": Endpoint(
        "/summary",
        "The totals of a day, of the day before and of the same day a week before.",
        dict((_USERS, _REGISTERED, _PV))
        | {
            "lines": _LINES,
            "parsed_lines": _LINES,
            "crawler_lines": _LINES,
            "feed_lines": _LINES,
            "quarantined_lines": _LINES,
            "outside_lines": _LINES,
        },
    ),
    "api_v1_regions": Endpoint(
        "/regions",
        "People and page views by country, region and city: of profiles, or of visits.",
        _PLACE
        | {
            "users": ((_PROFILES, "uid"), (_VISITS, "people")),
            "pv": ((_PROFILES, "pv"), (_VISITS, "pv")),
        },
    ),
    "api_v1_cities": Endpoint(
        "/cities",
        "Cities by the number of registered users.",
        {
            "rank": ((_CITIES, "city_rank"),),
            "country": ((_CITIES, "country"),),
            "region": ((_CITIES, "region"),),
            "city": ((_CITIES, "city"),),
            "registered_users": ((_CITIES, "registered_users"),),
        },
    ),
    "api_v1_devices": Endpoint(
        "/devices", "People and page views by device.", _same("device") | dict((_USERS, _PV))
    ),
    "api_v1_demographics": Endpoint(
        "/demographics",
        "People and page views by gender, age, zodiac sign and registration.",
        _same("gender", "age_range", "zodiac", "is_registered") | dict((_USERS, _PV)),
    ),
    "api_v1_trend": Endpoint(
        "/trend",
        "The totals of the newest days.",
        dict((_USERS, _REGISTERED, _PV))
        | {
            "lines": _LINES,
            "crawler_lines": _LINES,
            "quarantined_lines": _LINES,
        },
    ),
}
"""The aggregates, by the name of their dataset; users' fields are those of their table."""

_USERS_DATASET = "api_v1_users"


def api_datasets(served: Iterable[Dataset]) -> list[Dataset]:
    """Return what the API answers with, as far as its tables are there.

    Args:
        served: The tables of the serving database.
    """
    tables = {table.name: table for table in served}
    found = []
    if _PROFILES in tables:
        profiles = tables[_PROFILES]
        columns = tuple(
            column._replace(sources=((_PROFILES, column.name),), partition=False)
            for column in profiles.columns
        )
        description = "Profiles: one by its uid, or all by filters, in pages."
        found.append(_dataset(_USERS_DATASET, "/users", description, columns))
    for name, endpoint in ENDPOINTS.items():
        columns = tuple(
            _column(field, sources, tables) for field, sources in endpoint.fields.items()
        )
        if any(column.sources for column in columns):
            found.append(_dataset(name, endpoint.path, endpoint.description, columns))
    return found


def _dataset(name: str, path: str, description: str, columns: tuple[Column, ...]) -> Dataset:
    read = {table for column in columns for table, _ in column.sources}
    return Dataset(
        name=name,
        kind="api",
        group="api",
        description=f"{description}\nGET /api/v1{path}",
        owner=DEFAULT_OWNER,
        columns=columns,
        dependencies=tuple(sorted(read)),
    )


def _column(field: str, sources: Sources, tables: Mapping[str, Dataset]) -> Column:
    there = tuple(
        (table, name)
        for table, name in sources
        if table in tables and any(column.name == name for column in tables[table].columns)
    )
    # A number of people is no personal data, though it is counted from their uids.
    comment = next(
        (tables[table].column(name).comment for table, name in there if name == field), None
    )
    return Column(field, comment=comment, sources=there)
