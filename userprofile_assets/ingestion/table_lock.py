"""A read lock on tables of MySQL and MariaDB, held for the moment in which snapshots are opened.

Belongs here: taking it, both its limits in time, giving it back. Does not belong here: why
(`open_snapshot.py`).

Two limits, so that a copy never holds up the application: the lock is waited for at most
LOCK_SECONDS (writers queue behind a waiting lock), and a connection that holds it and says nothing
for so long is dropped by the server, which frees the lock also when this process hangs.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from userprofile_assets.errors import SourceError, SourceUnavailableError
from userprofile_assets.ingestion.mysql_lines import quote_name
from userprofile_assets.ingestion.table_columns import escape_percents
from userprofile_assets.ingestion.table_errors import typed_errors
from userprofile_assets.table_names import split_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import sqlalchemy

LOCK_SECONDS = 10
"""Longest wait for the lock, and longest silence while it is held."""

_SETTINGS = (
    "SET SESSION lock_wait_timeout = {seconds}",
    "SET SESSION innodb_lock_wait_timeout = {seconds}",
    # MySQL's manual: without it InnoDB knows nothing of the lock. A transaction that has written
    # and is still open has to be waited for, or it is committed between two snapshots. MySQL 8.0
    # and MariaDB 10.11 wait for it anyway, by their metadata lock.
    "SET SESSION autocommit = 0",
    "SET SESSION wait_timeout = {seconds}",
)

_NEEDS = (
    "grant the account LOCK TABLES on the database; or set USERPROFILE_USER_SLICES=1, or "
    "USERPROFILE_USER_SLICE_CONSISTENCY=none, with which slices may see different moments"
)
_BUSY = (
    "somebody has written to the table and not committed yet, or has locked it; copy at a quieter "
    "time, or set USERPROFILE_USER_SLICES=1, which needs no lock"
)
_DENIED = frozenset({1044, 1142, 1227})  # for the database, for the table, for lack of a privilege
_LOCK_TIMEOUT = 1205


@contextmanager
def read_locked(
    engine: sqlalchemy.Engine,
    control: sqlalchemy.Connection,
    tables: Sequence[str],
    *,
    seconds: int = LOCK_SECONDS,
) -> Iterator[None]:
    """Keep everybody from writing to tables for the length of the block.

    Args:
        engine: For messages.
        control: A connection that is used for nothing else, in autocommit mode, and closed by
            whoever opened it, which frees the lock when the block fails.
        tables: `table` or `schema.table`, no patterns.
        seconds: See LOCK_SECONDS.

    Raises:
        SourceError: The account lacks the privilege LOCK TABLES.
        SourceUnavailableError: The lock was not given in time, or was lost inside of the block.
    """
    what = f"locking {len(tables)} tables" if len(tables) > 1 else f"locking table {tables[0]}"
    names = ", ".join(
        ".".join(quote_name(part) for part in split_name(table) if part) + " READ"
        for table in tables
    )
    try:
        with typed_errors(engine, doing=f"{what} while the snapshots are opened"):
            for setting in _SETTINGS:
                control.exec_driver_sql(setting.format(seconds=seconds))
            control.exec_driver_sql(escape_percents(control, f"LOCK TABLES {names}"))
    except SourceError as error:
        if _code(error) not in _DENIED:
            raise
        raise SourceError(error.what, where=error.where, remedy=_NEEDS) from error
    except SourceUnavailableError as error:
        if _code(error) != _LOCK_TIMEOUT:
            raise
        raise SourceUnavailableError(error.what, where=error.where, remedy=_BUSY) from error
    yield
    # Succeeds only if the lock was held up to now.
    with typed_errors(engine, doing=f"{what} until all snapshots were open"):
        control.exec_driver_sql("COMMIT")
        control.exec_driver_sql("UNLOCK TABLES")


def _code(error: SourceError | SourceUnavailableError) -> object:
    """Return the server's number of the error that a typed error was made of."""
    original = getattr(error.__cause__, "orig", None)
    return original.args[0] if original is not None and original.args else None
