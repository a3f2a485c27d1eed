"""What to copy of a database, and how: the options of one export.

Belongs here: the options and what may stand in them. Does not belong here: where they come from
(`settings/`), the SELECTs made of them (`table_select.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from userprofile_assets.errors import SettingsError
from userprofile_assets.ingestion.table_errors import MYSQL_DIALECTS

if TYPE_CHECKING:
    import sqlalchemy

    from userprofile_assets.ingestion.mysql_lines import BinaryForm, ZeroDates

Reader = Literal["auto", "fast", "general"]
Consistency = Literal["lock", "none"]

MOST_SLICES = 16
"""Most connections of one export; each costs the server a thread and a snapshot."""


@dataclass(frozen=True, kw_only=True)
class TableOptions:
    """What to copy.

    Attributes:
        table: `table` or `schema.table`; `[0-9]` in it stands for shards, see `table_names.py`.
        columns: Columns to copy, in this order.
        where: SQL condition with the day already in it, or None. It is code, run as it is.
        split_key: Column that orders the rows, or None for the server's order. A unique one makes
            the same table give the same bytes. Shards are ordered each for itself.
        delimiter: Character between two fields.
        query: A SELECT with the day already in it that is read instead of the table, or None.
        binary: Text form of binary values (MySQL).
        zero_dates: What becomes of a date whose month or day is 0 (MySQL).
        zone: Offset in which TIMESTAMP is shown, such as `+08:00` (MySQL).
        reader: `fast` takes the rows from PyMySQL's connection in blocks, `general` asks the driver
            for each; `auto` is fast where the driver is PyMySQL. The bytes are the same.
        slices: Connections that read ranges of the split key at once (MySQL), 1 to MOST_SLICES.
        consistency: With several slices: `lock` locks the tables against writers while the
            snapshots are opened, so that all are the same; `none` opens one behind the other.
        replica_lag: Most seconds that a replica may be behind its primary (MySQL); None: not asked.
    """

    table: str
    columns: tuple[str, ...]
    where: str | None
    split_key: str | None
    delimiter: str
    query: str | None = None
    binary: BinaryForm = "hex"
    zero_dates: ZeroDates = "null"
    zone: str = "+00:00"
    reader: Reader = "auto"
    slices: int = 1
    consistency: Consistency = "lock"
    replica_lag: float | None = None

    @property
    def name(self) -> str:
        """What is read, in words."""
        return f"table {self.table}" if self.query is None else "the query"


def check_options(engine: sqlalchemy.Engine, options: TableOptions) -> None:
    """Refuse options that the database or each other make impossible.

    Raises:
        SettingsError: Says which one, and what to set instead.
    """
    is_mysql = engine.dialect.name in MYSQL_DIALECTS
    if options.replica_lag is not None and not is_mysql:
        raise SettingsError(
            f"the lag of a replica is asked of MySQL and MariaDB, not of {engine.dialect.name}",
            where="USERPROFILE_MYSQL_REPLICA_LAG",
            remedy="remove it, or correct USERPROFILE_MYSQL_URL",
        )
    if options.slices == 1:
        return
    problem = None
    if not 1 <= options.slices <= MOST_SLICES:
        problem = f"{options.slices} slices are not 1 to {MOST_SLICES}"
    elif not is_mysql:
        problem = f"slices are for MySQL and MariaDB, and this is {engine.dialect.name}"
    elif options.query is not None:
        problem = "slices are ranges of a table's key, and USERPROFILE_USER_QUERY is set"
    elif options.split_key is None:
        problem = "slices are ranges of USERPROFILE_USER_SPLIT_KEY, which is not set"
    if problem is not None:
        raise no_slices(problem)


def no_slices(problem: str, *, remedy: str = "correct it, or set it to 1") -> SettingsError:
    """Return the error for an export that cannot be divided."""
    return SettingsError(problem, where="USERPROFILE_USER_SLICES", remedy=remedy)
