"""Which days are refused: what the strong rules said of them when they were asked last.

Belongs here: reading it from `dq_result`. Does not belong here: what follows from it
(`checks/gate.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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

    Only the run that checked a table's day last counts: a day that was made again and is good is no
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
        refusal for table in sorted(by_table) for refusal in _of_last_run(table, by_table[table])
    )


def _of_last_run(table: str, rows: list[Any]) -> list[Refusal]:
    run_id = rows[-1].run_id
    last = {row.rule: row for row in rows if row.run_id == run_id}
    return [
        Refusal(table, rule, row.message, run_id)
        for rule, row in last.items()
        if row.status == "failed" and row.strength == "strong"
    ]
