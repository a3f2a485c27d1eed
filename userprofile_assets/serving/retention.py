"""Which days the serving database keeps, and removing the others.

Belongs here: the rule of USERPROFILE_SERVING_DAYS. Does not belong here: publishing.

A table keeps its newest day and the days before it, so many in all, counted by the calendar. What
is older is removed a day per transaction: a reader of another day waits for none of them, and a
removal that breaks off is gone on with by the next publishing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from userprofile_assets.locks import exclusive_lock
from userprofile_assets.serving.publish import LOCK_SECONDS, remove_rows
from userprofile_assets.serving.tables import serving_tables

if TYPE_CHECKING:
    from collections.abc import Callable

    import sqlalchemy

    from userprofile_assets.records.database import Records

_FORMAT = "%Y%m%d"


def oldest_kept(records: Records, table: str, days: int, *, with_day: str = "") -> str:
    """Return the oldest business date that a table keeps.

    Args:
        records: The database.
        table: The table.
        days: USERPROFILE_SERVING_DAYS.
        with_day: A day that is to be published.

    Raises:
        RecordsError: The database refuses.
        RecordsUnavailableError: It does not answer.
    """
    newest = max([with_day, *_days(records, table)], default="")
    if not newest:
        return ""
    # No zone: business dates, of which days are taken off.
    first = datetime.strptime(newest, _FORMAT) - timedelta(days=days - 1)  # noqa: DTZ007 - as above
    return first.strftime(_FORMAT)


def remove_old_days(
    records: Records, table: str, days: int, *, log: Callable[[str], None]
) -> list[str]:
    """Remove the days of a table that are no longer kept, and return them.

    Args:
        records: The database.
        table: The table.
        days: USERPROFILE_SERVING_DAYS.
        log: Told which days are gone.

    Raises:
        RecordsError: The database refuses.
        RecordsUnavailableError: It does not answer.
    """
    first = oldest_kept(records, table, days)
    old = sorted(dt for dt in _days(records, table) if dt < first)
    for dt in old:
        with exclusive_lock(
            records.locks / "serving.lock",
            purpose=f"removing {dt} of {table}",
            timeout=LOCK_SECONDS,
            on_wait=log,
        ):
            records.write(
                partial(_remove, table=table, dt=dt),
                doing=f"removing {dt} of {table}",
            )
        log(f"{table}: {dt} is removed, {days} days are kept (USERPROFILE_SERVING_DAYS)")
    return old


def _remove(connection: sqlalchemy.Connection, *, table: str, dt: str) -> None:
    day = serving_tables().serving_day
    connection.execute(day.delete().where(day.c.table_name == table, day.c.dt == dt))
    remove_rows(connection, table, dt)


def _days(records: Records, table: str) -> list[str]:
    import sqlalchemy

    day = serving_tables().serving_day
    return [
        row.dt for row in records.read(sqlalchemy.select(day.c.dt).where(day.c.table_name == table))
    ]
