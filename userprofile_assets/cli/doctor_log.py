"""What the doctor finds in the log that was copied last: are its lines of its day?

Belongs here: a look at the first lines, without Spark. Does not belong here: what a line is
(`sql/dwd/dwd_log_line_spark.sql`), the check of every line (`assets/line_accounts.py`).
"""

from __future__ import annotations

import re
from contextlib import closing
from datetime import date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from userprofile_assets.bizdate import substitute
from userprofile_assets.catalog.ingest_specs import RAW_LOG, ingest_specs
from userprofile_assets.checks.line_accounts import is_of_another_day
from userprofile_assets.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from userprofile_assets.ingestion.store import ObjectStore
    from userprofile_assets.settings import Settings

_CLF = re.compile(rb"\[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\]")
_ISO = re.compile(rb"\b(\d{4})-(\d\d)-(\d\d)[ T]\d\d:\d\d:\d\d")


def log_day(settings: Settings, store: ObjectStore) -> str:
    """Say of which days the first lines of the newest log in the storage are.

    Raises:
        SourceError: Nearly all are of another day than their file, and such lines are left out.
    """
    found = _newest(settings, store)
    if found is None:
        return "no log was copied yet"
    bizdate, key = found
    days = list(_days(settings, store, key))
    if not days:
        return f"no line of {key} shows a time that is known here"
    own = sum(day.strftime("%Y%m%d") == bizdate for day in days)
    said = f"{own} of the first {len(days)} lines of {key} are of its day"
    if settings.log_day_filter == "business_date" and is_of_another_day(len(days) - own, len(days)):
        raise SourceError(
            f"{said}; the others, such as those of {days[0]:%Y-%m-%d}, are left out",
            where=key,
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


def _days(settings: Settings, store: ObjectStore, key: str) -> Iterator[date]:
    """Yield the dates of the lines in the first chunk, in the business's time zone."""
    with closing(store.read(key)) as chunks:  # type: ignore[type-var] # the stores' readers are generators
        head = next(chunks, b"")
    zone = ZoneInfo(settings.timezone)
    for line in head.split(b"\n")[:-1] or [head]:
        if clf := _CLF.search(line):
            try:
                moment = datetime.strptime(clf[1].decode(), "%d/%b/%Y:%H:%M:%S %z")
            except ValueError:
                continue
            yield moment.astimezone(zone).date()
        elif iso := _ISO.search(line):
            try:
                yield date(*(int(part) for part in iso.groups()))
            except ValueError:
                continue
