"""The time limit of a query: how each database is told, and how its end by that limit shows.

Belongs here: what the API's queries and those of people share. Does not belong here: which errors
follow from it (`reader.py`, `ad_hoc.py`).
"""

from __future__ import annotations

INSTRUCTIONS = 10_000
"""Instructions of SQLite's machine between two looks at the clock: about 0.1 ms, so a query of 10 s
spends less than 1 % of its time on them."""

READ_SPARE = 5
"""Seconds that the client waits longer than the server may take, for an answer that got lost."""

# MariaDB's and MySQL's "maximum execution time exceeded", and "interrupted".
_MYSQL_TOO_SLOW = frozenset({1969, 3024, 1317})
_MYSQL_NO_TABLE = 1146


def mysql_limit(version: str, seconds: float) -> tuple[str, float]:
    """Return the statement that limits a session of MariaDB or MySQL, and its parameter.

    Args:
        version: What `SELECT VERSION()` says.
        seconds: The limit; both count each statement alone.
    """
    if "mariadb" in version.lower():
        return "SET SESSION max_statement_time = %s", seconds
    return "SET SESSION max_execution_time = %s", max(1, round(seconds * 1000))


def mysql_number(cause: object) -> int | None:
    """Return the number of an error of PyMySQL; None for another error."""
    arguments = getattr(cause, "args", ())
    return arguments[0] if arguments and isinstance(arguments[0], int) else None


def is_too_slow(cause: object) -> bool:
    """Tell whether a driver's error says that the time was up."""
    return getattr(cause, "sqlite_errorname", "") == "SQLITE_INTERRUPT" or (
        mysql_number(cause) in _MYSQL_TOO_SLOW
    )


def has_no_database(cause: object) -> bool:
    """Tell whether a driver's error says that SQLite's file is not there."""
    return str(getattr(cause, "sqlite_errorname", "")).startswith("SQLITE_CANTOPEN")


def has_no_table(cause: object) -> bool:
    """Tell whether a driver's error says that a table is not there."""
    of_sqlite = bool(getattr(cause, "sqlite_errorname", ""))
    return (of_sqlite and str(cause).startswith("no such table")) or (
        mysql_number(cause) == _MYSQL_NO_TABLE
    )
