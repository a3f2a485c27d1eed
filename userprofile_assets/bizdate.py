"""Business dates: partition key `2024-08-07` <-> bizdate `20240807`, and `${bizdate}` in texts.

Belongs here: the pure arithmetic and checks. Does not belong here: Dagster's partitions
(`partitions.py`).

DataWorks calls the day before a run its business date; `${bizdate}` is that day as `yyyymmdd`
(https://www.alibabacloud.com/help/en/dataworks, scheduling parameters).
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from userprofile_assets.errors import PermanentError

BIZDATE_VARIABLE = "${bizdate}"
# strptime alone would also take 2024-8-7 and the digits of other scripts.
_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})|(\d{4})(\d{2})(\d{2})", re.ASCII)


def parse_day(text: str) -> date:
    """Read a day written as a partition key (`2024-08-07`) or as a bizdate (`20240807`).

    Raises:
        PermanentError: The text is neither, or names a day that no calendar has.
    """
    match = _DAY.fullmatch(text)
    if match:
        year, month, day = (int(part) for part in match.groups() if part)
        with suppress(ValueError):
            return date(year, month, day)
    raise PermanentError(
        f"{text!r} is not a day",
        where="business date",
        remedy="write it as 2024-08-07 or 20240807",
    )


def to_bizdate(day: date | str) -> str:
    """Return the eight digits of a day: `2024-08-07` or `date(2024, 8, 7)` -> `20240807`."""
    return to_partition_key(day).replace("-", "")


def to_partition_key(day: date | str) -> str:
    """Return Dagster's key of a day: `20240807` or `date(2024, 8, 7)` -> `2024-08-07`."""
    plain = parse_day(day) if isinstance(day, str) else day
    # Not strftime: its %Y writes the year 999 with three digits on Linux.
    return f"{plain.year:04}-{plain.month:02}-{plain.day:02}"


def yesterday(timezone: str, *, now: datetime | None = None) -> date:
    """Return the newest closed day in a time zone: the day before `now` (default: the clock)."""
    zone = ZoneInfo(timezone)
    here = datetime.now(zone) if now is None else now.astimezone(zone)
    return here.date() - timedelta(days=1)


def day_before(day: date | str) -> str:
    """Return the bizdate of the calendar day before, `20240806` for `20240807`."""
    day = parse_day(day) if isinstance(day, str) else day
    return to_bizdate(day - timedelta(days=1))


def check_closed(day: date, *, timezone: str) -> None:
    """Refuse a day that has not ended yet: its log is still being written.

    Raises:
        PermanentError: The day is today or later in `timezone`.
    """
    newest = yesterday(timezone)
    if day > newest:
        raise PermanentError(
            f"{to_partition_key(day)} is not over yet in {timezone}",
            where="business date",
            remedy=f"the newest day that can be materialized is {to_partition_key(newest)}",
        )


def substitute(template: str, day: date | str) -> str:
    """Put a day into a text: every `${bizdate}` becomes its eight digits."""
    return template.replace(BIZDATE_VARIABLE, to_bizdate(day))


def has_bizdate(template: str) -> bool:
    """Tell whether a text differs from day to day."""
    return BIZDATE_VARIABLE in template
