"""Values of columns marked `pii: true` become `***`, wherever rows or numbers are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from userprofile_assets.quality.rule import REVEALING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from userprofile_assets.quality.rule import Rule
    from userprofile_assets.quality.table_file import TableDoc

MASK = "***"


def mask(
    rows: Iterable[Sequence[Any]], columns: Sequence[str], doc: TableDoc
) -> list[tuple[Any, ...]]:
    """Return rows whose values of `pii` columns are masked.

    Args:
        rows: Rows of the table.
        columns: What stands in them, in order.
        doc: The table.
    """
    hidden = [doc.is_pii(column) for column in columns]
    return [
        tuple(MASK if hide else value for hide, value in zip(hidden, row, strict=True))
        for row in rows
    ]


def reveals(rule: Rule, doc: TableDoc) -> bool:
    """Tell whether the rule's number is a value of a `pii` column, or near one."""
    number = rule.aggregate
    if number is None or number.column is None:
        return False
    return number.function in REVEALING and doc.is_pii(number.column)
