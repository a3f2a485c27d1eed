"""Which days are refused: what the strong rules said of them when they were asked last.

Belongs here: reading it from `dq_result`. Does not belong here: what follows from it
(`checks/gate.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from userprofile_assets.records.last_results import last_results
from userprofile_assets.records.tables import tables

if TYPE_CHECKING:
    from collections.abc import Collection

    from userprofile_assets.records.database import Records


@dataclass(frozen=True)
class Refusal:
    """A strong rule that a day breaks.

    Attributes:
        table: The table.
        rule: The rule.
        message: What it said, in one line.
        run_id: The run that asked.
    """

    table: str
    rule: str
    message: str
    run_id: str


def read_refusals(records: Records, asked: Collection[str], bizdate: str) -> tuple[Refusal, ...]:
    """Return what refuses a day of some tables.

    Only what holds counts (`records/last_results.py`): a day that was made again and is good is no
    longer refused.

    Args:
        records: The open database.
        asked: Names of the tables.
        bizdate: The day.

    Raises:
        RecordsError: The database refuses.
        RecordsUnavailableError: It does not answer.
    """
    if not asked:
        return ()
    from sqlalchemy import select

    result = tables().dq_result
    rows = records.read(
        select(result)
        .where(result.c.dt == bizdate, result.c.table_name.in_(sorted(asked)))
        .order_by(result.c.checked_at, result.c.id)
    )
    by_table: dict[str, list[Any]] = {}
    for row in rows:
        by_table.setdefault(row.table_name, []).append(row)
    return tuple(
        Refusal(table, row.rule, row.message, row.run_id)
        for table in sorted(by_table)
        for row in last_results(by_table[table])
        if row.status == "failed" and row.strength == "strong"
    )
