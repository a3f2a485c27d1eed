"""Former results: kept in the SQL database, read as baselines.

Belongs here: `dq_result`. Does not belong here: which days are needed (`baselines.py`).

A value is found by its table, metric and day, whatever the rule was called then. Of several runs of
one day the last one counts. A database that does not answer costs the baselines, and no more: that
is told once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from userprofile_assets.errors import UserProfileError
from userprofile_assets.records.moments import now_text
from userprofile_assets.records.tables import tables

if TYPE_CHECKING:
    import sqlalchemy

    from userprofile_assets.quality.rule import RuleResult
    from userprofile_assets.records.database import Records

Values: TypeAlias = Mapping[tuple[str, str], float]
"""(metric, bizdate) -> value."""

_MOST_ASKED = 500  # values of one IN; SQLite takes 32,766 variables, old ones 999


class History(Protocol):
    """Where values of earlier days come from."""

    def values(self, table: str, metrics: Collection[str], days: Collection[str]) -> Values:
        """Return what was measured last of each metric and day, if anything was; never raises."""


class NoHistory:
    """No earlier days are known."""

    def values(self, table: str, metrics: Collection[str], days: Collection[str]) -> Values:  # noqa: ARG002 - as History
        """Return nothing."""
        return {}


@dataclass
class RecordsHistory:
    """The results in the database of the records.

    Args:
        records: The database.
        log: Told once when it cannot be used.
    """

    records: Records
    log: Callable[[str], None]
    is_told: bool = field(default=False, init=False)

    def values(self, table: str, metrics: Collection[str], days: Collection[str]) -> Values:
        """See `History`."""
        found: dict[tuple[str, str], float | None] = {}
        asked = sorted(days)
        try:
            for start in range(0, len(asked), _MOST_ASKED):
                select = _select(table, sorted(metrics), asked[start : start + _MOST_ASKED])
                # The last one of a metric and day stays, also one that measured nothing.
                found |= {(row.metric, row.dt): row.value for row in self.records.read(select)}
        except UserProfileError as error:
            self._tell("no baselines: former results cannot be read", error)
        return {key: value for key, value in found.items() if value is not None}

    def save(self, results: Sequence[RuleResult], run_id: str) -> bool:
        """Keep results; tell whether it was possible.

        Args:
            results: What a run found.
            run_id: The run.
        """
        checked_at = now_text()
        rows = [_row(result, run_id, checked_at) for result in results]
        if not rows:
            return True

        def insert(connection: sqlalchemy.Connection) -> None:
            connection.execute(tables().dq_result.insert(), rows)

        try:
            self.records.write(insert)
        except UserProfileError as error:
            self._tell("results of the rules are not kept", error)
            return False
        return True

    def _tell(self, what: str, error: UserProfileError) -> None:
        if not self.is_told:
            self.is_told = True
            self.log(f"{what}: {error}")


def _select(table: str, metrics: list[str], days: list[str]) -> sqlalchemy.Select[Any]:
    from sqlalchemy import select

    result = tables().dq_result
    return (
        select(result.c.metric, result.c.dt, result.c.value)
        .where(
            result.c.table_name == table,
            result.c.metric.in_(metrics),
            result.c.dt.in_(days),
        )
        .order_by(result.c.checked_at, result.c.id)
    )


def _row(result: RuleResult, run_id: str, checked_at: str) -> dict[str, object]:
    return {
        "table_name": result.table,
        "dt": result.bizdate,
        "rule": result.rule,
        "metric": result.metric,
        "strength": result.strength,
        "status": result.status,
        "value": _finite(result.value),
        "baseline": _finite(result.baseline),
        "threshold": result.thresholds,
        "message": result.message,
        "sql_text": result.sql,
        "run_id": run_id,
        "checked_at": checked_at,
    }


def _finite(value: float | None) -> float | None:
    # MySQL has no NaN and no infinity; the message tells them.
    return value if value is None or math.isfinite(value) else None
