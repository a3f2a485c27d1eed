"""Counting the rows that the serving database has, by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from userprofile_assets.serving.tables import serving_tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    import sqlalchemy

    from userprofile_assets.records.database import Records


def count_served(records: Records, table: str, days: Sequence[str]) -> dict[str, int]:
    """Return for each day the rows that a table has; 0 for one that it has not.

    Raises:
        RecordsError: The database refuses.
        RecordsUnavailableError: It does not answer.
    """
    import sqlalchemy

    rows: sqlalchemy.Table = getattr(serving_tables(), table)
    select = (
        sqlalchemy.select(rows.c.dt, sqlalchemy.func.count())
        .where(rows.c.dt.in_(list(days)))
        .group_by(rows.c.dt)
    )
    counted = {row[0]: int(row[1]) for row in records.read(select)}
    return {day: counted.get(day, 0) for day in days}
