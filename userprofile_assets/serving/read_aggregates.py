"""Numbers of users and page views of a day, by any of the dimensions.

Belongs here: choosing the smallest cube that can answer, and the lines of the log. Does not belong
here: which cubes there are (`cubes.py`), single profiles (`read_users.py`).
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from userprofile_assets.serving.cubes import CUBES, cube_table_name, pick_cube
from userprofile_assets.serving.read_plan import plan_scan
from userprofile_assets.serving.read_users import hinted
from userprofile_assets.serving.tables import serving_tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import sqlalchemy

    from userprofile_assets.serving.read_days import Versions
    from userprofile_assets.serving.read_filters import Filters


VISITS = "ads_region_pv_1d"
"""The table that `visits` reads; a day may be served without it."""


class Group(NamedTuple):
    """Users and page views that have the same values.

    Attributes:
        key: The values, in the order they were asked for.
        users: Profiles.
        pv: Their page views.
    """

    key: tuple[Any, ...]
    users: int
    pv: int


class Totals(NamedTuple):
    """All profiles of a day that the filters let through."""

    users: int = 0
    registered: int = 0
    pv: int = 0


class Lines(NamedTuple):
    """Lines of a day's log."""

    lines: int
    parsed_lines: int
    crawler_lines: int
    feed_lines: int
    quarantined_lines: int
    outside_lines: int


class City(NamedTuple):
    """A city's place by registered users; equal numbers share one."""

    rank: int
    country: str | None
    region: str | None
    city: str
    registered_users: int


def groups(
    connection: sqlalchemy.Connection,
    dt: str,
    versions: Versions,
    by: Sequence[str],
    filters: Filters,
) -> list[Group]:
    """Return users and page views of a day by some dimensions, most users first.

    Args:
        connection: Of a snapshot.
        dt: The day.
        versions: What is served of it, read on the same snapshot.
        by: The dimensions.
        filters: Which profiles count.
    """
    source = _source(connection, dt, versions, {*by, *filters.names}, filters)
    c = source.table.c
    return _grouped(
        connection,
        [c[name] for name in by],
        (source.users, c.pv),
        [c.dt == dt, *source.conditions],
        source.index_name,
    )


def totals(
    connection: sqlalchemy.Connection, days: Mapping[str, Versions], filters: Filters
) -> dict[str, Totals]:
    """Return the totals of some days.

    Args:
        connection: Of a snapshot.
        days: What is served of each day, read on the same snapshot.
        filters: Which profiles count.
    """
    needed = {"is_registered", *filters.names}
    # Days whose cubes differ are asked separately: one may have too many cells on some day. Days
    # without one are asked one by one, each by the index that suits it.
    alike: defaultdict[tuple[str | None, str], list[str]] = defaultdict(list)
    for dt, versions in days.items():
        cube = _cube(versions, needed)
        alike[cube, "" if cube else dt].append(dt)
    found: dict[str, Totals] = dict.fromkeys(days, Totals())
    for some in alike.values():
        source = _source(connection, some[0], days[some[0]], needed, filters)
        c = source.table.c
        rows = _grouped(
            connection,
            [c.dt, c.is_registered],
            (source.users, c.pv),
            [c.dt.in_(some), *source.conditions],
            source.index_name,
        )
        for (dt, is_registered), row_users, row_pv in rows:
            one = found[dt]
            found[dt] = Totals(
                one.users + row_users,
                one.registered + (row_users if is_registered else 0),
                one.pv + row_pv,
            )
    return found


def lines(connection: sqlalchemy.Connection, days: Iterable[str]) -> dict[str, Lines]:
    """Return what became of the lines of some days; days without traffic are left out."""
    import sqlalchemy

    c = serving_tables().ads_traffic_1d.c
    select = (
        sqlalchemy.select(c.dt, c.outcome, c.identity, sqlalchemy.func.sum(c.line_count))
        .where(c.dt.in_(list(days)))
        .group_by(c.dt, c.outcome, c.identity)
    )
    counts: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for dt, outcome, identity, summed in connection.execute(select).all():
        one, number = counts[dt], int(summed)
        one["lines"] += number
        one[outcome if outcome in {"parsed", "outside"} else "quarantined"] += number
        if outcome == "parsed" and identity in {"crawler", "feed"}:
            one[identity] += number
    names = ("lines", "parsed", "crawler", "feed", "quarantined", "outside")
    return {dt: Lines(*(one[name] for name in names)) for dt, one in counts.items()}


def visits(
    connection: sqlalchemy.Connection, dt: str, by: Sequence[str], filters: Filters
) -> list[Group]:
    """Return visitors and page views of a day at each place, most visitors first.

    Args:
        connection: Of a snapshot.
        dt: The day.
        by: Any of country, region, city.
        filters: Of country, region, city only.
    """
    table = serving_tables().ads_region_pv_1d
    return _grouped(
        connection,
        [table.c[name] for name in by],
        (table.c.people, table.c.pv),
        [table.c.dt == dt, *filters.conditions(table)],
    )


def cities(
    connection: sqlalchemy.Connection, dt: str, versions: Versions, filters: Filters, limit: int
) -> list[City]:
    """Return the cities with most registered users.

    Args:
        connection: Of a snapshot.
        dt: The day.
        versions: What is served of it, read on the same snapshot.
        filters: Which profiles count.
        limit: Most cities.
    """
    table = serving_tables().ads_city_registration_1d
    if not filters and table.name in versions:
        import sqlalchemy

        c = table.c
        select = (
            sqlalchemy.select(c.city_rank, c.country, c.region, c.city, c.registered_users)
            .where(c.dt == dt, c.city_rank.is_not(None))
            .order_by(c.city_rank, c.row_no)
        )
        rows = [City(*row) for row in connection.execute(select).all()]
        return sorted(rows, key=lambda row: (row.rank, _sort_key(row[1:4])))[:limit]
    found: list[City] = []
    by = ("country", "region", "city", "is_registered")
    registered = [
        group
        for group in groups(connection, dt, versions, by, filters)
        if group.key[3] and group.key[2] is not None
    ]
    for number, group in enumerate(registered[:limit], 1):
        shared = found and found[-1].registered_users == group.users
        country, region, city, _ = group.key
        rank = found[-1].rank if shared else number
        found.append(City(rank, country, region, city, group.users))
    return found


def _cube(versions: Versions, needed: set[str]) -> str | None:
    return pick_cube(needed, [cube for cube in CUBES if cube_table_name(cube) in versions])


class _Source(NamedTuple):
    """Where numbers of users come from.

    Attributes:
        table: The table.
        conditions: What chooses its rows.
        users: Its number of users.
        index_name: The index, for the profiles.
    """

    table: sqlalchemy.Table
    conditions: list[Any]
    users: Any
    index_name: str | None = None


def _source(
    connection: sqlalchemy.Connection,
    dt: str,
    versions: Versions,
    needed: set[str],
    filters: Filters,
) -> _Source:
    """Return what answers a question quickest."""
    import sqlalchemy

    tables = serving_tables()
    cube = _cube(versions, needed)
    if cube is not None:
        table = tables.ads_user_cube_1d
        conditions = [table.c.cube == cube, *filters.conditions(table)]
        return _Source(table, conditions, table.c.users)
    table = tables.ads_user_info_1d
    index, filters = plan_scan(connection, dt, versions, filters)
    return _Source(table, filters.conditions(table), sqlalchemy.literal_column("1"), index)


def _grouped(
    connection: sqlalchemy.Connection,
    by: Sequence[Any],
    numbers: tuple[Any, Any],
    conditions: Sequence[Any],
    index: str | None = None,
) -> list[Group]:
    import sqlalchemy

    sums = [sqlalchemy.func.coalesce(sqlalchemy.func.sum(number), 0) for number in numbers]
    select = hinted([*by, *sums], index).where(*conditions).group_by(*by)
    # Sums of MariaDB are decimals.
    found = [
        Group(tuple(row[:-2]), int(row[-2]), int(row[-1]))
        for row in connection.execute(select).all()
    ]
    return sorted(found, key=lambda group: (-group.users, -group.pv, _sort_key(group.key)))


def _sort_key(values: Sequence[Any]) -> list[tuple[bool, str]]:
    """Order equal numbers by their names, the same on each database; "not known" comes last."""
    return [(value is None, str(value)) for value in values]
