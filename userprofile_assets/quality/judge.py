"""Judge what was measured: passed, warned, failed or unknown, and the sentence that says it.

Belongs here: no SQL, no history, only numbers. Does not belong here: where they come from
(`run.py`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from userprofile_assets.quality.masking import MASK
from userprofile_assets.quality.rule import COUNTING
from userprofile_assets.quality.threshold import number_text

if TYPE_CHECKING:
    from userprofile_assets.quality.baselines import Compared
    from userprofile_assets.quality.measurement import Measurement
    from userprofile_assets.quality.rule import Rule, Status
    from userprofile_assets.quality.threshold import Threshold

_HOUR = 3600


@dataclass(frozen=True)
class Judgement:
    """What a rule says of a day."""

    status: Status
    message: str


def judge(
    rule: Rule, found: Measurement, compared: Compared | None = None, *, hidden: bool = False
) -> Judgement:
    """Judge one rule on one day.

    Args:
        rule: The rule.
        found: What was measured.
        compared: Its baseline, for a rule that has one.
        hidden: Whether the number would tell a person's value, so that no message may have it.
    """
    subject = rule.name if rule.kind == "sql" else rule.text
    if found.error is not None:
        return Judgement("failed", f"{subject}: cannot be measured: {found.error}")
    if found.missing is not None:
        return Judgement("unknown", f"{subject}: not judged, since {found.missing}")
    if compared is not None and compared.value is None:
        value = "" if found.value is None else f"{number_text(found.value)}; "
        return Judgement("unknown", f"{subject}: {value}no baseline yet, since {compared.said}")
    if _is_nothing(rule, found):
        why = (
            "neither side has anything" if rule.kind == "equals" else "there are no rows to measure"
        )
        return Judgement("unknown", f"{subject}: not judged, since {why}")
    number = judged_number(rule, found, compared, share=rule.is_share)
    status = _status(rule, found, compared)
    said = _hidden(rule, status) if hidden else _said(rule, found, compared, number)
    thresholds = f" ({rule.thresholds()})" if status != "passed" else ""
    return Judgement(status, f"{subject}: {said}{thresholds}")


def judged_number(
    rule: Rule, found: Measurement, compared: Compared | None, *, share: bool
) -> float:
    """Return the number that a threshold is about; `share`: one that is a share of the rows.

    That is the value, its share of the rows in percent, its distance from another number, or its
    change against a baseline in percent or in spreads. A change from nothing to something is
    infinite, and from nothing to nothing is none.
    """
    value = found.value or 0
    if compared is not None and compared.value is not None:
        unit = abs(compared.value) / 100 if compared.spread is None else compared.spread
        return _ratio(abs(value - compared.value), unit)
    if rule.kind == "equals":
        there = found.there or 0
        difference = abs(value - there)
        return _ratio(difference, abs(there) / 100) if share else difference
    if share:
        return 100 * value / found.rows if found.rows else 0
    return value


def _is_nothing(rule: Rule, found: Measurement) -> bool:
    """Tell whether there is nothing to judge: no rows, and for `equals` none on either side.

    Of two sides that should be equal, one without rows is the day that lost them.
    """
    if rule.kind == "equals":
        return not found.value and not found.there and None in {found.value, found.there}
    return found.value is None


def _ratio(part: float, whole: float) -> float:
    if whole:
        return part / whole
    return math.inf if part else 0


def _status(rule: Rule, found: Measurement, compared: Compared | None) -> Status:
    thresholds: tuple[tuple[Threshold | None, Status], ...] = (
        (rule.error, "failed"),
        (rule.warn, "warned"),
    )
    for threshold, status in thresholds:
        if threshold:
            number = judged_number(rule, found, compared, share=threshold.percent)
            # What is no number cannot be said to be good.
            if math.isnan(number) or threshold.is_met(number):
                return status
    return "passed"


def _hidden(rule: Rule, status: Status) -> str:
    if rule.kind == "freshness":
        return "within the limit" if status == "passed" else "over the limit"
    return MASK


def _said(rule: Rule, found: Measurement, compared: Compared | None, number: float) -> str:
    value = found.value or 0
    shown = number_text(value)
    if compared is not None and compared.value is not None:
        return f"{shown}, {_distance(rule, value, compared, number)}"
    if rule.kind == "equals":
        return f"{shown} here, {number_text(found.there or 0)} there"
    if rule.kind == "freshness":
        return f"the newest is {value / _HOUR:.1f} hours older than the end of the day"
    if rule.kind == "changed":
        return "the object is that of the day before" if value else "it is another object"
    if rule.kind in COUNTING:
        share = f" ({100 * value / found.rows:.2g} %)" if found.rows else ""
        return f"{shown} of {found.rows} rows break it{share}"
    return f"{shown} of {found.rows} rows, {number:.2g} %" if rule.is_share else shown


def _distance(rule: Rule, value: float, compared: Compared, number: float) -> str:
    baseline = number_text(compared.value or 0)
    if math.isinf(number):
        return f"and {baseline} of {compared.said}"
    if rule.baseline and rule.baseline.kind == "dynamic":
        return f"{number:.1f} spreads from {baseline}, {compared.said}"
    direction = "above" if value > (compared.value or 0) else "below"
    change = f"{number:.1f} % {direction}" if number else "as much as"
    return f"{change} {baseline} of {compared.said}"
