"""What a database's error means: permanent or transient, and what to do.

Belongs here: turning exceptions of SQLAlchemy and of the drivers into typed errors without
secrets. Does not belong here: the reading itself (`table_rows.py`), the numbers of MySQL's errors
(`mysql_errors.py`).
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
from userprofile_assets.ingestion.mysql_errors import mysql_error
from userprofile_assets.redaction import redact_text, redact_url

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    import sqlalchemy

MYSQL_DIALECTS = frozenset({"mysql", "mariadb"})

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
        broken = error.connection_invalidated
        raise _typed(
            error.orig or error, engine, broken=broken, doing=doing, remedy=remedy
        ) from error
    except engine.dialect.loaded_dbapi.Error as error:
        # Closing a connection resets it first, and what then fails comes as the driver raised it.
        raise _typed(error, engine, broken=True, doing=doing, remedy=remedy) from error
    except exc.SQLAlchemyError as error:
        raise SourceError(
            f"{doing} failed ({_scrubbed(str(error), engine)})",
            where=database_name(engine),
            remedy=remedy,
        ) from error
    except RuntimeError as error:
        # PyMySQL's own, at the first login with caching_sha2_password over clear text.
        if "'cryptography' package" not in str(error):
            raise
        raise SettingsError(
            f"{doing} failed: PyMySQL cannot encrypt the password ({error})",
            where=database_name(engine),
            remedy="pip install 'pymysql[rsa]'",
        ) from error
    except UnicodeError as error:
        raise _typed_unicode(error, engine, doing=doing) from None
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


def _typed_unicode(
    error: UnicodeError, engine: sqlalchemy.Engine, *, doing: str
) -> UserProfileError:
    """Tell a wrong host from a wrong text; shows neither, since each may be a secret."""
    where = database_name(engine)
    if "idna" in str(error):  # Python's sockets, of the host
        return SettingsError(
            f"{doing} failed: the host of the URL is no name of a host",
            where=where,
            remedy="correct it in USERPROFILE_MYSQL_URL",
        )
    reason = f" ({error.reason})" if isinstance(error, UnicodeDecodeError) else ""
    return SourceError(
        f"{doing} failed: a text is not in the encoding that the server says{reason}",
        where=where,
        remedy="correct the value at the source",
    )


@contextmanager
def typed_driver_errors(
    engine: sqlalchemy.Engine, driver: ModuleType, *, doing: str, remedy: str | None = None
) -> Iterator[None]:
    """Turn what a driver of MySQL raises without SQLAlchemy around it into typed errors.

    Args:
        engine: Whose database is read; for the name and the password to be cut out.
        driver: The driver's module, which has the `Error` of DB-API, such as `MySQLdb`.
        doing: What is attempted, such as "reading `users`".
        remedy: What to do about a permanent error of the SQL itself.
    """
    try:
        yield
    except driver.Error as error:
        what = f"{doing} failed ({_scrubbed(_message(error), engine)})"
        raise mysql_error(error, what, where=database_name(engine), remedy=remedy) from error


def _message(cause: BaseException) -> str:
    return ": ".join(str(part) for part in cause.args) or type(cause).__name__


def _scrubbed(text: str, engine: sqlalchemy.Engine) -> str:
    """Cut secrets out of a library's message; servers do not send the password back, usually."""
    password = engine.url.password
    text = redact_text(text)
    return text.replace(str(password), "***") if password else text


def _typed(
    cause: BaseException,
    engine: sqlalchemy.Engine,
    *,
    broken: bool,
    doing: str,
    remedy: str | None,
) -> UserProfileError:
    """Choose the type; shows the driver's message, never the statement with its parameters."""
    where = database_name(engine)
    what = f"{doing} failed ({_scrubbed(_message(cause), engine)})"
    if isinstance(cause, sqlite3.Error):
        return _typed_sqlite(cause, what, where, doing=doing, remedy=remedy)
    if engine.dialect.name in MYSQL_DIALECTS:
        return mysql_error(cause, what, where=where, remedy=remedy)
    if broken:
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
