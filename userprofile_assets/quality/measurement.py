"""What was measured of a rule on a day, and why nothing was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from userprofile_assets.errors import SparkError, UserProfileError
from userprofile_assets.row_values import without_row_values

Query: TypeAlias = Callable[[str], list[tuple[Any, ...]]]
"""Runs a statement and returns its rows; raises SparkError where Spark refuses it."""

Measured: TypeAlias = "dict[tuple[str, str], Measurement]"
"""(bizdate, name of the rule) -> what was measured."""

_MOST_CHARACTERS = 300


@dataclass(frozen=True)
class Measurement:
    """One number.

    Args:
        value: The number; None where there are no rows to make it of.
        rows: Rows that the rule looks at; None where that plays no part.
        there: Of an `equals`, the number of the other side.
        missing: Why there is no number although there could be one; it then counts as unknown.
        error: Why it could not be measured; it then counts as failed.
    """

    value: float | None = None
    rows: int | None = None
    there: float | None = None
    missing: str | None = None
    error: str | None = None


def failed_to_measure(error: SparkError) -> Measurement:
    """Say what Spark said, without values of rows."""
    said = without_row_values(error.what, of_spark=True)
    return Measurement(error=next(iter(said.splitlines()), "")[:_MOST_CHARACTERS])


def careful(query: Query) -> Query:
    """Return a query that raises errors of this project only, so that one rule fails and no more.

    Of any other exception the kind is said: its text may hold a value of a row.
    """

    def ask(statement: str) -> list[tuple[Any, ...]]:
        try:
            return query(statement)
        except UserProfileError:
            raise
        except Exception as error:
            raise SparkError(type(error).__name__) from error

    return ask


def plain_number(value: Any) -> float | None:
    """Return a number of Spark as Python's: decimals and booleans too, whole ones whole.

    Raises:
        SparkError: It is none.
    """
    if value is None:
        return None
    if isinstance(value, int):
        return int(value)
    try:
        number = float(value)
    except (TypeError, ValueError):
        # Not the value itself: it may be a person's.
        raise SparkError("it gives something that is no number") from None
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def single_number(rows: Sequence[Sequence[Any]]) -> float | None:
    """Return the one number that a statement gives; None for no row.

    Raises:
        SparkError: It gives more rows or columns, or something that is no number.
    """
    if not rows:
        return None
    if len(rows) > 1 or len(rows[0]) != 1:
        raise SparkError(f"it gives {len(rows)} rows of {len(rows[0])} columns, not one number")
    return plain_number(rows[0][0])
