r"""What each line of a log is, by docs/processing.md: the second opinion on the SQL of `sql/dwd`.

Belongs here: from bytes to fields and an outcome, for both logics. Does not belong here: what a
request, an agent or an address means (`reference_log.py`), tables (`reference.py`).

Written from the page, not from the SQL, and slow: it looks at one line after the other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import NamedTuple
from zoneinfo import ZoneInfo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_APACHE_TIME = re.compile(
    rf"([0-9]{{2}})/({'|'.join(_MONTHS)})/([0-9]{{4}}):([0-9]{{2}}):([0-9]{{2}}):([0-9]{{2}})"
    " ([+-][0-9]{4})"
)
_TUTORIAL_TIME = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2}):([0-9]{2}):([0-9]{2})")
_SPARK_TIME = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:[T ]([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})(?:\.([0-9]*))?)?(?: *(\S+))?)?"
)
_OFFSET = re.compile(r"([+-])([0-9]{2}):?([0-9]{2})")
_QUOTE_OR_ESCAPE = re.compile(r'\\[\\"]|"')
# Java shows half a surrogate pair as one character that is none, Python as three.
_SURROGATE = re.compile(b"\xed[\xa0-\xbf][\x80-\xbf]")
_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The settings that decide about rows; names and defaults as in the project's settings."""

    logic: str = "standard"
    log_format: str = "auto"
    log_day_filter: str = "business_date"
    anonymous: str = "visitor"
    inactive_users: bool = False
    timezone: str = "Asia/Shanghai"


class Fields(NamedTuple):
    """The fields of a line; None is what its format does not have."""

    ip: str | None = None
    uid: str | None = None
    time: str | None = None
    request: str | None = None
    status: str | None = None
    bytes: str | None = None
    referer: str | None = None
    agent: str | None = None


class Line(NamedTuple):
    """A line, what became of it, and when it was written (microseconds since 1970 in UTC)."""

    number: int
    raw: bytes
    outcome: str
    format: str | None = None
    fields: Fields = Fields()
    micros: int | None = None


def read_lines(content: bytes, bizdate: str, rules: Rules) -> list[Line]:
    """Return every line of a log's object."""
    lines = content.removeprefix(_MARK).split(b"\n")
    if not lines[-1]:
        lines.pop()
    read = _read_tutorial if rules.logic == "tutorial" else _read_standard
    return [read(number, raw, bizdate, rules) for number, raw in enumerate(lines, start=1)]


def instant(text: str, zone: str) -> int | None:
    """Return the time of a line in microseconds, or None when it cannot be read."""
    try:
        return _instant(text, ZoneInfo(zone))
    except (ValueError, OverflowError):
        return None


def spark_instant(text: str, zone: str) -> int | None:
    """Return what Spark casts a text to, for the forms that dates and times usually have."""
    try:
        return _spark_instant(text, ZoneInfo(zone))
    except (ValueError, OverflowError):
        return None


def _read_tutorial(number: int, raw: bytes, bizdate: str, rules: Rules) -> Line:
    text = _SURROGATE.sub(b"\xff", raw).decode("utf-8", "replace")
    pieces: list[str | None] = [*text.split("##@@")]
    fields = Fields(*(pieces + [None] * 8)[:8])
    micros = None if fields.time is None else spark_instant(fields.time, rules.timezone)
    return Line(number, raw, "parsed", "tutorial", fields, micros)


def _read_standard(number: int, raw: bytes, bizdate: str, rules: Rules) -> Line:
    try:
        text = raw.removesuffix(b"\r").decode("utf-8")
    except UnicodeDecodeError:
        return Line(number, raw, "not UTF-8")
    if not text:
        return Line(number, raw, "empty")
    found = _recognise(text, rules.log_format)
    if found is None:
        return Line(number, raw, "no known format")
    name, fields = found
    micros = instant(fields.time or "", rules.timezone)
    outcome = _outcome(fields, micros, bizdate, rules)
    return Line(number, raw, outcome, name, fields, micros)


def _outcome(fields: Fields, micros: int | None, bizdate: str, rules: Rules) -> str:
    if not fields.ip:
        return "no address"
    if not re.fullmatch("[0-9]{3}", fields.status or ""):
        return "status is no number"
    if not re.fullmatch("[0-9]+|-", fields.bytes or ""):
        return "bytes are no number"
    if micros is None:
        return "time cannot be read"
    if rules.log_day_filter != "keep" and _day(micros, rules.timezone) != bizdate:
        return "outside"
    return "parsed"


def _day(micros: int, zone: str) -> str | None:
    try:
        moment = (_EPOCH + micros * _MICROSECOND).astimezone(ZoneInfo(zone))
    except OverflowError:
        return None  # before the year 1 or after 9999
    return f"{moment.year:04}{moment.month:02}{moment.day:02}"


def _recognise(text: str, wanted: str) -> tuple[str, Fields] | None:
    if wanted in ("auto", "tutorial"):
        pieces = text.split("##@@")
        if len(pieces) > 1 and " " not in pieces[0]:
            return ("tutorial", Fields(*pieces)) if len(pieces) == 8 else None
    if wanted == "tutorial" or "\x1f" in text:
        return None
    pieces = _cut_at_quotes(text)
    if len(pieces) >= 7 and len(pieces) % 2 == 1 and wanted in ("auto", "combined"):
        fields = _combined(pieces)
        return None if fields is None else ("combined", fields)
    if len(pieces) == 3 and wanted in ("auto", "common"):
        fields = _common(pieces)
        return None if fields is None else ("common", fields)
    return None


def _cut_at_quotes(text: str) -> list[str]:
    """Return what stands between quotes that are not escaped; an empty user becomes `-`."""
    quotes = [mark.start() for mark in _QUOTE_OR_ESCAPE.finditer(text) if mark[0] == '"']
    if len(quotes) > 2 and _is_empty_user(text, quotes[0]):
        return _cut_at_quotes(text[: quotes[0]] + "-" + text[quotes[1] + 1 :])
    starts = [0, *(place + 1 for place in quotes)]
    ends = [*quotes, len(text)]
    return [text[start:end] for start, end in zip(starts, ends, strict=True)]


def _is_empty_user(text: str, place: int) -> bool:
    words = _without_host(text[:place].split(" "))
    return len(words) == 3 and not words[2] and text.startswith('"" [', place)


def _combined(pieces: list[str]) -> Fields | None:
    head, request, middle, referer, between, agent, rest = pieces[:7]
    is_end = len(pieces) == 7 and not rest
    numbers = _numbers(middle.removesuffix(" "))
    start = _head(head)
    if numbers is None or start is None or between != " ":
        return None
    if not is_end and not rest.startswith((" ", ";")):
        return None
    return Fields(*start, request, *numbers, referer, agent)


def _common(pieces: list[str]) -> Fields | None:
    head, request, rest = pieces
    numbers = _numbers(rest)
    start = _head(head)
    if numbers is None or start is None:
        return None
    return Fields(*start, request, *numbers)


def _head(head: str) -> tuple[str, str, str] | None:
    """Return address, user and time of `[host:port ]address identity user [time] `."""
    if not head.endswith("] "):
        return None
    who, mark, time = head.removesuffix("] ").rpartition(" [")
    if not mark:
        return None
    words = _without_host(who.split(" "))
    if len(words) < 3 or not all(re.fullmatch('[^"]+', word) for word in words[:2]):
        return None
    user = " ".join(words[2:])
    if user.count('"') > 9 or not re.fullmatch(r'[^\[\]"]{1,40}', time):
        return None
    return words[0], user, time


def _without_host(words: list[str]) -> list[str]:
    """Leave `host:port` in front of an address out; no address is `-`."""
    has_host = re.fullmatch("[^:]+:[0-9]+", words[0]) and words[1:2] != ["-"]
    return words[1:] if has_host else words


def _numbers(text: str) -> tuple[str, str] | None:
    """Return status and bytes of ` status bytes`."""
    found = re.fullmatch(' ([^ "]+) ([^ "]+)', text)
    return None if found is None else (found[1], found[2])


def _instant(text: str, zone: ZoneInfo) -> int | None:
    if found := _APACHE_TIME.fullmatch(text):
        day, month, year, *clock, where = found.groups()
        numbers = [int(year), _MONTHS.index(month) + 1, int(day), *map(int, clock)]
        return _micros(numbers, zone=_zone(where))
    if found := _TUTORIAL_TIME.fullmatch(text):
        return _micros([int(number) for number in found.groups()], zone=zone)
    if len(text) >= 19 and text[4] == "-":
        return _spark_instant(text, zone)
    return None


def _spark_instant(text: str, zone: ZoneInfo) -> int | None:
    found = _SPARK_TIME.fullmatch(text.strip(" "))
    if found is None:
        return None
    numbers = [int(number or 0) for number in found.groups()[:6]]
    fraction = int(f"{found[7] or ''}000000"[:6])
    return _micros(numbers, fraction, zone=_zone(found[8]) if found[8] else zone)


def _micros(numbers: list[int], fraction: int = 0, *, zone: timezone | ZoneInfo) -> int:
    year, month, day, hour, minute, second = numbers
    local = datetime(year, month, day, hour, minute, second, fraction, tzinfo=zone)
    return (local - _EPOCH) // _MICROSECOND


def _zone(text: str) -> timezone | ZoneInfo:
    if text in ("Z", "UTC", "GMT"):
        return UTC
    if found := _OFFSET.fullmatch(text):
        hours, minutes = int(found[2]), int(found[3])
        if minutes > 59 or hours * 60 + minutes > 18 * 60:
            raise ValueError("no offset")
        offset = timedelta(hours=hours, minutes=minutes)
        return timezone(-offset if found[1] == "-" else offset)
    try:
        return ZoneInfo(text)
    except (KeyError, OSError) as error:
        raise ValueError("no zone") from error
