"""Lines in, lines out: what became of every line of a day's log.

Belongs here: the account of a day and the blocking check that it adds up. Does not belong here:
what a line's outcome is (`sql/dwd/dwd_log_line_spark.sql`).

Three counts that are made apart must agree: the lines that the manifest counted when the object was
written, the outcomes that Spark counted (`dwd_log_value_di_spark`), and the rows of the table.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import dagster as dg

from userprofile_assets.bizdate import to_partition_key
from userprofile_assets.errors import SparkError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from userprofile_assets.ingestion.manifest import Manifest
    from userprofile_assets.warehouse.executor import Executor

LINE_VALUES = "dwd_log_value_di_spark"
LOG_TABLE = "dwd_log_info_di_spark"
QUARANTINE = "dwd_log_quarantine_di_spark"

CHECK_NAME = "lines_accounted_for"

# Of so many lines of another day the file is one of another day, not a log with stragglers.
_MOST_OUTSIDE = 0.9


def is_of_another_day(outside: int, lines: int) -> bool:
    """Tell whether so many of a log's lines are of another day that all of it is."""
    return outside > _MOST_OUTSIDE * lines


@dataclass(frozen=True)
class LineAccount:
    """What became of a day's lines.

    Args:
        outcomes: Lines by outcome: `parsed`, `outside`, or the reason of quarantine.
        formats: Lines by format.
    """

    outcomes: Mapping[str, int] = field(default_factory=dict)
    formats: Mapping[str, int] = field(default_factory=dict)

    @property
    def parsed(self) -> int:
        """Lines that are rows of the log table."""
        return self.outcomes.get("parsed", 0)

    @property
    def outside(self) -> int:
        """Lines of another business date, which are only counted."""
        return self.outcomes.get("outside", 0)

    @property
    def quarantined(self) -> int:
        """Lines that could not be parsed."""
        return sum(self.outcomes.values()) - self.parsed - self.outside

    def __str__(self) -> str:
        """Say it in one line."""
        return (
            f"{sum(self.outcomes.values())} lines: {self.parsed} parsed, "
            f"{self.quarantined} quarantined, {self.outside} outside the business date"
        )

    def metadata(self) -> dict[str, Any]:
        """Return what the UI shows of a day."""
        return {
            "lines": sum(self.outcomes.values()),
            "parsed": self.parsed,
            "quarantined": self.quarantined,
            "outside the business date": self.outside,
            "outcomes": dg.MetadataValue.json(dict(self.outcomes)),
            "formats": dg.MetadataValue.json(dict(self.formats)),
        }


def account_check(table: str) -> dg.AssetCheckSpec:
    """Return the check's spec; a failure stops what is downstream."""
    return dg.AssetCheckSpec(
        CHECK_NAME,
        asset=table,
        blocking=True,
        description="Lines of the object = parsed + quarantined + outside the business date.",
    )


def read_account(executor: Executor, bizdate: str) -> LineAccount:
    """Read the account of a day.

    Raises:
        SparkError: The table cannot be read.
        SparkUnavailableError: Spark does not answer.
    """
    rows = executor.run(
        f"SELECT kind, value, line_count FROM {LINE_VALUES} "  # noqa: S608 - a constant and eight digits
        f"WHERE dt = '{bizdate}' AND kind IN ('outcome', 'format')",
        where=LINE_VALUES,
    )
    counts: dict[str, dict[str, int]] = {"outcome": {}, "format": {}}
    for kind, value, lines in rows:
        counts[kind][value] = int(lines)
    return LineAccount(counts["outcome"], counts["format"])


def check_account(table: str, account: LineAccount, manifest: Manifest, rows: int) -> None:
    """Compare the three counts of a day.

    Args:
        table: The log table or the quarantine.
        account: What Spark counted of the lines.
        manifest: What was counted when the object was written.
        rows: Rows of `table`.

    Raises:
        SparkError: They differ, or nearly all lines are of another day.
    """
    where = f"{table}, {to_partition_key(manifest.bizdate)}"
    lines = sum(account.outcomes.values())
    if lines != manifest.rows:
        raise SparkError(
            f"the lines do not add up: {account}, but the object has {manifest.rows}",
            where=where,
            remedy=f"materialize {LINE_VALUES} of that day again",
        )
    expected = account.parsed if table == LOG_TABLE else account.quarantined
    if rows != expected:
        raise SparkError(
            f"the table has {rows} rows, but should have {expected} of {account}",
            where=where,
            remedy=f"materialize {LINE_VALUES} and {table} of that day again; if it stays, a "
            "dimension table has a key twice, or their files of sql/ do not belong together",
        )
    if table == LOG_TABLE and is_of_another_day(account.outside, lines):
        raise SparkError(
            f"nearly all lines are of another day: {account}",
            where=where,
            remedy="if the log has lines of any day, as a file without days in its URL has, set "
            "USERPROFILE_LOG_DAY_FILTER=keep; else look at USERPROFILE_TIMEZONE and at the file",
        )


def check_result(table: str, accounts: Mapping[str, LineAccount | None]) -> dg.AssetCheckResult:
    """Return the check's result for the days of a run.

    Args:
        table: The table.
        accounts: Bizdate -> account, None for a day that does not add up.
    """
    bad = sorted(to_partition_key(day) for day, account in accounts.items() if account is None)
    good = [f"{to_partition_key(d)}: {a}" for d, a in accounts.items() if a is not None]
    return dg.AssetCheckResult(
        asset_key=table,
        check_name=CHECK_NAME,
        passed=not bad,
        severity=dg.AssetCheckSeverity.ERROR,
        description="; ".join([*(f"{day}: does not add up" for day in bad), *good]),
        metadata={"days": len(accounts), "days that differ": dg.MetadataValue.json(bad)},
    )
