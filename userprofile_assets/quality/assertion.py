"""Rules that are one text: `row_count > 0`, `sum(pv) volatility 7d warn 10% error 50%`.

Belongs here: the grammar. Does not belong here: whether the columns exist, names, options
(`rule_parser.py`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from userprofile_assets.quality.baselines import FEWEST_POINTS
from userprofile_assets.quality.rule import Aggregate, Baseline, Kind, Other
from userprofile_assets.quality.threshold import Threshold, parse_threshold
from userprofile_assets.quality.yaml_nodes import nearest

FUNCTIONS = (
    "row_count",
    "sum",
    "avg",
    "min",
    "max",
    "stddev",
    "count_distinct",
    "null_count",
    "duplicate_count",
)
MANIFEST = "manifest"

_CHANGED = "changed since yesterday"
_FRESHNESS = "freshness"
_SUBJECT = re.compile(r"([A-Za-z_]+)\s*(?:\(\s*([^()]*?)\s*\))?\s*(.*)", re.DOTALL)
_WORD = re.compile(r"(volatility|dynamic|equals|within)\b\s*(.*)", re.DOTALL)
_LEVELS = re.compile(r"(.*?)(?:\s+warn\s+(.+?))?(?:\s+error\s+(.+?))?")
_DAYS = re.compile(r"([1-9][0-9]{0,3})\s*d(\s+average)?")
_DURATION = re.compile(r"([1-9][0-9]{0,6})\s*(s|m|h|d)")
_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}

_EXAMPLES = (
    "write it like one of: row_count > 0; sum(pv) between 1 and 9; null_count(city) <= 5%; "
    "row_count volatility 7d warn 10% error 50%; row_count volatility 7d average error 50%; "
    "row_count dynamic 30d; row_count equals manifest; freshness(event_time) within 36h; "
    "changed since yesterday"
)


@dataclass(frozen=True, kw_only=True)
class Assertion:
    """What a text says; `expected` must hold, `warn` and `error` must not."""

    subject: str
    kind: Kind
    aggregate: Aggregate | None = None
    column: str | None = None
    baseline: Baseline | None = None
    other: Other | None = None
    within_seconds: int | None = None
    expected: Threshold | None = None
    warn: Threshold | None = None
    error: Threshold | None = None


def parse_assertion(text: str) -> Assertion:
    """Read a rule's text.

    Raises:
        ValueError: It cannot be read; says why, and the nearest word that is known.
    """
    plain = " ".join(text.split())
    if plain == _CHANGED:
        return Assertion(subject=plain, kind="changed", error=Threshold(">", 0))
    found = _SUBJECT.fullmatch(plain)
    function = found[1] if found else plain
    if found is None or function not in {*FUNCTIONS, _FRESHNESS}:
        known = [*FUNCTIONS, _FRESHNESS, _CHANGED]
        raise ValueError(f"there is no rule {function!r}{nearest(function, known)}\n{_EXAMPLES}")
    if function == _FRESHNESS:
        return _freshness(_unquoted(found[2]), found[3])
    aggregate = _aggregate(function, found[2])
    rest = found[3]
    if not rest:
        return Assertion(subject=str(aggregate), kind="aggregate", aggregate=aggregate)
    if word := _WORD.fullmatch(rest):
        return _worded(aggregate, word[1], word[2])
    try:
        expected = parse_threshold(rest)
    except ValueError as error:
        raise ValueError(f"{error}\n{_EXAMPLES}") from None
    subject = f"{aggregate} {expected}"
    return Assertion(subject=subject, kind="aggregate", aggregate=aggregate, expected=expected)


def parse_aggregate(text: str) -> Aggregate:
    """Read `row_count` or `sum(pv)`.

    Raises:
        ValueError: It is neither.
    """
    found = _SUBJECT.fullmatch(" ".join(text.split()))
    if found is None or found[1] not in FUNCTIONS or found[3]:
        raise ValueError(f"{text!r} is no aggregate; those there are: {', '.join(FUNCTIONS)}")
    return _aggregate(found[1], found[2])


def parse_duration(text: str) -> int:
    """Read `36h`, `90m`, `2d` or `30s`; return seconds.

    Raises:
        ValueError: It is none of them.
    """
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no duration; write it as 36h, 2d, 90m or 30s")
    return int(found[1]) * _UNIT_SECONDS[found[2]]


def _aggregate(function: str, column: str | None) -> Aggregate:
    if function == "row_count":
        if column:
            raise ValueError("row_count has no column; null_count(column) counts NULLs")
        return Aggregate(function)
    if not column:
        raise ValueError(f"{function} needs a column: {function}(column)")
    return Aggregate(function, _unquoted(column))


def _unquoted(column: str | None) -> str:
    if not column:
        raise ValueError("freshness needs a column: freshness(column) within 36h")
    return column.strip("`")


def _freshness(column: str, rest: str) -> Assertion:
    word = _WORD.fullmatch(rest)
    if word is None or word[1] != "within":
        raise ValueError("freshness needs an age: freshness(column) within 36h")
    return Assertion(
        subject=f"freshness({column})",
        kind="freshness",
        column=column,
        within_seconds=parse_duration(word[2]),
    )


def _worded(aggregate: Aggregate, word: str, rest: str) -> Assertion:
    # The grammar matches any text.
    levels = _LEVELS.fullmatch(rest)
    what, warn, error = (levels[1], levels[2], levels[3]) if levels else (rest, None, None)
    subject = f"{aggregate} {word} {what}"
    if word == "within":
        raise ValueError(f"`within` belongs to freshness(column), not to {aggregate}")
    warn_at, error_at = _level(warn), _level(error)
    if word == "equals":
        return Assertion(
            subject=subject,
            kind="equals",
            aggregate=aggregate,
            other=_other(what, aggregate),
            warn=warn_at,
            error=error_at,
        )
    return Assertion(
        subject=subject,
        kind="aggregate",
        aggregate=aggregate,
        baseline=_baseline(word, what),
        warn=warn_at,
        error=error_at,
    )


def _level(text: str | None) -> Threshold | None:
    return None if text is None else parse_threshold(text, bare=">")


def _other(text: str, aggregate: Aggregate) -> Other:
    if text == MANIFEST:
        if aggregate.function != "row_count":
            raise ValueError("a manifest knows row_count only")
        return Other(MANIFEST)
    table, dot, number = text.partition(".")
    if not table:
        raise ValueError(f"`{aggregate} equals` needs a table, or `manifest`")
    return Other(table, aggregate=parse_aggregate(number) if dot else aggregate)


def _baseline(word: str, text: str) -> Baseline:
    if word == "volatility" and text == "first-of-month":
        return Baseline("first_of_month")
    found = _DAYS.fullmatch(text)
    if found is None or (word == "dynamic" and found[2]):
        raise ValueError(
            f"{text!r} is no number of days; write `{word} 7d`"
            + (", `volatility 7d average` or `volatility first-of-month`" * (word == "volatility"))
        )
    days = int(found[1])
    if word == "dynamic":
        if days < FEWEST_POINTS:
            raise ValueError(
                f"`{word} {days}d` would stay unknown for ever: it needs the values of "
                f"{FEWEST_POINTS} days\nwrite `{word} 30d`"
            )
        return Baseline("dynamic", days)
    return Baseline("average" if found[2] else "day", days)
