"""What the sources looked like at each run.

Belongs here: keeping it, and what later looks are compared with. Does not belong here: the
comparison (`schema_change.py`), stopping a run (`assets/ingest.py`).

A run compares what it sees with what was accepted last. Columns that were added warn and are
accepted; columns that are missing or have another type block, and are not accepted until a person
does it (`userprofile catalog accept`) or the source is as it was. So a rerun blocks again. Another
source warns and is accepted as it is.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from userprofile_assets.errors import RecordsError
from userprofile_assets.records.schema_change import SourceColumn, SourceSchema
from userprofile_assets.records.tables import tables
from userprofile_assets.records.upsert import upsert

if TYPE_CHECKING:
    from userprofile_assets.records.database import Records


@dataclass(frozen=True, kw_only=True)
class SeenSchema:
    """A source as a run saw it.

    Attributes:
        schema: What it saw.
        accepted: Whether later runs are compared with it.
        run_id: The run.
        seen_at: When: ISO 8601 in UTC with microseconds and `Z`.
    """

    schema: SourceSchema
    accepted: bool
    run_id: str
    seen_at: str


def remember(
    records: Records,
    source: str,
    schema: SourceSchema,
    *,
    run_id: str,
    seen_at: str,
    accepted: bool = True,
) -> None:
    """Keep what a run saw of a source.

    Args:
        records: The open database.
        source: Name of the source's dataset.
        schema: What was seen.
        run_id: The run.
        seen_at: When: ISO 8601 in UTC with microseconds and `Z`.
        accepted: False for a change that blocks.

    Raises:
        RecordsError: The database refuses.
        RecordsUnavailableError: It does not answer.
    """
    row = {
        "source": source,
        "seen_at": seen_at,
        "run_id": run_id,
        "facts": json.dumps({**asdict(schema), "accepted": accepted}, ensure_ascii=False),
    }
    records.write(lambda connection: upsert(connection, tables().source_schema, [row]))


def last_seen(records: Records, source: str) -> SeenSchema | None:
    """Return what was seen of a source last, accepted or not; None before the first time.

    Raises:
        RecordsError: The database refuses, or a row was not written by this program.
        RecordsUnavailableError: It does not answer.
    """
    return next(iter(_seen(records, source, limit=1)), None)


def last_accepted(records: Records, source: str) -> SeenSchema | None:
    """Return what later looks at a source are compared with; None before the first time.

    Raises:
        RecordsError: The database refuses, or a row was not written by this program.
        RecordsUnavailableError: It does not answer.
    """
    return next((seen for seen in _seen(records, source) if seen.accepted), None)


def accept(records: Records, source: str) -> SeenSchema | None:
    """Take what was seen of a source last as what it should be from now on.

    Returns:
        What was accepted; None if nothing was ever seen.

    Raises:
        RecordsError: The database refuses, or a row was not written by this program.
        RecordsUnavailableError: It does not answer.
    """
    seen = last_seen(records, source)
    if seen is not None and not seen.accepted:
        remember(records, source, seen.schema, run_id=seen.run_id, seen_at=seen.seen_at)
    return seen


def _seen(records: Records, source: str, limit: int | None = None) -> list[SeenSchema]:
    import sqlalchemy

    table = tables().source_schema
    select = (
        sqlalchemy.select(table)
        .where(table.c.source == source)
        .order_by(table.c.seen_at.desc())
        .limit(limit)
    )
    return [_from_row(row) for row in records.read(select)]


def _from_row(row: Any) -> SeenSchema:
    try:
        facts = json.loads(row.facts)
        schema = SourceSchema(
            columns=tuple(SourceColumn(**column) for column in facts["columns"]),
            row_estimate=facts["row_estimate"],
            byte_estimate=facts["byte_estimate"],
            identity=facts.get("identity"),
        )
        accepted = bool(facts["accepted"])
    except (ValueError, TypeError, KeyError) as error:
        raise RecordsError(
            f"the row of {row.seen_at} was not written by this program ({error!r})",
            where=f"source_schema, {row.source}",
            remedy="delete that row",
        ) from error
    return SeenSchema(schema=schema, accepted=accepted, run_id=row.run_id, seen_at=row.seen_at)
