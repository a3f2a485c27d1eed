"""Values of columns marked `pii: true` become `***`, wherever rows or numbers are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from userprofile_assets.quality.rule import REVEALING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from userprofile_assets.quality.rule import Aggregate, Rule
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
    """Tell whether one of the rule's numbers is a value of a `pii` column, or near one."""
    if rule.other is not None and rule.other.hidden:
        return True
    if rule.kind == "freshness":
        return doc.is_pii(rule.columns[0])
    return tells_values(rule.aggregate, doc)


def tells_values(number: Aggregate | None, doc: TableDoc) -> bool:
    """Tell whether a number about a table is a value of a `pii` column, or near one."""
    if number is None or number.column is None:
        return False
    return number.function in REVEALING and doc.is_pii(number.column)
