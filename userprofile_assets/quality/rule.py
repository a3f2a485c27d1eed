"""The values that rules are made of, and what became of one.

Belongs here: plain frozen values. Does not belong here: reading them from a file
(`rule_parser.py`), the SQL that measures them (`measures.py`), judging (`judge.py`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from userprofile_assets.quality.threshold import Threshold

Strength = Literal["strong", "soft"]
Status = Literal["passed", "warned", "failed", "unknown"]

Kind = Literal[
    "aggregate",
    "unique",
    "not_null",
    "accepted_values",
    "matches",
    "between",
    "relationship",
    "freshness",
    "equals",
    "sql",
    "changed",
]
"""What is measured: a number about the rows, the rows that break a condition, or something else."""

# The rows that break it are counted and can be looked at.
COUNTING = frozenset(
    {"unique", "not_null", "accepted_values", "matches", "between", "relationship"}
)
# Numbers that are part of a row's contents, so that one of a `pii` column tells a person's value.
REVEALING = frozenset({"sum", "avg", "min", "max"})
# Of no rows these are NULL; the others count, and are 0.
_NULL_OF_NOTHING = REVEALING | {"stddev"}

_MOST_METRIC = 191  # characters; dq_result.metric


@dataclass(frozen=True)
class Aggregate:
    """A number about the rows of a day.

    Args:
        function: `row_count`, `sum`, `avg`, `min`, `max`, `stddev`, `count_distinct`, `null_count`
            or `duplicate_count`.
        column: Its column; None for `row_count`.
    """

    function: str
    column: str | None = None

    def __str__(self) -> str:
        """Write it as in a rule."""
        return self.function if self.column is None else f"{self.function}({self.column})"


@dataclass(frozen=True)
class Baseline:
    """What a value is compared with: values of earlier days.

    Args:
        kind: `day`: that of `days` days before. `average`: the mean of the `days` days before.
            `first_of_month`: that of the month's first day. `dynamic`: what is usual in the `days`
            days before.
        days: Number of days; 0 for `first_of_month`.
    """

    kind: Literal["day", "average", "first_of_month", "dynamic"]
    days: int = 0


@dataclass(frozen=True)
class Other:
    """The other table of a `relationship` or an `equals`.

    Args:
        table: Its name, or `manifest`: the object that an external table shows.
        column: Column that a relationship looks in.
        aggregate: What an equality compares with.
        where: Filter of its rows.
        hidden: Whether the aggregate would tell values of a `pii` column.
    """

    table: str
    column: str | None = None
    aggregate: Aggregate | None = None
    where: str | None = None
    hidden: bool = False


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule of a table.

    Args:
        name: Unique in its table.
        text: As people read it, such as `row_count > 0`.
        kind: What is measured.
        strength: Whether an error blocks what is downstream.
        metric: Name of the number in the history; without the thresholds, so that it stays when
            the rule is renamed or tightened.
        warn: Met: it warns.
        error: Met: it fails.
        columns: Columns that it is about.
        aggregate: The number of an `aggregate` or `equals`.
        baseline: Earlier days that the number is compared with.
        where: SQL filter of the rows.
        values: Accepted values, as text.
        pattern: Java regular expression for the whole value.
        low: Lower end of `between`, which belongs to it.
        high: Upper end.
        within_seconds: Greatest age of `freshness`.
        other: The other table.
        sql: The statement of a `sql` rule, `${bizdate}` left in it.
        where_from: File and line: `ods/orders.yml:12`.
    """

    name: str
    text: str
    kind: Kind
    strength: Strength
    metric: str
    warn: Threshold | None
    error: Threshold | None
    columns: tuple[str, ...] = ()
    aggregate: Aggregate | None = None
    baseline: Baseline | None = None
    where: str | None = None
    values: tuple[str, ...] = ()
    pattern: str | None = None
    low: str | None = None
    high: str | None = None
    within_seconds: int | None = None
    other: Other | None = None
    sql: str | None = None
    where_from: str = ""

    @property
    def is_share(self) -> bool:
        """Whether one of the thresholds is a percentage of the rows."""
        return self.baseline is None and any(t and t.percent for t in (self.warn, self.error))

    def thresholds(self) -> str:
        """Write both thresholds: `warn > 1%, error > 5%`."""
        unit = ""
        if self.baseline:
            unit = " spreads" if self.baseline.kind == "dynamic" else " of the baseline"
        both = (("warn", self.warn), ("error", self.error))
        return ", ".join(f"{name} {at}{unit}" for name, at in both if at)


@dataclass(frozen=True)
class Samples:
    """Rows to look at, as text; values of `pii` columns are masked already."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]


@dataclass(frozen=True, kw_only=True)
class RuleResult:
    """What became of a rule on one day.

    Args:
        table: The table.
        rule: Name of the rule.
        text: The rule as people read it.
        bizdate: The day, `20240807`.
        metric: Name of the number in the history.
        strength: Of the rule.
        status: `failed` when the error threshold was met, whatever the strength. `unknown`: there
            was nothing to judge; it counts as passed.
        value: What was measured; None where nothing was, or where it would tell a person's value.
        baseline: What it was compared with.
        thresholds: Both, as text.
        message: One line for people.
        sql: Shows the rows that are the matter, or how the number comes about.
        samples: Up to five of those rows, for a rule that failed or warned.
    """

    table: str
    rule: str
    text: str
    bizdate: str
    metric: str
    strength: Strength
    status: Status
    value: float | None = None
    baseline: float | None = None
    thresholds: str
    message: str
    sql: str | None = None
    samples: Samples | None = None

    @property
    def blocks(self) -> bool:
        """Whether what is downstream must not be made from this day."""
        return self.status == "failed" and self.strength == "strong"


def is_count(aggregate: Aggregate | None) -> bool:
    """Tell whether a number of no rows is 0; without an aggregate it is a number of rows."""
    return aggregate is None or aggregate.function not in _NULL_OF_NOTHING


def is_distinct(rule: Rule) -> bool:
    """Tell whether measuring a rule takes telling values apart."""
    function = rule.aggregate.function if rule.aggregate else rule.kind
    return function in {"unique", "duplicate_count", "count_distinct"}


def metric_name(text: str) -> str:
    """Return the name of a number for the history: ASCII, and short enough for an index."""
    plain = " ".join(text.split())
    if plain.isascii() and len(plain) <= _MOST_METRIC:
        return plain
    digest = hashlib.sha256(plain.encode()).hexdigest()[:12]
    head = plain.encode("ascii", "replace").decode()[: _MOST_METRIC - len(digest) - 1]
    return f"{head}#{digest}"
