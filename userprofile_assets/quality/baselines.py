"""What a value is compared with: which earlier days, and what follows from their values.

Belongs here: arithmetic. Does not belong here: where the values come from (`history.py`), or
whether the difference is too great (`judge.py`).

A dynamic threshold measures in *spreads*. The middle is the median M of the days before. The spread
is 1.4826 * MAD, where MAD is the median of their distances from M: of normally distributed values
that is their standard deviation, and one outlier hardly moves either. It is at least 2 % of M, so
that days which were all equal do not make every change a matter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from statistics import fmean, median
from typing import TYPE_CHECKING

from userprofile_assets.bizdate import parse_day, to_bizdate, to_partition_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from userprofile_assets.quality.rule import Baseline

FEWEST_POINTS = 7
"""Values without which nothing can be said of what is usual."""

_SPREAD_OF_MAD = 1.4826
_LEAST_SPREAD = 0.02


@dataclass(frozen=True)
class Compared:
    """What earlier days give.

    Args:
        value: The baseline; None where there is none yet.
        spread: Of a dynamic one.
        said: Where it comes from, or why there is none.
    """

    value: float | None
    said: str
    spread: float | None = None


def days_needed(baseline: Baseline, bizdate: str) -> tuple[str, ...]:
    """Return the earlier days whose values are needed, the oldest first."""
    day = parse_day(bizdate)
    if baseline.kind == "first_of_month":
        # On the first itself: that of the month before.
        return (to_bizdate((day - timedelta(days=1)).replace(day=1)),)
    if baseline.kind == "day":
        return (to_bizdate(day - timedelta(days=baseline.days)),)
    return tuple(to_bizdate(day - timedelta(days=n)) for n in range(baseline.days, 0, -1))


def compared_with(baseline: Baseline, bizdate: str, values: Mapping[str, float]) -> Compared:
    """Work out the baseline of a day.

    Args:
        baseline: What it is.
        bizdate: The day that is judged.
        values: Bizdate -> value, of days that have one.
    """
    needed = days_needed(baseline, bizdate)
    found = [values[day] for day in needed if day in values and math.isfinite(values[day])]
    if baseline.kind in {"day", "first_of_month"}:
        of = to_partition_key(needed[0])
        return Compared(found[0], of) if found else Compared(None, f"{of} has no value yet")
    days = f"{len(found)} of the {baseline.days} days before"
    if baseline.kind == "average":
        if len(found) * 2 < baseline.days:
            return Compared(None, f"only {days} have a value, and half of them is needed")
        return Compared(fmean(found), f"the mean of {days}")
    if len(found) < FEWEST_POINTS:
        return Compared(None, f"only {days} have a value, and {FEWEST_POINTS} are needed")
    middle = median(found)
    spread = _SPREAD_OF_MAD * median(abs(value - middle) for value in found)
    return Compared(
        middle, f"the median of {days}", spread=max(spread, _LEAST_SPREAD * abs(middle))
    )
