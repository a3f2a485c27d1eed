"""What the doctor finds in the log that was copied last: are its lines of its day?

Belongs here: a look at the first lines, without Spark. Does not belong here: how a line's time is
read (`doctor_log_time.py`), the check of every line (`checks/line_accounts.py`).
"""

from __future__ import annotations

import re
from contextlib import closing
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from userprofile_assets.bizdate import substitute
from userprofile_assets.catalog.ingest_specs import RAW_LOG, ingest_specs
from userprofile_assets.checks.line_accounts import is_of_another_day
from userprofile_assets.cli.doctor_log_time import day_of_line
from userprofile_assets.errors import SourceError

if TYPE_CHECKING:
    from datetime import date

    from userprofile_assets.ingestion.store import ObjectStore
    from userprofile_assets.settings import Settings


def log_day(settings: Settings, store: ObjectStore) -> str:
    """Say of which days the first lines of the newest log in the storage are.

    Raises:
        SourceError: Nearly all are of another day than their file, and such lines are left out; or
            no time can be read, and such lines are quarantined, of which a strong rule allows few.
    """
    found = _newest(settings, store)
    if found is None:
        return "no log was copied yet"
    bizdate, key = found
    days = _days(settings, store, key)
    if not days:
        return f"{key} has no line"
    known = [day for day in days if day is not None]
    # The tutorial's rules keep every line, whatever its time.
    counts = settings.logic == "standard"
    if counts and not known:
        raise SourceError(
            f"none of the first {len(days)} lines has a known format and a time that can be read, "
            "so they are quarantined",
            where=key,
            remedy="look at USERPROFILE_LOG_FORMAT, USERPROFILE_LOG_ENCODING, "
            "USERPROFILE_LOG_COMPRESSION and at the file; docs/processing.md has the formats and "
            "times",
        )
    others = [day for day in known if day.strftime("%Y%m%d") != bizdate]
    own, unread = len(known) - len(others), len(days) - len(known)
    said = f"{own} of the first {len(days)} lines of {key} are of its day"
    if unread:
        said += f"; of {unread} no time can be read"
    left_out = counts and settings.log_day_filter == "business_date"
    if left_out and is_of_another_day(len(others), len(days)):
        raise SourceError(
            f"{said}; the others, such as those of {others[0]:%Y-%m-%d}, are left out",
            remedy="set USERPROFILE_LOG_DAY_FILTER=keep if the log has lines of any day; else look "
            "at USERPROFILE_TIMEZONE and at USERPROFILE_LOG_URL",
        )
    return said


def _newest(settings: Settings, store: ObjectStore) -> tuple[str, str] | None:
    """Return the newest day that is in the storage, and its key."""
    template = ingest_specs(settings)[RAW_LOG].object_template
    placeholder = re.escape("${bizdate}")
    head, _, tail = re.escape(template).partition(placeholder)
    pattern = re.compile(rf"{head}(?P<day>\d{{8}}){tail.replace(placeholder, '(?P=day)')}")
    prefix = template.partition("${bizdate}")[0].rpartition("/")[0]
    days = [m["day"] for info in store.list(prefix) if (m := pattern.fullmatch(info.key))]
    return (max(days), substitute(template, max(days))) if days else None


def _days(settings: Settings, store: ObjectStore, key: str) -> list[date | None]:
    """Return the day of each line in the first chunk; None where no time can be read."""
    with closing(store.read(key)) as chunks:  # type: ignore[type-var] # the stores' readers are generators
        head = next(chunks, b"")
    zone = ZoneInfo(settings.timezone)
    # The last line of a chunk may be cut.
    lines = head.split(b"\n")[:-1] or [line for line in (head,) if line]
    return [day_of_line(line, log_format=settings.log_format, zone=zone) for line in lines]
