"""One statement of a person on the serving database: it only reads, and it ends.

Belongs here: what keeps it from writing, its time, its rows. Does not belong here: printing
(`cli/query_serving.py`), the queries of the API (`reader.py`).

What guards, from the server outwards:

- **SQLite**: the file is opened with `mode=ro`, `query_only` is on, and an authorizer refuses each
  act but reading: no ATTACH (it could make a file beside), no PRAGMA but those that describe, no
  transaction. The driver runs one statement only. A text or blob is 100 MB at most.
- **MariaDB and MySQL**: the session and its transaction are READ ONLY, so that no table changes, by
  a function or `WITH ... DELETE` neither. What such a transaction lets pass is refused by its first
  word (SET GLOBAL, KILL, CALL, LOCK), `INTO OUTFILE` by that word and `/*! */` because the server
  would run what is in it. A SELECT goes through PREPARE, which takes one statement, whatever the
  driver does.

A user of the database who may only read is better than all of it: docs/analysis.md has the GRANT.
"""

from __future__ import annotations

import math
import re
import sqlite3
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from userprofile_assets.errors import (
    NotPublishedError,
    QueryRefusedError,
    QueryTooSlowError,
    RecordsError,
    RecordsUnavailableError,
    SettingsError,
    TransientError,
    UserProfileError,
)
from userprofile_assets.ingestion.table_errors import MYSQL_DIALECTS, typed_errors
from userprofile_assets.records.database import default_url
from userprofile_assets.records.engine import serving_engine
from userprofile_assets.serving.query_limits import (
    INSTRUCTIONS,
    READ_SPARE,
    has_no_database,
    has_no_table,
    is_too_slow,
    mysql_limit,
    mysql_number,
)
from userprofile_assets.serving.results import RESULTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import sqlalchemy

PLACE = "the serving database"
# Each asset of the group `serving` publishes a table of its own name.
ASSETS = tuple(RESULTS)

_MATERIALIZE = (
    "nothing is published yet: materialize the assets of the group `serving` ("
    + ", ".join(ASSETS)
    + ") for a day; `userprofile demo` does it"
)
_TABLES = (
    f"its tables are {', '.join(ASSETS)}, ads_user_cube_1d, serving_day and those of the records; "
    "the tables of Spark are read without --on serving"
)
_BATCH = 1000
# Longest text or blob of SQLite, bytes: randomblob(1e9) would take the memory.
_SQLITE_LENGTH = 100_000_000
_BUSY_SECONDS = 5

_PRAGMAS = frozenset(
    {"table_info", "table_xinfo", "table_list", "index_list", "index_info", "index_xinfo"}
)
# The first loads code, the second tells an address of this process's memory.
_UNSAFE_FUNCTIONS = frozenset({"load_extension", "fts3_tokenizer"})
_MYSQL_READ_ONLY, _MYSQL_NOT_PREPARED = 1792, 1295
# From here on the server speaks; the client's own numbers are 2000 to 2999 and come as transient.
_MYSQL_SERVER = 1000
# Access denied to a server or database, unknown database.
_MYSQL_LOGIN = frozenset({1044, 1045, 1049, 1698})

_BEFORE = re.compile(r"(?:\s|/\*.*?\*/|--[^\n]*(?:\n|$)|#[^\n]*(?:\n|$)|\()*", re.DOTALL)
_FIRST_WORD = re.compile(r"[A-Za-z]+")
_PREPARED = frozenset({"select", "with", "values", "table"})
_SHOWING = frozenset({"show", "describe", "desc", "explain"})
_RUN_COMMENT = re.compile(r"/\*M?!", re.IGNORECASE)
_OUTFILE = re.compile(r"\b(?:outfile|dumpfile)\b", re.IGNORECASE)
_BLANK = r"(?:\s|/\*.*?\*/|--[^\n]*\n|#[^\n]*\n)+"
_LOCKING = re.compile(
    rf"\bfor{_BLANK}(?:update|share)\b|\block{_BLANK}in{_BLANK}share{_BLANK}mode\b",
    re.IGNORECASE | re.DOTALL,
)


class AdHocRows:
    """The rows of a statement, read bit by bit.

    Attributes:
        names: Of the columns.
        cut: Whether there were more rows than asked for; known when all are taken.
    """

    def __init__(self, names: list[str], rows: Iterator[tuple[Any, ...]], limit: int) -> None:
        self.names = names
        self.cut = False
        self._rows = rows
        self._limit = limit

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """Yield rows, no more than the limit."""
        for number, row in enumerate(self._rows):
            if number == self._limit:
                self.cut = True
                return
            yield row


@contextmanager
def ad_hoc_query(
    url: str | None,
    home: Path,
    sql: str,
    *,
    seconds: float,
    rows: int,
    tls: str | None = None,
    ca: str | None = None,
) -> Iterator[AdHocRows]:
    """Run a statement that reads, and give its rows while the block lasts.

    Args:
        url: USERPROFILE_SERVING_URL with its secrets, or None for the embedded database.
        home: USERPROFILE_HOME.
        sql: One statement; a semicolon at its end is left out.
        seconds: After which it is cancelled, the reading of its rows included.
        rows: Most rows that are read.
        tls: USERPROFILE_SERVING_TLS, or None for its default.
        ca: USERPROFILE_SERVING_CA, or None.

    Raises:
        QueryRefusedError: It is no statement that reads, or the database does not understand it.
        QueryTooSlowError: It took longer.
        NotPublishedError: The database has no tables yet.
        SettingsError: The URL cannot be used.
        RecordsError: The database refuses.
        RecordsUnavailableError: It does not answer.
    """
    statement = sql.strip().rstrip(";").rstrip()
    if not statement:
        raise QueryRefusedError("the statement is empty", where=PLACE)
    engine = _engine(url, home, tls=tls, ca=ca, seconds=seconds)
    deadline = time.monotonic() + seconds
    try:
        with _errors(engine, seconds), engine.connect() as connection:
            cursor = _run(connection, statement, deadline=deadline, seconds=seconds)
            names = list(cursor.keys()) if cursor.returns_rows else []
            taken = _taken(cursor, deadline, seconds) if cursor.returns_rows else iter(())
            yield AdHocRows(names, taken, rows)
    finally:
        engine.dispose()


def _engine(
    url: str | None, home: Path, *, tls: str | None, ca: str | None, seconds: float
) -> sqlalchemy.Engine:
    engine = serving_engine(
        url or default_url(home), tls=tls, ca=ca, read_timeout=math.ceil(seconds) + READ_SPARE
    )
    if engine.dialect.name not in {"sqlite", *MYSQL_DIALECTS}:
        raise SettingsError(
            f"queries are not known to be safe on {engine.dialect.name}",
            where="USERPROFILE_SERVING_URL",
            remedy="use a client of that database, with a user who may only read",
        )
    return engine


def _run(
    connection: sqlalchemy.Connection, statement: str, *, deadline: float, seconds: float
) -> sqlalchemy.CursorResult[Any]:
    # no_parameters: a % in the statement is a %. Streaming: a server-side cursor.
    options: dict[str, Any] = {"no_parameters": True, "stream_results": True, "yield_per": _BATCH}
    if connection.dialect.name == "sqlite":
        _guard_sqlite(connection, deadline)
        return connection.exec_driver_sql(statement, execution_options=options)
    word = _check_mysql(statement)
    _guard_mysql(connection, seconds)
    if word in _PREPARED:
        connection.exec_driver_sql("SET @userprofile_statement = %s", (statement,))
        try:
            connection.exec_driver_sql("PREPARE userprofile_query FROM @userprofile_statement")
        except Exception as error:
            if mysql_number(getattr(error, "orig", None)) != _MYSQL_NOT_PREPARED:
                raise
        else:
            return connection.exec_driver_sql(
                "EXECUTE userprofile_query", execution_options=options
            )
    if ";" in statement:
        raise QueryRefusedError(
            "a semicolon inside of such a statement may begin another one",
            where=PLACE,
            remedy="run one statement at a time",
        )
    return connection.exec_driver_sql(statement, execution_options=options)


def _taken(
    cursor: sqlalchemy.CursorResult[Any], deadline: float, seconds: float
) -> Iterator[tuple[Any, ...]]:
    for batch in cursor.partitions(_BATCH):
        if time.monotonic() > deadline:
            raise _too_slow(seconds)
        yield from (tuple(row) for row in batch)


def _guard_sqlite(connection: sqlalchemy.Connection, deadline: float) -> None:
    driver = connection.connection.driver_connection
    if not isinstance(driver, sqlite3.Connection):
        raise SettingsError(
            "queries are guarded for Python's own driver of SQLite only",
            where="USERPROFILE_SERVING_URL",
            remedy="write sqlite:///path",
        )
    driver.execute("PRAGMA query_only = ON")
    driver.execute(f"PRAGMA busy_timeout = {_BUSY_SECONDS * 1000}")
    driver.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _SQLITE_LENGTH)
    driver.set_authorizer(_may)
    driver.set_progress_handler(lambda: time.monotonic() > deadline, INSTRUCTIONS)


def _may(act: int, first: str | None, second: str | None, *_: str | None) -> int:
    """Say whether a statement of SQLite may do something: what reads."""
    if act == sqlite3.SQLITE_FUNCTION:
        allowed = (second or "").lower() not in _UNSAFE_FUNCTIONS
    elif act == sqlite3.SQLITE_PRAGMA:
        allowed = (first or "").lower() in _PRAGMAS
    else:
        allowed = act in {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE}
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def _check_mysql(statement: str) -> str:
    """Refuse what a read-only transaction lets pass; return the first word."""
    if _RUN_COMMENT.search(statement):
        raise _refused("it has a comment whose content the server would run (/*! */)")
    if _OUTFILE.search(statement):
        raise _refused("INTO OUTFILE and INTO DUMPFILE write a file on the server")
    if _LOCKING.search(statement):
        raise _refused("it locks rows, and a publishing would wait for it")
    begin = _BEFORE.match(statement)
    word = _FIRST_WORD.match(statement, begin.end() if begin else 0)
    first = word[0].lower() if word else ""
    if first not in _PREPARED | _SHOWING:
        raise _refused(f"{first.upper() or 'this'} is no statement that only reads")
    return first


def _guard_mysql(connection: sqlalchemy.Connection, seconds: float) -> None:
    version = str(connection.exec_driver_sql("SELECT VERSION()").scalar())
    statement, limit = mysql_limit(version, seconds)
    connection.exec_driver_sql(statement, (limit,))
    connection.exec_driver_sql("SET SESSION TRANSACTION READ ONLY")
    # The driver has begun none of its own: autocommit is off, and nothing was read from a table.
    connection.exec_driver_sql("COMMIT")
    connection.exec_driver_sql("START TRANSACTION READ ONLY")


def _refused(what: str) -> QueryRefusedError:
    return QueryRefusedError(
        f"the statement is not run: {what}",
        where=PLACE,
        remedy="begin with SELECT, WITH, VALUES, SHOW, DESCRIBE or EXPLAIN, and only read",
    )


def _too_slow(seconds: float) -> QueryTooSlowError:
    return QueryTooSlowError(
        f"the statement was cancelled after {seconds:g} s",
        where=PLACE,
        remedy="ask for less, name a day (dt = '20240807') so that an index helps, or raise "
        "--seconds",
    )


@contextmanager
def _errors(engine: sqlalchemy.Engine, seconds: float) -> Iterator[None]:
    """Turn what the database says into typed errors with a remedy."""
    try:
        with typed_errors(engine, doing="the statement"):
            yield
    except sqlite3.Warning as error:  # Python 3.11; later ones raise a ProgrammingError
        raise _one_at_a_time() from error
    except (QueryRefusedError, QueryTooSlowError, SettingsError):
        raise
    except UserProfileError as error:
        cause = getattr(error.__cause__, "orig", error.__cause__)
        raise _meaning(cause, error, seconds) from error


def _meaning(cause: object, error: UserProfileError, seconds: float) -> UserProfileError:
    """Return what an error of the database means for whoever wrote the statement."""
    name, said = getattr(cause, "sqlite_errorname", ""), str(cause)
    number = mysql_number(cause)
    found: UserProfileError = RecordsError(
        error.what,
        where=error.where,
        remedy="check USERPROFILE_SERVING_URL, and whether that database runs",
    )
    if is_too_slow(cause):
        found = _too_slow(seconds)
    elif has_no_database(cause):
        found = NotPublishedError("there is no database", where=PLACE, remedy=_MATERIALIZE)
    elif has_no_table(cause):
        found = _no_table(said)
    elif "one statement at a time" in said:
        found = _one_at_a_time()
    elif _is_no_reading(name, said) or number == _MYSQL_READ_ONLY:
        found = _refused("it does more than read")
    elif _is_no_text(cause, said):
        found = QueryRefusedError(
            error.what, where=PLACE, remedy="select hex(...) of the column, or leave the row out"
        )
    elif isinstance(cause, sqlite3.ProgrammingError) and not name:
        # What Python's driver notices before SQLite sees the statement.
        found = QueryRefusedError(
            error.what,
            where=PLACE,
            remedy="correct the statement: write the values into the statement where it has ? or "
            ":name, and no NUL",
        )
    elif isinstance(error, TransientError):
        found = RecordsUnavailableError(error.what, where=error.where, remedy=error.remedy)
    elif name in {"SQLITE_ERROR", "SQLITE_TOOBIG"} or _is_of_statement(number):
        found = QueryRefusedError(error.what, where=PLACE, remedy=_TABLES)
    return found


def _is_no_text(cause: object, said: str) -> bool:
    """Tell whether a value that the database calls a text is none."""
    return isinstance(cause, UnicodeDecodeError) or said.startswith("Could not decode to UTF-8")


def _is_no_reading(name: str, said: str) -> bool:
    """Tell whether SQLite's authorizer or its read-only file refused something."""
    return name.startswith(("SQLITE_AUTH", "SQLITE_READONLY")) or (
        bool(name) and "not authorized" in said
    )


def _is_of_statement(number: int | None) -> bool:
    """Tell whether a number of MySQL is the server's answer to a statement, and not to a login."""
    return number is not None and number >= _MYSQL_SERVER and number not in _MYSQL_LOGIN


def _no_table(said: str) -> UserProfileError:
    asked = said.lower()
    if any(asset in asked for asset in ASSETS) or "serving_day" in asked:
        return NotPublishedError(
            f"there are no such tables ({said})", where=PLACE, remedy=_MATERIALIZE
        )
    return QueryRefusedError(
        f"there is no such table ({said})",
        where=PLACE,
        remedy=_TABLES,
    )


def _one_at_a_time() -> QueryRefusedError:
    return QueryRefusedError(
        "there is more than one statement", where=PLACE, remedy="run one statement at a time"
    )
