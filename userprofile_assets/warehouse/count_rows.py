"""Count the rows of days, so that one unreadable day does not hide the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from userprofile_assets.errors import SparkError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from userprofile_assets.warehouse.engine import Row


def count_rows(
    table: str, bizdates: Sequence[str], run: Callable[[str], list[Row]]
) -> dict[str, int | SparkError]:
    """Count the rows of days; one scan for all, and one each when that fails.

    Args:
        table: Name of the table or view.
        bizdates: Days as `20240807`.
        run: Runs a statement.

    Returns:
        For each day its number of rows, or the error that counting it raised.
    """
    days = ", ".join(f"'{bizdate}'" for bizdate in bizdates)
    try:
        rows = run(
            f"SELECT dt, COUNT(*) FROM {table} WHERE dt IN ({days}) GROUP BY dt"  # noqa: S608 - eight digits and a table name from the parsed file
        )
    except SparkError as error:
        if len(bizdates) == 1:
            return {bizdates[0]: _unreadable(table, bizdates[0], error)}
        return {
            day: result
            for bizdate in bizdates
            for day, result in count_rows(table, [bizdate], run).items()
        }
    counted: dict[str, int] = dict(rows)
    return {bizdate: counted.get(bizdate, 0) for bizdate in bizdates}


def _unreadable(table: str, bizdate: str, error: SparkError) -> SparkError:
    problem = SparkError(
        f"the rows cannot be read: {error.what}",
        where=f"{table}, dt={bizdate}",
        remedy="materialize the object of that day again, then this table",
    )
    problem.__cause__ = error
    return problem
