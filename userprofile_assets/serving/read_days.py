"""Which days are served, in which versions.

Belongs here: `serving_day`. Does not belong here: rows of a day (`read_users.py`,
`read_aggregates.py`), what rules say of it (`read_quality.py`).

A day is served when `ads_user_info_1d` is: the profiles are what all answers stand on.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from userprofile_assets.serving.tables import serving_tables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import sqlalchemy

PROFILES = "ads_user_info_1d"

Versions: TypeAlias = "Mapping[str, str]"
"""Name of a served table of one day -> its version, new with each publishing."""


class ServedTable(NamedTuple):
    """One table of a day, as it was published last."""

    table_name: str
    dt: str
    version: str
    row_count: int
    run_id: str
    published_at: str


def newest_day(connection: sqlalchemy.Connection) -> str | None:
    """Return the newest day that is served, or None."""
    row = connection.execute(_newest()).first()
    return None if row is None else row.dt


def served_version(
    connection: sqlalchemy.Connection, dt: str | None
) -> tuple[str, str] | tuple[None, None]:
    """Return a day and the version of its profiles.

    Args:
        connection: Of a snapshot.
        dt: The day; None for the newest.

    Returns:
        Two times None if it is not served.
    """
    statement, parameters = (_newest(), {}) if dt is None else (_one(), {"dt": dt})
    row = connection.execute(statement, parameters).first()
    return (None, None) if row is None else (row.dt, row.version)


def day_versions(connection: sqlalchemy.Connection, dt: str) -> Versions:
    """Return the versions of a day's tables; empty if the day is not served."""
    rows = connection.execute(_versions(), {"dt": dt})
    versions = {row.table_name: row.version for row in rows}
    return versions if PROFILES in versions else {}


def versions_of_days(
    connection: sqlalchemy.Connection, days: Sequence[str]
) -> dict[str, dict[str, str]]:
    """Return the versions of some days' tables; days that are not served are left out."""
    import sqlalchemy

    c = serving_tables().serving_day.c
    select = sqlalchemy.select(c.dt, c.table_name, c.version).where(c.dt.in_(list(days)))
    found: dict[str, dict[str, str]] = {}
    for dt, table_name, version in connection.execute(select).all():
        found.setdefault(dt, {})[table_name] = version
    return {dt: found[dt] for dt in days if PROFILES in found.get(dt, ())}


def served_days(
    connection: sqlalchemy.Connection,
    *,
    limit: int,
    up_to: str | None = None,
    before: str | None = None,
) -> list[str]:
    """Return the days that are served, the newest first.

    Args:
        connection: Of a snapshot.
        limit: Most days.
        up_to: The newest day that counts; None for any.
        before: The day that the newest comes before; None for any.
    """
    import sqlalchemy

    c = serving_tables().serving_day.c
    select = sqlalchemy.select(c.dt).where(c.table_name == PROFILES)
    if up_to is not None:
        select = select.where(c.dt <= up_to)
    if before is not None:
        select = select.where(c.dt < before)
    return list(connection.execute(select.order_by(c.dt.desc()).limit(limit)).scalars())


def tables_of_days(
    connection: sqlalchemy.Connection, days: Sequence[str]
) -> dict[str, dict[str, ServedTable]]:
    """Return what is served of some days: day -> table -> facts; days that are not are left out."""
    import sqlalchemy

    if not days:
        return {}
    table = serving_tables().serving_day
    columns = [table.c[name] for name in ServedTable._fields]
    select = (
        sqlalchemy.select(*columns).where(table.c.dt.in_(list(days))).order_by(table.c.table_name)
    )
    found: dict[str, dict[str, ServedTable]] = {}
    for row in connection.execute(select).all():
        found.setdefault(row.dt, {})[row.table_name] = ServedTable(*row)
    return {dt: tables for dt, tables in found.items() if PROFILES in tables}


@cache
def _newest() -> sqlalchemy.Select[Any]:
    import sqlalchemy

    c = serving_tables().serving_day.c
    select = sqlalchemy.select(c.dt, c.version).where(c.table_name == PROFILES)
    return select.order_by(c.dt.desc()).limit(1)


@cache
def _one() -> sqlalchemy.Select[Any]:
    import sqlalchemy

    c = serving_tables().serving_day.c
    return sqlalchemy.select(c.dt, c.version).where(
        c.table_name == PROFILES, c.dt == sqlalchemy.bindparam("dt")
    )


@cache
def _versions() -> sqlalchemy.Select[Any]:
    import sqlalchemy

    c = serving_tables().serving_day.c
    return sqlalchemy.select(c.table_name, c.version).where(c.dt == sqlalchemy.bindparam("dt"))
