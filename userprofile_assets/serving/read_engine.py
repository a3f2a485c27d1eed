"""How the serving database is opened for reading: pool, one state for each answer, a time limit.

Belongs here: what SQLite, MariaDB and MySQL each need to be told for that. Does not belong here:
what is asked (`read_days.py`, `read_users.py` and their kin).
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from userprofile_assets.records.database import default_url
from userprofile_assets.records.engine import serving_engine
from userprofile_assets.serving.query_limits import INSTRUCTIONS, READ_SPARE, mysql_limit

if TYPE_CHECKING:
    from collections.abc import Mapping

    import sqlalchemy

# Connections, and with them queries that run at once. Two cores gain nothing from more, but one
# slow query must not hold up the fast ones.
POOL_SIZE = 16

_BUSY_SECONDS = 5


class Deadline:
    """When the queries of one connection have to be over; SQLite asks it while it works."""

    def __init__(self) -> None:
        self._at = float("inf")

    def set(self, seconds: float) -> None:
        """Let queries run for so long from now on."""
        self._at = time.monotonic() + seconds

    def is_over(self) -> bool:
        """Tell whether the time is up; SQLite then ends the query."""
        return time.monotonic() > self._at


def read_engine(
    url: str | None,
    home: Path,
    *,
    tls: str | None = None,
    ca: str | None = None,
    query_seconds: float,
) -> sqlalchemy.Engine:
    """Return an engine that reads and never writes; connects to nothing yet.

    Each transaction sees one state of the database: a deferred BEGIN of SQLite in WAL mode, or
    REPEATABLE READ of InnoDB, both from the first SELECT on.

    Args:
        url: USERPROFILE_SERVING_URL with its secrets, or None for the embedded one.
        home: USERPROFILE_HOME.
        tls: USERPROFILE_SERVING_TLS, or None for its default.
        ca: USERPROFILE_SERVING_CA, or None.
        query_seconds: USERPROFILE_API_QUERY_SECONDS.

    Raises:
        SettingsError: It is no URL, its driver is missing, or it cannot keep the mode of TLS.
    """
    whole = _existing_file(url or default_url(home))
    engine = serving_engine(
        whole,
        tls=tls,
        ca=ca,
        read_timeout=int(query_seconds) + READ_SPARE,
        writable=True,
        pool_size=POOL_SIZE,
    )
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine)
    elif engine.dialect.name in {"mysql", "mariadb"}:
        _prepare_mysql(engine, query_seconds)
    return engine


def set_deadline(info: Mapping[str, Any], seconds: float) -> None:
    """Give all queries of a connection so long; MariaDB and MySQL count each of them alone.

    Args:
        info: What the pool keeps with the connection.
        seconds: From now on.
    """
    deadline = info.get("deadline")
    if deadline is not None:
        deadline.set(seconds)


def _existing_file(url: str) -> str:
    """Have SQLite not make a file that is missing: looking makes no database.

    Not `mode=ro`: readers of a WAL database write to its index of the log (`-shm`).
    """
    prefix = "sqlite:///"
    path = url.removeprefix(prefix).partition("?")[0]
    if not url.startswith(prefix) or not path or path == ":memory:" or path.startswith("file:"):
        return url
    return f"{prefix}file:{quote(str(Path(path).absolute()))}?mode=rw&uri=true"


def _prepare_sqlite(engine: sqlalchemy.Engine) -> None:
    from sqlalchemy import event
    from sqlalchemy.dialects.sqlite.base import SQLiteCompiler

    class WithHints(SQLiteCompiler):
        """Writes hints behind a table's name, which SQLAlchemy leaves out for SQLite."""

        def get_from_hint_text(self, table: Any, text: str | None) -> str | None:
            """Return the hint as it is."""
            del table
            return text

    engine.dialect.statement_compiler = WithHints

    @event.listens_for(engine, "connect")
    def connected(connection: Any, record: Any) -> None:
        # The driver's own transactions begin with a write: two SELECTs would see two states.
        connection.isolation_level = None
        connection.execute("PRAGMA query_only = ON")
        connection.execute(f"PRAGMA busy_timeout = {_BUSY_SECONDS * 1000}")
        record.info["deadline"] = deadline = Deadline()
        connection.set_progress_handler(deadline.is_over, INSTRUCTIONS)

    @event.listens_for(engine, "begin")
    def begun(connection: sqlalchemy.Connection) -> None:
        connection.exec_driver_sql("BEGIN")


def _prepare_mysql(engine: sqlalchemy.Engine, query_seconds: float) -> None:
    from sqlalchemy import event

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute("SELECT VERSION()")
            (version,) = cursor.fetchone()
            statement, limit = mysql_limit(str(version), query_seconds)
            cursor.execute(statement, (limit,))
        connection.rollback()
