"""The gate in front of a day: what is refused upstream is not built upon.

Within a run Dagster stops behind a failed check. A later run, or a relaunch of what a run of
several days left over, does not see that check; here it does, for each day by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from userprofile_assets.bizdate import to_partition_key
from userprofile_assets.errors import RefusedDayError, UserProfileError
from userprofile_assets.quality.refusals import read_refusals

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from userprofile_assets.records.database import Records


def check_upstream(
    records: Records,
    table: str,
    upstream: Collection[str],
    bizdate: str,
    log: Callable[[str], None],
) -> None:
    """Refuse a day whose upstream tables break a strong rule.

    A database of records that does not answer refuses nothing; that is logged.

    Args:
        records: Where results of the rules are.
        table: What is about to be made.
        upstream: The tables that it is made from.
        bizdate: The day.
        log: Told when the records cannot be read.

    Raises:
        RefusedDayError: There is such a table.
    """
    try:
        refusals = read_refusals(records, upstream, bizdate)
    except UserProfileError as error:
        log(f"whether a strong rule refuses what {table} is made from is not known: {error}")
        return
    if not refusals:
        return
    told = "; ".join(f"{one.table} breaks {one.rule} ({one.message})" for one in refusals)
    names = ", ".join(dict.fromkeys(one.table for one in refusals))
    raise RefusedDayError(
        f"what it is made from breaks strong rules: {told}",
        where=f"{table}, {to_partition_key(bizdate)}",
        remedy=f"correct the source or the rule, and materialize {names} of that day again",
    )
