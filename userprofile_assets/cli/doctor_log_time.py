"""Of which day a line of a log is, without Spark.

Belongs here: where a line's time stands, and the forms that `sql/dwd/dwd_log_line_spark.sql` takes.
Does not belong here: whether the line is good otherwise, what follows (`doctor_log.py`).

One form is left out: a zone by an abbreviation that only Java knows (`PST`).
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_BETWEEN, _FIELDS, _TIME = "##@@", 8, 2
# Before the request; a URL may have brackets too.
_BRACKETED = re.compile(r'\[([^\[\]"]{1,40})\] "')
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_APACHE = re.compile(r"(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-]\d{4})", re.ASCII)
_DIGITS = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d):(\d\d):(\d\d)", re.ASCII)
_HYPHENS = re.compile(
    r"(\d{4})-(\d\d?)-(\d\d?)(?:[T ](\d\d?):(\d\d?)(?::(\d\d?)(?:\.\d*)? *([^\d. ].*)?)?)?",
    re.ASCII,
)
_LEAST = 19  # characters of a time with hyphens
_OFFSET = re.compile(r"(?:UTC|GMT|UT)?([+-])(\d\d?)(?::?(\d\d?)(?::?(\d\d))?)?", re.ASCII)
_MOST_OFFSET = timedelta(hours=18)


def day_of_line(line: bytes, *, log_format: str, zone: ZoneInfo) -> date | None:
    """Return the day on which a line was written; None if its time cannot be read.

    Args:
        line: The line, without its end.
        log_format: As in USERPROFILE_LOG_FORMAT: where the time may stand.
        zone: That of the business: days are its days, and times without a zone are its times.
    """
    # Only the time matters, and no byte of another encoding stops the reading.
    text = _time(line.decode("latin-1"), log_format)
    try:
        return None if text is None else _day(text, zone)
    except (ValueError, OverflowError):
        return None


def _time(line: str, log_format: str) -> str | None:
    """Return the field of the time, if the line has one."""
    first, mark, _ = line.partition(_BETWEEN)
    if mark and " " not in first and log_format in {"auto", "tutorial"}:
        fields = line.split(_BETWEEN)
        return fields[_TIME] if len(fields) == _FIELDS else None
    found = None if log_format == "tutorial" else _BRACKETED.search(line)
    return None if found is None else found[1]


def _day(text: str, zone: ZoneInfo) -> date | None:
    if found := _APACHE.fullmatch(text):
        day, month, year, *clock, offset = found.groups()
        numbers = [year, _MONTHS.index(month) + 1, day, *clock]
    elif found := _DIGITS.fullmatch(text):
        *numbers, offset = (*found.groups(), None)
    elif len(text) >= _LEAST and (found := _HYPHENS.fullmatch(text.strip())):
        *numbers, offset = found.groups()
    else:
        return None
    year, month, day, hour, minute, second = (int(number or 0) for number in numbers)
    written_in = zone if offset is None else _zone(offset)
    moment = datetime(year, month, day, hour, minute, second, tzinfo=written_in)
    return moment.astimezone(zone).date()


def _zone(text: str) -> tzinfo:
    """Return the zone of a name or an offset.

    Raises:
        ValueError: It is neither.
    """
    if text in {"Z", "UTC", "GMT", "UT"}:
        return UTC
    if found := _OFFSET.fullmatch(text):
        hours, minutes, seconds = (int(number or 0) for number in found.groups()[1:])
        offset = timedelta(hours=hours, minutes=minutes, seconds=seconds)
        if offset > _MOST_OFFSET:
            raise ValueError(text)
        return timezone(-offset if found[1] == "-" else offset)
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, OSError) as error:
        raise ValueError(text) from error
