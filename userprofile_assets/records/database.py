"""The database of the records: opening it, its tables, its errors.

Belongs here: what every reader and writer shares. Does not belong here: columns (`tables.py`), or
what a row means.
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from userprofile_assets.errors import (
    RecordsError,
    RecordsUnavailableError,
    SettingsError,
    TransientError,
    UserProfileError,
)
from userprofile_assets.ingestion.table_errors import database_name, typed_errors
from userprofile_assets.locks import exclusive_lock
from userprofile_assets.records.engine import serving_engine
from userprofile_assets.records.migrations import HEAD, migrate, revision

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    import sqlalchemy

_T = TypeVar("_T")

_FILE = Path("serving") / "userprofile.db"

# Seconds that a writer waits for another one on SQLite, which admits one at a time.
_BUSY_SECONDS = 30


class Records:
    """An open database; its tables are made when they are first needed.

    Args:
        engine: How it is reached.
        locks: Directory of lock files: two processes must not make the tables at once.
    """

    def __init__(self, engine: sqlalchemy.Engine, locks: Path) -> None:
        self._engine = engine
        self._locks = locks
        self._made = False

    def __enter__(self) -> Records:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close its connections."""
        self.close()

    def close(self) -> None:
        """Close its connections."""
        self._engine.dispose()

    @property
    def name(self) -> str:
        """The database for messages: no user, no password."""
        return database_name(self._engine)

    @property
    def dialect(self) -> str:
        """The kind of database as SQLAlchemy calls it: `sqlite`, `mysql`."""
        return self._engine.dialect.name

    @property
    def locks(self) -> Path:
        """Directory of lock files."""
        return self._locks

    def read(self, select: sqlalchemy.Select[Any]) -> list[Any]:
        """Return the rows of a SELECT.

        Raises:
            RecordsError: The database refuses.
            RecordsUnavailableError: It does not answer.
        """
        with self._errors("reading the records"):
            self._make_tables()
            with self._engine.connect() as connection:
                return list(connection.execute(select))

    def write(
        self,
        work: Callable[[sqlalchemy.Connection], _T],
        *,
        doing: str = "writing the records",
    ) -> _T:
        """Do some work in one transaction: all of it is kept, or nothing.

        Args:
            work: Gets the connection.
            doing: What is attempted, for messages.

        Raises:
            RecordsError: The database refuses.
            RecordsUnavailableError: It does not answer.
        """
        with self._errors(doing):
            self._make_tables()
            with self._engine.begin() as connection:
                return work(connection)

    def _make_tables(self) -> None:
        if self._made:
            return
        from sqlalchemy import exc

        if self._engine.dialect.name == "sqlite":
            _make_directory(self._engine.url.database)
        with self._engine.connect() as connection:
            made = revision(connection) == HEAD
        if not made:
            lock = self._locks / "records.lock"
            with exclusive_lock(lock, purpose="making the tables of the records", timeout=60):
                try:
                    migrate(self._engine)
                except exc.DBAPIError:
                    # What ran between two looks of this one is there at the second. Else it fails
                    # again.
                    migrate(self._engine)
        self._made = True

    @contextmanager
    def _errors(self, doing: str) -> Iterator[None]:
        try:
            with typed_errors(self._engine, doing=doing):
                yield
        except (RecordsError, RecordsUnavailableError, SettingsError):
            raise
        except UserProfileError as error:
            kind = RecordsUnavailableError if isinstance(error, TransientError) else RecordsError
            raise kind(
                error.what,
                where=error.where,
                remedy="check USERPROFILE_SERVING_URL, and whether that database runs and its "
                "user may create tables",
            ) from error


def default_path(home: Path) -> Path:
    """Return the file of the embedded database."""
    return home / _FILE


def default_url(home: Path) -> str:
    """Return the URL of the embedded database, a file of SQLite."""
    return f"sqlite:///{default_path(home)}"


def open_records(
    url: str | None,
    home: Path,
    *,
    tls: str | None = None,
    ca: str | None = None,
    read_timeout: int = 60,
) -> Records:
    """Open the database of the records; connects to nothing yet.

    Args:
        url: USERPROFILE_SERVING_URL with its secrets, or None for the embedded one.
        home: USERPROFILE_HOME.
        tls: USERPROFILE_SERVING_TLS, or None for its default.
        ca: USERPROFILE_SERVING_CA, or None.
        read_timeout: Seconds to wait for an answer of MySQL.

    Raises:
        SettingsError: It is no URL, its driver is missing, or it cannot keep the mode of TLS.
    """
    whole = url or default_url(home)
    engine = serving_engine(whole, tls=tls, ca=ca, read_timeout=read_timeout, writable=True)
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine)
    return Records(engine, home / "locks")


def _prepare_sqlite(engine: sqlalchemy.Engine) -> None:
    from sqlalchemy import event

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _: Any) -> None:
        # First, since two processes that make the file at once both turn WAL on.
        connection.execute(f"PRAGMA busy_timeout = {_BUSY_SECONDS * 1000}")
        # WAL: readers go on while somebody writes.
        connection.execute("PRAGMA journal_mode = WAL")


def _make_directory(path: str | None) -> None:
    """Make the directory of a file of SQLite; only when it is used, for a run goes on without."""
    if not path or path == ":memory:":
        return
    directory = Path(path).parent
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RecordsError(
            f"the directory of the database cannot be made ({error.strerror})",
            where=str(directory),
            remedy="make USERPROFILE_HOME a directory that this user may write to; with "
            "USERPROFILE_SERVING_URL set, correct the path in it",
        ) from error
