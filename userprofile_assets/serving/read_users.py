"""Read profiles: one by its uid, or pages of a sorted and filtered list.

Belongs here: the SELECTs. Does not belong here: cursors (`service/paging.py`), which way a filtered
page is found quickest (`read_plan.py`).

A page begins behind the last row of the page before (keyset paging), never at an offset: the
thousandth page costs what the first one does. Each part of it is one range of an index.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from userprofile_assets.serving.read_days import PROFILES
from userprofile_assets.serving.read_filters import NO_FILTERS, Filters, lookups, upper_bound
from userprofile_assets.serving.reader import DriverStatement
from userprofile_assets.serving.stored_text import NO_TEXT
from userprofile_assets.serving.tables import UID_LENGTH, serving_tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import sqlalchemy

    from userprofile_assets.serving.reader import ServingReader

FIELDS = (
    "uid",
    "region",
    "device",
    "pv",
    "gender",
    "age_range",
    "zodiac",
    "country",
    "city",
    "is_registered",
)
"""Columns of a profile, in the order of the API's answers."""

SORTS = ("uid", "-uid", "pv", "-pv")
"""Orders of a list; `-` is descending. Equal page views are in the order of the uid."""

MOST_PREFIX = UID_LENGTH - 65
"""Characters of a prefix: of a longer uid no more than these are stored as they are."""

PRIMARY = "PRIMARY"
"""The index that is the table itself, in the order of the uid."""

Row: TypeAlias = tuple[Any, ...]


class Key(NamedTuple):
    """Where a row stands in a list: its uid as it is stored, and its page views."""

    uid: str
    pv: int | None


class FoundUser(NamedTuple):
    """What looking a user up has found.

    Attributes:
        dt: The day.
        version: The version of its profiles.
        row: The profile with all `FIELDS`; None if the day has no such user.
    """

    dt: str
    version: str
    row: Row | None


@dataclass(frozen=True, kw_only=True)
class UserQuery:
    """Which profiles, in which order.

    Attributes:
        filters: Values of the dimensions.
        uid_prefix: How the uid begins.
        pv_min: Fewest page views.
        pv_max: Most page views.
        sort: One of `SORTS`.
        fields: Columns of a row, of `FIELDS`.
    """

    filters: Filters = NO_FILTERS
    uid_prefix: str = ""
    pv_min: int | None = None
    pv_max: int | None = None
    sort: str = "uid"
    fields: tuple[str, ...] = FIELDS


class Page(NamedTuple):
    """A part of a list.

    Attributes:
        rows: The rows, with the fields of the query.
        last: Where the next page goes on; None at the end.
    """

    rows: list[Row]
    last: Key | None


def find_user(reader: ServingReader, dt: str | None, uid: str) -> FoundUser | None:
    """Look a user up, in one statement.

    Args:
        reader: The database.
        dt: The day; None for the newest.
        uid: The uid.

    Returns:
        What was found; None if the day is not served.

    Raises:
        UserProfileError: See `ServingReader.snapshot`.
    """
    found = None
    for text in lookups(uid, UID_LENGTH):
        row = reader.row(_by_uid(newest=dt is None), {"dt": dt, "uid": text})
        if row is None:
            return None
        day, version, *values = row
        # Drivers have no booleans.
        values[-1] = None if values[-1] is None else bool(values[-1])
        # The table is joined from the left: without such a user its key is NULL.
        found = FoundUser(day, version, None if values[0] is None else shown(tuple(values)))
        if found.row is not None:
            break
    return found


def users_page(
    connection: sqlalchemy.Connection,
    dt: str,
    query: UserQuery,
    *,
    after: Key | None,
    size: int,
    index: str | None = None,
) -> Page:
    """Return the rows of a list behind a row.

    Args:
        connection: Of a snapshot.
        dt: The day.
        query: Which profiles, in which order.
        after: The last row of the page before; None for the first page.
        size: Most rows.
        index: By which index they are found (`read_plan.py`); None: the database decides.
    """
    c = serving_tables().ads_user_info_1d.c
    chosen = [c[name] for name in query.fields]
    found: list[Row] = []
    for conditions in _parts(query, after):
        select = _ordered(query, hinted([c.uid, c.pv, *chosen], index)).where(
            c.dt == dt, *filter_conditions(query), *conditions
        )
        # all(): one call of the driver; iterating makes one for each row.
        found += map(tuple, connection.execute(select.limit(size + 1 - len(found))).all())
        if len(found) > size:
            break
    last = Key(*found[size - 1][:2]) if len(found) > size else None
    return Page([shown(row[2:]) for row in found[:size]], last)


def filter_conditions(query: UserQuery) -> list[Any]:
    """Return what the rows of a list have to meet, on `ads_user_info_1d`."""
    table = serving_tables().ads_user_info_1d
    return [
        *query.filters.conditions(table),
        *range_conditions(query),
        *prefix_conditions(query),
    ]


def range_conditions(query: UserQuery) -> list[Any]:
    """Return the range of page views of a list as conditions."""
    c = serving_tables().ads_user_info_1d.c
    lower = [] if query.pv_min is None else [c.pv >= query.pv_min]
    return lower if query.pv_max is None else [*lower, c.pv <= query.pv_max]


def prefix_conditions(query: UserQuery) -> list[Any]:
    """Return the prefix of a list as conditions."""
    if not query.uid_prefix:
        return []
    c = serving_tables().ads_user_info_1d.c
    end = upper_bound(query.uid_prefix)
    return [c.uid >= query.uid_prefix, *([] if end is None else [c.uid < end])]


def hinted(columns: Sequence[Any], index: str | None) -> sqlalchemy.Select[Any]:
    """Return a SELECT of columns of the profiles that uses an index, or PRIMARY."""
    import sqlalchemy

    select = sqlalchemy.select(*columns)
    if index is None:
        return select
    table = serving_tables().ads_user_info_1d
    # A table of SQLite without row ids is its primary key, which NOT INDEXED leaves.
    sqlite = "NOT INDEXED" if index == PRIMARY else f"INDEXED BY {index}"
    select = select.with_hint(table, sqlite, "sqlite")
    for dialect in ("mysql", "mariadb"):
        select = select.with_hint(table, f"FORCE INDEX ({index})", dialect)
    return select


def shown(row: Row) -> Row:
    """Return a row as answers have it: what stands for "no uid" in the key is none."""
    return tuple(None if value == NO_TEXT else value for value in row) if NO_TEXT in row else row


def _ordered(query: UserQuery, select: sqlalchemy.Select[Any]) -> sqlalchemy.Select[Any]:
    c = serving_tables().ads_user_info_1d.c
    by = [c.uid] if query.sort.endswith("uid") else [c.pv, c.uid]
    return select.order_by(*(column.desc() for column in by) if query.sort[0] == "-" else by)


def _parts(query: UserQuery, after: Key | None) -> Iterator[list[Any]]:
    """Yield the ranges that a page is read from, one after the other.

    `(pv, uid) > (1, 'x')` would be one, but only SQLite finds its start in an index. NULL is the
    smallest of all numbers on SQLite, MariaDB and MySQL.
    """
    c = serving_tables().ads_user_info_1d.c
    descending = query.sort[0] == "-"
    if after is None:
        yield []
        return
    behind = c.uid < after.uid if descending else c.uid > after.uid
    if query.sort.endswith("uid"):
        yield [behind]
        return
    if after.pv is None:
        yield [c.pv.is_(None), behind]
        if not descending:
            yield [c.pv.is_not(None)]
        return
    yield [c.pv == after.pv, behind]
    yield [c.pv < after.pv if descending else c.pv > after.pv]
    if descending:
        yield [c.pv.is_(None)]


@cache
def _by_uid(*, newest: bool) -> DriverStatement:
    import sqlalchemy

    day, c = serving_tables().serving_day, serving_tables().ads_user_info_1d.c
    wanted: Any = sqlalchemy.bindparam("dt")
    if newest:
        served = day.alias()
        latest = sqlalchemy.select(sqlalchemy.func.max(served.c.dt))
        wanted = latest.where(served.c.table_name == _literal(PROFILES)).scalar_subquery()
    user = sqlalchemy.and_(c.dt == day.c.dt, c.uid == sqlalchemy.bindparam("uid"))
    return DriverStatement(
        sqlalchemy.select(day.c.dt, day.c.version, *(c[name] for name in FIELDS))
        .select_from(day.outerjoin(c.uid.table, user))
        .where(day.c.table_name == _literal(PROFILES), day.c.dt == wanted)
    )


def _literal(text: str) -> Any:
    import sqlalchemy

    return sqlalchemy.literal_column(f"'{text}'")
