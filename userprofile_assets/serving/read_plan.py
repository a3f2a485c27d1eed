"""Which index finds a page of a filtered list quickest, or all rows of an aggregate.

Belongs here: estimating, for the indexes of `ads_user_info_1d` (`tables.py`). Does not belong here:
what the cubes know of a day (`day_facts.py`), the SELECTs (`read_users.py`, `read_aggregates.py`).

A page can be found in two ways. Walk the table in the order of the list and drop what does not fit:
quick if much fits. Or look up what fits by another index and sort that: quick if little fits. The
wrong one reads a million rows for a hundred. The databases cannot tell, for they know nothing of a
single day; the cubes do.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from userprofile_assets.serving.day_facts import PLACES, DayFacts, day_facts
from userprofile_assets.serving.read_days import PROFILES
from userprofile_assets.serving.read_filters import Filters
from userprofile_assets.serving.read_users import (
    PRIMARY,
    UserQuery,
    hinted,
    prefix_conditions,
    range_conditions,
)
from userprofile_assets.serving.tables import serving_tables

if TYPE_CHECKING:
    import sqlalchemy

    from userprofile_assets.serving.read_days import Versions

_PV = "ads_user_info_1d_pv"
_PLACE = "ads_user_info_1d_place"
_REGION = "ads_user_info_1d_region"
_DEVICE = "ads_user_info_1d_device"

# The columns of those that filters look up, behind the day and before the rest.
_LOOKED_UP = {_PLACE: PLACES, _REGION: PLACES[:2], _DEVICE: ("device",)}

# A row that an index finds costs as much as walking over so many of the table: 2 us beside 0.2 us
# on SQLite, with all of it in memory.
_LOOKUP_COST = 10

# Rows of a range that are counted, which takes 2 ms; one that has more may have any number.
_MOST_COUNTED = 20_000

# A version never changes, so what is quickest in it stays so.
_kept: dict[tuple[str, UserQuery, int], Plan] = {}
_MOST_KEPT = 4_096


class Plan(NamedTuple):
    """How a page is read.

    Attributes:
        index_name: The index; None if the database may decide.
        query: The list, with conditions that change nothing but let the index be used.
        is_empty: Whether no profile fits, so that nothing has to be read.
    """

    index_name: str | None
    query: UserQuery
    is_empty: bool = False


def plan_page(
    connection: sqlalchemy.Connection, dt: str, versions: Versions, query: UserQuery, size: int
) -> Plan:
    """Return how a page is read quickest.

    Args:
        connection: Of a snapshot.
        dt: The day.
        versions: What is served of it, read on the same snapshot.
        query: Which profiles, in which order.
        size: Rows of a page.
    """
    key = (versions[PROFILES], query, size)
    plan = _kept.get(key)
    if plan is None:
        plan = _plan(connection, dt, versions, query, size)
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        _kept[key] = plan
    return plan


def _plan(
    connection: sqlalchemy.Connection, dt: str, versions: Versions, query: UserQuery, size: int
) -> Plan:
    by_uid = query.sort.endswith("uid")
    other_range = range_conditions(query) if by_uid else prefix_conditions(query)
    if not query.filters and not other_range:
        return Plan(PRIMARY if by_uid else _PV, query)
    facts = day_facts(connection, dt, versions)
    if facts is None:
        return Plan(None, query)
    query = replace(query, filters=facts.with_whole_places(query.filters))
    if not facts.share(query.filters):
        return Plan(PRIMARY, query, is_empty=True)
    ranges = _ranges(connection, dt, query)
    fitting = facts.total * facts.share(query.filters)
    for index, rows in ranges.items():
        among = facts.total
        if index == _DEVICE:
            among = facts.users_with_device(dict(query.filters.values)["device"])
        elif index == _PV and _DEVICE in ranges:
            continue  # the same range, among fewer
        fitting *= min(rows, among) / max(among, 1)
    # Of a range that is too long to be counted nothing is known but that it is long.
    known = {name: rows for name, rows in ranges.items() if rows < _MOST_COUNTED}
    # Whoever reads in the order of the list ends with the page.
    part = min(1.0, size / fitting) if fitting else 1.0
    table_rows, pv_rows = known.get(PRIMARY, facts.total), known.get(_PV, facts.total)
    costs = {
        PRIMARY: table_rows * (part if by_uid else 1.0),
        _PV: pv_rows * (1.0 if by_uid else part) * _LOOKUP_COST,
    }
    for index, rows in _lookups(facts, query.filters).items():
        in_order = _is_in_order(index, query.filters, by_uid=by_uid)
        found = min(rows, known.get(index, rows))
        costs[index] = found * (part if in_order else 1.0) * _LOOKUP_COST
    return Plan(min(costs, key=lambda index: costs[index]), query)


def plan_scan(
    connection: sqlalchemy.Connection, dt: str, versions: Versions, filters: Filters
) -> tuple[str | None, Filters]:
    """Return the index that finds all profiles of some filters quickest, and filters that fit it.

    Args:
        connection: Of a snapshot.
        dt: The day.
        versions: What is served of it, read on the same snapshot.
        filters: Which profiles.
    """
    facts = day_facts(connection, dt, versions)
    if facts is None:
        return None, filters
    filters = facts.with_whole_places(filters)
    ways = _lookups(facts, filters)
    index = min(ways, key=lambda way: ways[way], default=PRIMARY)
    if index != PRIMARY and ways[index] * _LOOKUP_COST > facts.total:
        index = PRIMARY
    return index, filters


def _lookups(facts: DayFacts, filters: Filters) -> dict[str, int]:
    """Return how many rows the indexes of filtered columns would find."""
    found = {}
    values = dict(filters.values)
    place = []
    for name in PLACES:
        # An index helps as far as its first columns are given; `OR` with NULL ends that.
        if name not in values or (None in values[name] and len(values[name]) > 1):
            break
        place.append(name)
    if place:
        found[_PLACE] = facts.users_at(filters, place)
    if len(place) > 1:
        found[_REGION] = facts.users_at(filters, place[:2])
    if "device" in values:
        found[_DEVICE] = facts.users_with_device(values["device"])
    return found


def _is_in_order(index: str, filters: Filters, *, by_uid: bool) -> bool:
    """Tell whether an index has its rows in the list's order: its columns have one value each.

    Behind its own columns each index has those of the primary key, on SQLite as on InnoDB; that of
    the devices has the page views before them.
    """
    values = dict(filters.values)
    in_order = all(len(values.get(name, ())) == 1 for name in _LOOKED_UP[index])
    return by_uid == (index != _DEVICE) and in_order


def _ranges(connection: sqlalchemy.Connection, dt: str, query: UserQuery) -> dict[str, int]:
    """Return how many rows are in the ranges of a list, counted up to a limit.

    That of page views also among the devices that are asked for, if any are.
    """
    import sqlalchemy

    table = serving_tables().ads_user_info_1d
    device = Filters(tuple(one for one in query.filters.values if one[0] == "device"))
    views = range_conditions(query)
    among_devices = [*device.conditions(table), *views] if device and views else []
    found: dict[str, int] = {}
    for index, conditions in (
        (_DEVICE, among_devices),
        (_PV, views),
        (PRIMARY, prefix_conditions(query)),
    ):
        # Rows of few devices are never more than those of all.
        if conditions and not (index == _PV and found.get(_DEVICE, _MOST_COUNTED) < _MOST_COUNTED):
            rows = hinted([table.c.uid], index).where(table.c.dt == dt, *conditions)
            count = sqlalchemy.select(sqlalchemy.func.count()).select_from(
                rows.limit(_MOST_COUNTED).subquery()
            )
            found[index] = connection.execute(count).scalar_one()
    return found
