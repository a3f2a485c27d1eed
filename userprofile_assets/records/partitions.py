"""The days of each asset: how many rows and bytes, by which run, and how good.

Belongs here: writing and reading `partition_record`, and what `dq_result` says of a day as a whole.
Does not belong here: single results (`quality/`), the days that Spark's catalogue knows.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from userprofile_assets.records.last_results import last_results
from userprofile_assets.records.tables import tables
from userprofile_assets.records.upsert import upsert

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from userprofile_assets.records.database import Records

State = Literal["failed", "warned", "unknown", "passed"]
"""The worst of a day's results."""

_WORST_FIRST: tuple[State, ...] = ("failed", "warned", "unknown", "passed")


@dataclass(frozen=True, kw_only=True)
class PartitionRecord:
    """One day of one asset as a run left it.

    Attributes:
        asset: Name of the asset.
        dt: The business date, `20240807`.
        row_count: Rows; None for a view.
        byte_count: Bytes; None where nobody counts them.
        location: Where it lies; None for a view.
        run_id: The run of Dagster that made it.
        made_at: When: ISO 8601 in UTC with microseconds and `Z`.
    """

    asset: str
    dt: str
    row_count: int | None
    byte_count: int | None
    location: str | None
    run_id: str
    made_at: str


@dataclass(frozen=True, kw_only=True)
class DayQuality:
    """What the rules said of a day the last time they were asked.

    Attributes:
        state: The worst result.
        counts: How many rules passed, warned, failed, could not be judged.
        run_id: The run that asked.
        checked_at: When it asked last.
    """

    state: State
    counts: dict[str, int]
    run_id: str
    checked_at: str


def record_partitions(records: Records, made: Iterable[PartitionRecord]) -> None:
    """Remember days; one that is there already is replaced.

    Raises:
        RecordsError: The database refuses.
        RecordsUnavailableError: It does not answer.
    """
    rows = [asdict(record) for record in made]
    if rows:
        records.write(lambda connection: upsert(connection, tables().partition_record, rows))


def read_partitions(
    records: Records, asset: str, *, limit: int | None = None
) -> list[PartitionRecord]:
    """Return the days of an asset, the newest first.

    Raises:
        RecordsError: The database refuses.
        RecordsUnavailableError: It does not answer.
    """
    import sqlalchemy

    table = tables().partition_record
    select = (
        sqlalchemy.select(table)
        .where(table.c.asset == asset)
        .order_by(table.c.dt.desc())
        .limit(limit)
    )
    return [PartitionRecord(**row._mapping) for row in records.read(select)]  # noqa: SLF001 - public by its documentation


def read_quality(records: Records, table: str, days: Sequence[str]) -> dict[str, DayQuality]:
    """Return the quality of some days; those that were never checked are left out.

    Only the results that hold count (`last_results.py`).

    Raises:
        RecordsError: The database refuses.
        RecordsUnavailableError: It does not answer.
    """
    if not days:
        return {}
    import sqlalchemy

    results = tables().dq_result
    c = results.c
    select = (
        sqlalchemy.select(c.dt, c.run_id, c.rule, c.status, c.checked_at)
        .where(c.table_name == table, c.dt.in_(list(days)))
        .order_by(c.checked_at, c.id)
    )
    by_day: dict[str, list[Any]] = {}
    for row in records.read(select):
        by_day.setdefault(row.dt, []).append(row)
    return {dt: _quality(rows) for dt, rows in by_day.items()}


def worst_of(statuses: Sequence[str]) -> tuple[State, dict[str, int]]:
    """Return the worst of some results, unknown for none, and how many there are of each."""
    state: State = next((one for one in _WORST_FIRST if one in statuses), "unknown")
    return state, {one: statuses.count(one) for one in _WORST_FIRST if one in statuses}


def _quality(rows: list[Any]) -> DayQuality:
    newest = rows[-1]
    state, counts = worst_of([row.status for row in last_results(rows)])
    return DayQuality(
        state=state,
        counts=counts,
        run_id=newest.run_id,
        checked_at=newest.checked_at,
    )
