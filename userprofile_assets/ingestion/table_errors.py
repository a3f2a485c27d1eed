"""What a database's error means: permanent or transient, and what to do.

Belongs here: turning exceptions of SQLAlchemy and of the drivers into typed errors without
secrets. Does not belong here: the reading itself (`table_source.py`).
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import unquote

from userprofile_assets.errors import (
    SettingsError,
    SourceError,
    SourceMissingError,
    SourceUnavailableError,
    UserProfileError,
)
from userprofile_assets.redaction import redact_text, redact_url

if TYPE_CHECKING:
    from collections.abc import Iterator

    import sqlalchemy

MYSQL_DIALECTS = frozenset({"mysql", "mariadb"})

# Errors of MySQL and MariaDB that may go away by themselves. Numbers from 2000 to 2999 are the
# client's; see https://mariadb.com/kb/en/mariadb-error-codes/ and MySQL's error reference.
TRANSIENT_MYSQL_ERRORS = frozenset(
    {
        1040,  # too many connections: one becomes free
        1042,  # the server could not resolve the client's host name: its DNS failed
        1043,  # bad handshake: a proxy or a server that is just starting
        1053,  # server shutdown in progress: it is restarted
        1159,  # read time-out on the network, noticed by the server
        1160,  # write error on the network, noticed by the server
        1161,  # write time-out on the network: the reader paused for longer than allowed
        1203,  # this user has its allowed number of connections open: one becomes free
        1226,  # a limit of the account is used up, such as MAX_USER_CONNECTIONS: one becomes free
        1205,  # lock wait time-out: the other transaction ends
        1213,  # deadlock: the server chose this transaction to end, and says to try again
        1317,  # query execution was interrupted: somebody's KILL QUERY
        1412,  # table definition changed since the snapshot: a new snapshot sees the new one
        1927,  # connection was killed (MariaDB)
        2002,  # no connection through the local socket: the server is restarting
        2003,  # no connection over TCP: refused, unreachable, or timed out
        2006,  # server has gone away: the connection was closed while it was idle
        2013,  # connection lost during a query, or `read_timeout` passed without a byte
        4031,  # disconnected for inactivity (MySQL 8.0.24 and later)
    }
)

_ACCESS_MYSQL_ERRORS = frozenset(
    {
        1044,  # this user may not use the database
        1045,  # wrong user or password
        1049,  # no such database
        1142,  # this user may not SELECT from the table
        1143,  # this user may not SELECT the column
        1227,  # this user lacks a privilege
        1698,  # the account does not log in by password (unix_socket plugin)
    }
)

_SQLITE_BUSY = frozenset({"SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_PROTOCOL"})
_SQLITE_NO_TEXT = re.compile(r"Could not decode to UTF-8 column '([^']*)'")


def database_name(engine: sqlalchemy.Engine) -> str:
    """Name the database of an engine for messages: no user, no password, no options."""
    path = engine.url.database or ""
    if engine.dialect.name == "sqlite":
        named = unquote(path.removeprefix("file:")) if path.startswith("file:") else path
        return named or "an SQLite database in memory"
    return redact_url(engine.url.set(query={}).render_as_string())


@contextmanager
def typed_errors(
    engine: sqlalchemy.Engine, *, doing: str, remedy: str | None = None
) -> Iterator[None]:
    """Turn what SQLAlchemy and the driver raise inside of the block into typed errors.

    Args:
        engine: Whose errors these are.
        doing: What is attempted, such as "reading `users`".
        remedy: What to do about a permanent error of the SQL itself.
    """
    from sqlalchemy import exc

    try:
        yield
    except exc.DBAPIError as error:
        raise _typed(error, engine, doing=doing, remedy=remedy) from error
    except exc.SQLAlchemyError as error:
        raise SourceError(
            f"{doing} failed ({_scrubbed(str(error), engine)})",
            where=database_name(engine),
            remedy=remedy,
        ) from error
    except UnicodeDecodeError as error:
        raise SourceError(
            f"{doing} failed: a text is not in the encoding that the server says ({error.reason})",
            where=database_name(engine),
            remedy="correct the value at the source",
        ) from error
    except TypeError as error:
        # A driver's connect() takes the options of the URL's query as keywords.
        if "unexpected keyword argument" not in str(error):
            raise
        raise SettingsError(
            f"{doing} failed: the driver does not know an option of the URL "
            f"({_scrubbed(str(error), engine)})",
            where="USERPROFILE_MYSQL_URL",
            remedy="correct what stands behind the question mark",
        ) from error


def _scrubbed(text: str, engine: sqlalchemy.Engine) -> str:
    """Cut secrets out of a library's message; servers do not send the password back, usually."""
    password = engine.url.password
    text = redact_text(text)
    return text.replace(str(password), "***") if password else text


def _typed(
    error: sqlalchemy.exc.DBAPIError, engine: sqlalchemy.Engine, *, doing: str, remedy: str | None
) -> UserProfileError:
    """Choose the type; shows the driver's message, never the statement with its parameters."""
    cause = error.orig or error
    where = database_name(engine)
    code = cause.args[0] if cause.args and isinstance(cause.args[0], int) else None
    message = ": ".join(str(part) for part in cause.args) or type(cause).__name__
    what = f"{doing} failed ({_scrubbed(message, engine)})"
    if isinstance(cause, sqlite3.Error):
        return _typed_sqlite(cause, what, where, doing=doing, remedy=remedy)
    if engine.dialect.name in MYSQL_DIALECTS and code in _ACCESS_MYSQL_ERRORS:
        return SourceError(
            what,
            where=where,
            remedy="check user, password and database in USERPROFILE_MYSQL_URL, and that the user "
            "may SELECT from the table",
        )
    # PyMySQL reports a broken stream of packets as an InternalError without a number.
    broken = error.connection_invalidated or "Packet sequence" in message
    if broken or (engine.dialect.name in MYSQL_DIALECTS and code in TRANSIENT_MYSQL_ERRORS):
        return SourceUnavailableError(
            what, where=where, remedy="check that the server runs and can be reached from here"
        )
    return SourceError(what, where=where, remedy=remedy)


def _typed_sqlite(
    cause: sqlite3.Error, what: str, where: str, *, doing: str, remedy: str | None
) -> UserProfileError:
    name = getattr(cause, "sqlite_errorname", "")
    if name.startswith("SQLITE_CANTOPEN"):
        return SourceMissingError(
            what, where=where, remedy="check the path in USERPROFILE_MYSQL_URL"
        )
    if name in _SQLITE_BUSY or name.startswith(("SQLITE_BUSY_", "SQLITE_LOCKED_")):
        return SourceUnavailableError(
            what, where=where, remedy="another process writes to the database; try again"
        )
    if no_text := _SQLITE_NO_TEXT.match(str(cause)):
        # The driver's own message quotes the value, which is somebody's data.
        return SourceError(
            f"{doing} failed: a text of column {no_text[1]} is not valid UTF-8",
            where=where,
            remedy="correct the value at the source; SQLite does not check what it stores",
        )
    return SourceError(what, where=where, remedy=remedy)
