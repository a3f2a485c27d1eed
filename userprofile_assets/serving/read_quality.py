"""What the quality rules said of the days that are served.

Belongs here: `dq_result` of all tables of a day. Does not belong here: one table's history
(`records/partitions.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from userprofile_assets.records.last_results import last_results
from userprofile_assets.records.tables import tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    import sqlalchemy


class Result(NamedTuple):
    """What a rule said of a day of its table, the last time it was asked."""

    dt: str
    table_name: str
    rule: str
    strength: str
    status: str
    value: float | None
    baseline: float | None
    threshold: str | None
    message: str
    run_id: str
    checked_at: str


class Verdict(NamedTuple):
    """Result of one rule without its words."""

    dt: str
    table_name: str
    rule: str
    status: str
    run_id: str


def results(connection: sqlalchemy.Connection, dt: str) -> list[Result]:
    """Return the results of a day, by table and rule.

    Of each table those that hold are meant (`records/last_results.py`).
    """
    rows = [Result(*row) for row in _rows(connection, Result._fields, [dt])]
    return sorted(_last(rows), key=lambda row: (row.table_name, row.rule))


def verdicts(connection: sqlalchemy.Connection, days: Sequence[str]) -> dict[str, list[str]]:
    """Return the statuses of all rules of some days, as `results` chooses them."""
    found: dict[str, list[str]] = {}
    if days:
        rows = [Verdict(*row) for row in _rows(connection, Verdict._fields, days)]
        for row in _last(rows):
            found.setdefault(row.dt, []).append(row.status)
    return found


def _rows(connection: sqlalchemy.Connection, names: Sequence[str], days: Sequence[str]) -> Any:
    import sqlalchemy

    c = tables().dq_result.c
    select = (
        sqlalchemy.select(*(c[name] for name in names))
        .where(c.dt.in_(list(days)))
        .order_by(c.checked_at, c.id)
    )
    return connection.execute(select).all()


def _last(rows: Sequence[Any]) -> list[Any]:
    of_day: dict[tuple[str, str], list[Any]] = {}
    for row in rows:
        of_day.setdefault((row.dt, row.table_name), []).append(row)
    return [row for one in of_day.values() for row in last_results(one)]
