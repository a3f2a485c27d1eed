"""Checks that a step makes itself, kept as results of rules are: a later run has to know them too.

Belongs here: the form. Does not belong here: what is checked (`checks/line_accounts.py`,
`checks/row_counts.py`, `assets/step_records.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from userprofile_assets.quality.rule import RuleResult
from userprofile_assets.records.last_results import STEP_CHECKS

if TYPE_CHECKING:
    from userprofile_assets.errors import UserProfileError

RULES_MEASURED = "rules_measured"
"""Fails for a day whose rules could not be measured: nobody has judged it."""

OWN_CHECKS = (*STEP_CHECKS, RULES_MEASURED)
"""Their names, which no rule may have."""


def own_result(
    table: str, check: str, bizdate: str, error: UserProfileError | None = None
) -> RuleResult:
    """Return the result of a check on one day: failed by an error, else passed.

    Args:
        table: The table.
        check: One of `OWN_CHECKS`.
        bizdate: The day.
        error: Why the day does not pass.
    """
    return RuleResult(
        table=table,
        rule=check,
        text=check,
        bizdate=bizdate,
        metric=check,
        strength="strong",
        status="passed" if error is None else "failed",
        thresholds="",
        message=check if error is None else error.what.partition("\n")[0],
    )
