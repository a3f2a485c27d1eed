"""Say how the rows of two tables differ, so that the line that shows it can be seen.

Belongs here: comparing rows without regard to their order. Does not belong here: what is compared.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_SHOWN = 6
_LONGEST = 300


def differences(
    sql: Iterable[Mapping[str, Any]], reference: Iterable[Mapping[str, Any]]
) -> list[str]:
    """Return the first rows that only one side has, a row each; empty when they are equal."""
    left = Counter(_key(row) for row in sql)
    right = Counter(_key(row) for row in reference)
    only_sql = sorted((left - right).elements())
    only_reference = sorted((right - left).elements())
    return [
        *_shown("only SQL", only_sql),
        *_shown("only the reference", only_reference),
    ]


def _key(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(f"{name}={row[name]!r}" for name in sorted(row))


def _shown(side: str, rows: list[tuple[str, ...]]) -> list[str]:
    shown = [f"{side}: {_short(row)}" for row in rows[:_SHOWN]]
    return [*shown, f"{side}: {len(rows)} rows in all"] if rows else []


def _short(row: tuple[str, ...]) -> str:
    return ", ".join(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..." for text in row)
