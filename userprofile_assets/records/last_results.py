"""Which results of a day hold: those of the run that asked last.

Belongs here: choosing among rows of `dq_result`. Does not belong here: reading them, which each of
their readers does for itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

CHECK_RUN = "check-"
"""How the identifiers of `userprofile check --keep` begin; they are no runs of Dagster."""

STEP_CHECKS = ("rows_equal_manifest", "lines_accounted_for")
"""Checks that only a run can make: `userprofile check` asks the rules, not these."""


def last_results(rows: Sequence[Any]) -> list[Any]:
    """Return the results that hold, one for each rule.

    Only the last run counts: a rule that was renamed or removed meanwhile would otherwise speak for
    ever. Beside those of a check by hand stand the `STEP_CHECKS` of the last run of Dagster.

    Args:
        rows: All results of one table and day, the oldest first; each has `run_id` and `rule`.
    """
    runs = [row.run_id for row in rows]
    last = runs[-1] if runs else None
    made = next((run for run in reversed(runs) if not run.startswith(CHECK_RUN)), None)
    held = (
        row
        for row in rows
        if row.run_id == last or (row.run_id == made and row.rule in STEP_CHECKS)
    )
    # A later result of the same rule and run takes the place of the one before.
    return list({row.rule: row for row in held}.values())
