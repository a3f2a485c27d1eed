"""How the tables of the database come to be, and change: Alembic's revisions.

Belongs here: bringing a database to the newest revision, one at a time. Does not belong here: what
the tables are now (`records/tables.py`, `serving/tables.py`; a test compares both with what the
revisions make).

A revision is a file of `versions/` and stays as it is once it is released. MySQL commits each
statement that makes a table, so a revision that was killed is run again from its start: it uses
`steps.py`, which makes what is not there. Set `HEAD` when you add one.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from userprofile_assets.errors import RecordsError, RecordsUnavailableError
from userprofile_assets.ingestion.table_errors import database_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    import sqlalchemy

HEAD = "0002"
"""The newest revision, so that a database that has it is opened without Alembic."""

_TABLE = "alembic_version"
# Less than the time-out of a read (`records/database.py`), which would end the connection.
_WAIT_SECONDS = 45
_ADVISORY_LOCK = 7_305_462_918_003_417_225  # any number of 64 bits will do


def revision(connection: sqlalchemy.Connection) -> str | None:
    """Return the revision of a database; None: it has no tables, or those of before Alembic."""
    import sqlalchemy

    if not sqlalchemy.inspect(connection).has_table(_TABLE):
        return None
    found = connection.execute(sqlalchemy.text(f"SELECT version_num FROM {_TABLE}")).scalar()  # noqa: S608 - a constant
    return None if found is None else str(found)


def migrate(engine: sqlalchemy.Engine) -> None:
    """Bring a database to the newest revision; does nothing where it is there.

    Args:
        engine: The database. A process on another machine may do the same at the same time.

    Raises:
        RecordsError: A newer version of this program made the database.
        RecordsUnavailableError: Another process has been at it for too long.
    """
    with engine.connect() as connection:
        if revision(connection) == HEAD:
            return
    with engine.connect() as connection, _alone(connection):
        found = revision(connection)
        if found != HEAD:
            _upgrade(connection, found)
        connection.commit()


def _upgrade(connection: sqlalchemy.Connection, found: str | None) -> None:
    # Which only a database that is new or old waits for.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise RecordsError(
            f"the database has revision {found}, this program knows up to {HEAD}: a newer version "
            "of it has been here",
            where=database_name(connection.engine),
            remedy="update the program, or set USERPROFILE_SERVING_URL to another database",
        )
    command.upgrade(config, HEAD)


@contextmanager
def _alone(connection: sqlalchemy.Connection) -> Iterator[None]:
    """Keep out other processes, on other machines too; whoever is killed holds nothing."""
    name = connection.dialect.name
    if name == "sqlite":
        # Without it Python's driver would commit before each statement that makes a table.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield
    elif name in {"mysql", "mariadb"}:
        with _named_lock(connection):
            yield
    elif name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")
        yield
    else:
        yield


@contextmanager
def _named_lock(connection: sqlalchemy.Connection) -> Iterator[None]:
    import sqlalchemy

    database = connection.engine.url.database or ""
    # A name of a lock counts for the whole server and has 64 characters at most.
    lock = f"userprofile migration {hashlib.sha256(database.encode()).hexdigest()[:32]}"
    asked = sqlalchemy.text("SELECT GET_LOCK(:lock, :seconds)")
    if connection.execute(asked, {"lock": lock, "seconds": _WAIT_SECONDS}).scalar() != 1:
        raise RecordsUnavailableError(
            f"another process has been making the tables for longer than {_WAIT_SECONDS} seconds",
            where=database_name(connection.engine),
            remedy="look at the server's process list, and try again",
        )
    # A snapshot of before the wait would still show the revision of then.
    connection.commit()
    try:
        yield
    finally:
        if not connection.invalidated and not connection.closed:
            connection.execute(sqlalchemy.text("SELECT RELEASE_LOCK(:lock)"), {"lock": lock})
