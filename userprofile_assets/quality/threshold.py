"""Thresholds: `> 0`, `<= 5%`, `between 1 and 9`.

Belongs here: reading one, and whether a value meets it. Does not belong here: which value it is
(`rule.py`), or what follows (`judge.py`).
"""

from __future__ import annotations

import math
import operator
import re
from dataclasses import dataclass, replace

_NUMBER = r"[-+]?[0-9][0-9_]*(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?"
_COMPARED = re.compile(rf"(>=|<=|!=|<>|==|=|>|<)\s*({_NUMBER})\s*(%?)")
_BETWEEN = re.compile(rf"(not\s+)?between\s+({_NUMBER})\s+and\s+({_NUMBER})\s*(%?)")
_BARE = re.compile(rf"({_NUMBER})\s*(%?)")
_COMPARE = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    "!=": operator.ne,
}
_SAME = {"<>": "!=", "==": "="}
_OPPOSITE = {
    ">": "<=",
    ">=": "<",
    "<": ">=",
    "<=": ">",
    "=": "!=",
    "!=": "=",
    "between": "not between",
    "not between": "between",
}


@dataclass(frozen=True)
class Threshold:
    """A comparison with one number, or with the two ends of a range, which belong to it.

    Args:
        operator: `>`, `>=`, `<`, `<=`, `=`, `!=`, `between` or `not between`.
        low: The number, or the lower end. 5 stands for 5 % where `percent` is on.
        high: The upper end.
        percent: Whether it is about a share and not about the value itself.
    """

    operator: str
    low: float
    high: float | None = None
    percent: bool = False

    def __str__(self) -> str:
        """Write it as people do."""
        unit = "%" if self.percent else ""
        if self.high is None:
            return f"{self.operator} {number_text(self.low)}{unit}"
        return f"{self.operator} {number_text(self.low)} and {number_text(self.high)}{unit}"

    def opposite(self) -> Threshold:
        """Return the one that is met exactly when this one is not."""
        return replace(self, operator=_OPPOSITE[self.operator])

    def is_met(self, value: float) -> bool:
        """Compare a value, a share already times 100. NaN meets `!=` and `not between` only."""
        if self.high is None:
            return bool(_COMPARE[self.operator](value, self.low))
        inside = self.low <= value <= self.high
        return inside == (self.operator == "between")


def parse_threshold(text: str, *, bare: str | None = None) -> Threshold:
    """Read a threshold.

    Args:
        text: Such as `> 0`, `>= 1%`, `= 7`, `not between 10 and 20`.
        bare: The operator of a number that stands alone; None: it needs one.

    Raises:
        ValueError: It cannot be read; says why.
    """
    plain = " ".join(text.split())
    if found := _COMPARED.fullmatch(plain):
        sign = _SAME.get(found[1], found[1])
        return Threshold(sign, _number(found[2]), percent=bool(found[3]))
    if found := _BETWEEN.fullmatch(plain):
        low, high = _number(found[2]), _number(found[3])
        if low > high:
            raise ValueError(f"{plain!r} is empty: its lower end is above the upper one")
        sign = "not between" if found[1] else "between"
        return Threshold(sign, low, high, percent=bool(found[4]))
    if bare and (found := _BARE.fullmatch(plain)):
        return Threshold(bare, _number(found[1]), percent=bool(found[2]))
    raise ValueError(f"{plain!r} is no threshold")


def number_text(value: float) -> str:
    """Write a number for people: whole ones without a point, others with six digits at most."""
    if not math.isfinite(value):
        return str(value)
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else f"{value:.6g}"


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text!r} is too large")
    return value
