"""Read the serving database: one state for each answer, a time limit, typed errors.

Belongs here: what every read shares. Does not belong here: the queries, which are functions over
the connection of a snapshot (`read_days.py`, `read_users.py`, `read_aggregates.py`,
`read_quality.py`).

    with reader.snapshot() as snapshot:
        dt = newest_day(snapshot)
        versions = day_versions(snapshot, [dt])
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from userprofile_assets.errors import (
    NotPublishedError,
    QueryTooSlowError,
    RecordsError,
    RecordsUnavailableError,
    SettingsError,
    TransientError,
    UserProfileError,
)
from userprofile_assets.ingestion.table_errors import typed_errors
from userprofile_assets.serving.query_limits import has_no_database, has_no_table, is_too_slow
from userprofile_assets.serving.read_engine import read_engine, set_deadline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import sqlalchemy

_T = TypeVar("_T")


class DriverStatement:
    """A SELECT as a driver takes it, written once for each kind of database.

    Args:
        select: The SELECT, with bound parameters.
    """

    def __init__(self, select: sqlalchemy.Select[Any]) -> None:
        self._select = select
        self._texts: dict[str, tuple[str, tuple[str, ...]]] = {}

    def text(self, dialect: sqlalchemy.Dialect) -> tuple[str, tuple[str, ...]]:
        """Return the statement, and its parameters in their order."""
        found = self._texts.get(dialect.name)
        if found is None:
            # Each driver of ours takes parameters by position (`?` or `%s`).
            style = "qmark" if dialect.name == "sqlite" else "format"
            kind: Any = type(dialect)
            compiled = self._select.compile(dialect=kind(paramstyle=style))
            names = tuple(getattr(compiled, "positiontup", None) or ())
            found = self._texts[dialect.name] = (str(compiled), names)
        return found


class ServingReader:
    """Reads of the serving database, from any thread.

    Args:
        engine: From `read_engine`.
        query_seconds: How long one answer may take.
    """

    def __init__(self, engine: sqlalchemy.Engine, *, query_seconds: float) -> None:
        self._engine = engine
        self._query_seconds = query_seconds

    def close(self) -> None:
        """Close its connections."""
        self._engine.dispose()

    @contextmanager
    def snapshot(self) -> Iterator[sqlalchemy.Connection]:
        """Give a connection on which all SELECTs see one state of the database.

        Raises:
            NotPublishedError: The tables are not there: nothing was ever published.
            QueryTooSlowError: A query took longer than it may.
            RecordsError: The database refuses.
            RecordsUnavailableError: It does not answer.
        """
        with self._errors(), self._engine.connect() as connection:
            set_deadline(connection.info, self._query_seconds)
            yield connection

    def read(self, query: Callable[[sqlalchemy.Connection], _T]) -> _T:
        """Return what some queries give on one snapshot.

        Runs them again once if the connection turns out to be dead: a pool keeps those that a
        restart of the server has closed.

        Raises:
            UserProfileError: See `snapshot`.
        """
        try:
            with self.snapshot() as snapshot:
                return query(snapshot)
        except RecordsUnavailableError:
            with self.snapshot() as snapshot:
                return query(snapshot)

    def row(self, statement: DriverStatement, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """Return the first row that one statement gives, straight from the driver.

        A single statement sees one state by itself. SQLAlchemy's result takes ten times as long
        as SQLite needs for a lookup, so the one that has to be quick goes without; booleans
        are what the driver returns.

        Args:
            statement: The statement.
            values: Its parameters.

        Raises:
            UserProfileError: See `snapshot`.
        """
        try:
            return self._row(statement, values)
        except RecordsUnavailableError:
            return self._row(statement, values)

    def _row(self, statement: DriverStatement, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        sql, names = statement.text(self._engine.dialect)
        with self._errors():
            connection = self._engine.raw_connection()
            try:
                set_deadline(connection.info, self._query_seconds)
                cursor = connection.cursor()
                try:
                    cursor.execute(sql, tuple(values[name] for name in names))
                    row: tuple[Any, ...] | None = cursor.fetchone()
                finally:
                    cursor.close()
                return row  # noqa: TRY300 - the finally below belongs to both
            except self._engine.dialect.loaded_dbapi.Error:
                # It may be dead; a new one costs a millisecond.
                connection.invalidate()
                raise
            finally:
                connection.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            with typed_errors(self._engine, doing="reading the serving database"):
                yield
        except (QueryTooSlowError, RecordsError, RecordsUnavailableError, NotPublishedError):
            raise
        except UserProfileError as error:
            cause = getattr(error.__cause__, "orig", error.__cause__)
            if is_too_slow(cause):
                raise QueryTooSlowError(
                    f"the query was cancelled after {self._query_seconds:g} s",
                    where="the serving database",
                    remedy="ask for less, or raise USERPROFILE_API_QUERY_SECONDS",
                ) from error
            if has_no_database(cause) or has_no_table(cause):
                raise NotPublishedError(
                    "no day is published yet",
                    where="the serving database",
                    remedy="materialize the assets of the group `serving`",
                ) from error
            kind: type[UserProfileError] = RecordsError
            if isinstance(error, TransientError):
                kind = RecordsUnavailableError
            elif isinstance(error, SettingsError):
                kind = SettingsError
            raise kind(
                error.what,
                where=error.where,
                remedy="check USERPROFILE_SERVING_URL, and whether that database runs",
            ) from error


def open_reader(
    url: str | None,
    home: Path,
    *,
    tls: str | None = None,
    ca: str | None = None,
    query_seconds: float,
) -> ServingReader:
    """Open the serving database for reading; connects to nothing yet.

    Args:
        url: USERPROFILE_SERVING_URL with its secrets, or None for the embedded one.
        home: USERPROFILE_HOME.
        tls: USERPROFILE_SERVING_TLS, or None for its default.
        ca: USERPROFILE_SERVING_CA, or None.
        query_seconds: USERPROFILE_API_QUERY_SECONDS.

    Raises:
        SettingsError: It is no URL, its driver is missing, or it cannot keep the mode of TLS.
    """
    engine = read_engine(url, home, tls=tls, ca=ca, query_seconds=query_seconds)
    return ServingReader(engine, query_seconds=query_seconds)
