"""Which profiles are meant: values of the dimensions, a range of page views, a prefix of the uid.

Belongs here: the values and the conditions they become; every value is a bound parameter. Does not
belong here: how a request writes them (`service/filters.py`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from userprofile_assets.serving.stored_text import HASHED, stored
from userprofile_assets.serving.tables import TEXT_LENGTH

if TYPE_CHECKING:
    from sqlalchemy import FromClause
    from sqlalchemy.sql import ColumnElement

DIMENSIONS = (
    "country",
    "region",
    "city",
    "device",
    "gender",
    "age_range",
    "zodiac",
    "is_registered",
)
"""The columns of a profile that aggregates are made by, in the order of the API's answers."""

_HASHED = re.compile(HASHED.replace(r"\z", r"\Z"))

_SURROGATES = (0xD800, 0xDFFF)
_LAST_CODE_POINT = 0x10FFFF


@dataclass(frozen=True)
class Filters:
    """Values that some dimensions may have.

    Attributes:
        values: Dimension and its values, both sorted; None among them is "not known". Any of the
            values of one dimension, and all dimensions, have to be met.
    """

    values: tuple[tuple[str, tuple[str | bool | None, ...]], ...] = ()

    def __bool__(self) -> bool:
        """Tell whether anything is filtered."""
        return bool(self.values)

    @property
    def names(self) -> frozenset[str]:
        """The dimensions that are filtered."""
        return frozenset(name for name, _ in self.values)

    def conditions(self, table: FromClause) -> list[ColumnElement[bool]]:
        """Return them as conditions on a table that has these columns."""
        return [_any_of(table.c[name], values) for name, values in self.values]


NO_FILTERS = Filters()
"""Lets everybody through."""


def lookups(text: str, limit: int) -> list[str]:
    """Return how a text may be stored, the likeliest first.

    A text that was too long stands in answers as it is stored, and is found by that too.

    Args:
        text: The text as a caller writes it.
        limit: Characters of the column.
    """
    own = stored(text, limit)
    return [own, text] if own != text and len(text) <= limit and _HASHED.search(text) else [own]


def upper_bound(prefix: str) -> str | None:
    """Return the smallest text that is greater than all texts with a prefix; None if there is none.

    In the order of code points, which is that of UTF-8's bytes: SQLite's BINARY, and the binary
    collations of MariaDB and MySQL. So a comparison does what LIKE does, with any character, and
    uses the index on all three.
    """
    for end in range(len(prefix), 0, -1):
        after = ord(prefix[end - 1]) + 1
        if after > _LAST_CODE_POINT:
            continue
        if _SURROGATES[0] <= after <= _SURROGATES[1]:
            after = _SURROGATES[1] + 1
        return prefix[: end - 1] + chr(after)
    return None


def _any_of(column: ColumnElement[Any], values: tuple[str | bool | None, ...]) -> Any:
    import sqlalchemy

    known: list[str | bool] = []
    for value in values:
        if isinstance(value, str):
            known += lookups(value, TEXT_LENGTH)
        elif value is not None:
            known.append(value)
    if None not in values:
        return column == known[0] if len(known) == 1 else column.in_(known)
    return sqlalchemy.or_(column.is_(None), column.in_(known)) if known else column.is_(None)
