"""The names of tables: one table, or the shards that a pattern stands for.

`users_[0-9]` names ten tables and `db_[00-15].users_[0-3]` sixty-four, as in the tutorial's reader;
a first number with leading zeros gives the width.
"""

from __future__ import annotations

import itertools
import re

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_$]{0,63}")
_RANGE = re.compile(r"\[([0-9]{1,6})-([0-9]{1,6})\]")
_MOST_TABLES = 10_000


def expand_tables(pattern: str) -> tuple[str, ...]:
    """Return the names that a pattern stands for, in its order; one without a range is itself.

    Raises:
        ValueError: It is no `table` or `schema.table` with at most one range in each part.
    """
    parts = pattern.split(".")
    if len(parts) > 2:
        raise ValueError("write it as table or schema.table")
    names = [".".join(combined) for combined in itertools.product(*map(_expand, parts))]
    if len(names) > _MOST_TABLES:
        raise ValueError(f"it stands for more than {_MOST_TABLES:,} tables")
    return tuple(names)


def _expand(part: str) -> list[str]:
    found = _RANGE.search(part)
    numbers = [""]
    if found:
        first, last = found.groups()
        if int(first) > int(last) or int(last) - int(first) >= _MOST_TABLES:
            raise ValueError(f"{found[0]} is no range of at most {_MOST_TABLES:,} numbers")
        width = len(first) if first.startswith("0") else 0
        numbers = [f"{number:0{width}d}" for number in range(int(first), int(last) + 1)]
    before, after = (part[: found.start()], part[found.end() :]) if found else (part, "")
    names = [f"{before}{number}{after}" for number in numbers]
    if not all(_IDENTIFIER.fullmatch(name) for name in names):
        raise ValueError("write it as table or schema.table, with ranges such as table_[0-9]")
    return names


def split_name(table: str) -> tuple[str | None, str]:
    """Return schema and name."""
    schema, _, name = table.rpartition(".")
    return schema or None, name
