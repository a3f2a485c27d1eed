"""What was told of each cause of alerts, and what waits to be told: the table `alert`.

Belongs here: rows of the table. Does not belong here: when a message is due (`alerts/policy.py`).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from userprofile_assets.records.moments import FORMAT
from userprofile_assets.records.tables import tables

if TYPE_CHECKING:
    from collections.abc import Collection

    import sqlalchemy

    from userprofile_assets.records.database import Records

FORMATS = ("first_at", "last_at", "sent_at")


@dataclass(frozen=True, kw_only=True)
class AlertState:
    """One cause of alerts.

    Attributes:
        cause: Hash of the cause's text, which is as long as a person likes.
        severity: `warning` or `error`, of its newest occurrence, as title, text and link.
        title: One line.
        text: A few lines.
        link: URL of the run, if there is one.
        first_at: When it came for the first time, in UTC.
        last_at: When it came last.
        sent_at: When it was told last; None: never.
        sent: Messages since it came after a calm time.
        waiting: Occurrences that no message has told yet.
        held: Whether quiet hours hold them back.
    """

    cause: str
    severity: str
    title: str
    text: str
    link: str | None
    first_at: datetime
    last_at: datetime
    sent_at: datetime | None
    sent: int
    waiting: int
    held: bool


def read_alerts(records: Records) -> dict[str, AlertState]:
    """Return every cause that is known.

    Raises:
        RecordsError: The database refuses.
        RecordsUnavailableError: It does not answer.
    """
    from sqlalchemy import select

    states = [_state(row) for row in records.read(select(tables().alert))]
    return {state.cause: state for state in states}


def save_alerts(
    records: Records, states: Collection[AlertState], *, forget: Collection[str] = ()
) -> None:
    """Keep the states of some causes and forget others; all of it, or nothing.

    Raises:
        RecordsError: The database refuses.
        RecordsUnavailableError: It does not answer.
    """
    table = tables().alert
    gone = [*forget, *(state.cause for state in states)]
    if not gone:
        return

    def replace(connection: sqlalchemy.Connection) -> None:
        connection.execute(table.delete().where(table.c.cause.in_(gone)))
        if states:
            connection.execute(table.insert(), [_row(state) for state in states])

    records.write(replace)


def _row(state: AlertState) -> dict[str, Any]:
    row = asdict(state)
    for name in FORMATS:
        moment: datetime | None = row[name]
        row[name] = moment and moment.astimezone(UTC).strftime(FORMAT)
    return row


def _state(row: sqlalchemy.Row[Any]) -> AlertState:
    values = cast("dict[str, Any]", dict(row._mapping))  # noqa: SLF001 - its public name
    for name in FORMATS:
        text: str | None = values[name]
        values[name] = text and datetime.strptime(text, FORMAT).replace(tzinfo=UTC)
    values["held"] = bool(values["held"])
    return AlertState(**values)
