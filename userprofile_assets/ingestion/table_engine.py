"""The engine that tables are read with: driver, time-outs, TLS; it opens no connection.

Belongs here: what the URL and the settings mean for SQLAlchemy and its drivers. Does not belong
here: the reading (`table_rows.py`), TLS modes (`mysql_tls.py`), what an error means
(`table_errors.py`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from userprofile_assets.errors import SettingsError
from userprofile_assets.ingestion.mysql_tls import tls_arguments, tls_mode
from userprofile_assets.ingestion.table_errors import MYSQL_DIALECTS

if TYPE_CHECKING:
    import sqlalchemy

_URL_VARIABLE = "USERPROFILE_MYSQL_URL"
_LAST_PORT = 65535  # sockets take the last 16 bits of a larger one

# Packages whose name is not the module's, for the message when a driver is not installed.
_PACKAGES = {
    "MySQLdb": "mysqlclient",
    "psycopg2": "psycopg2-binary",
    "psycopg": "psycopg[binary]",
    "mysql": "mysql-connector-python",
}

# Drivers whose connect() takes connect_timeout, read_timeout and charset.
_MYSQL_DRIVERS = frozenset({"pymysql", "mysqldb"})


def engine_for(
    url: str,
    *,
    connect_timeout: int = 10,
    read_timeout: int = 600,
    tls: str | None = None,
    ca: str | None = None,
    writable: bool = False,
    pool_size: int = 0,
) -> sqlalchemy.Engine:
    """Make an engine that never waits for ever; opens no connection.

    Args:
        url: SQLAlchemy URL, secrets included. An SQLite file is opened read only, so a missing
            file is an error and not a new empty database.
        connect_timeout: Seconds to wait for a connection, and for each answer while logging in
            (MySQL). The URL's query may set its own.
        read_timeout: Seconds to wait for the next bytes of an answer (MySQL), the sort of an
            ORDER BY included. The URL's query may set its own.
        tls: USERPROFILE_MYSQL_TLS (see `mysql_tls.tls_mode`), or None for its default.
        ca: USERPROFILE_MYSQL_CA, or None.
        writable: Whether an SQLite file is opened for writing too, and made if it is missing; and
            whether PyMySQL tells the server that it may ask for rows (`serving/bulk_mysql.py`).
        pool_size: Connections that are kept open for the next who needs one; 0: none.

    Raises:
        SettingsError: It is no URL, the driver that it names is not installed, or it does not
            keep the mode of TLS.
    """
    import sqlalchemy

    parsed, driver = _parsed(url)
    options: dict[str, Any] = {}
    mysql = parsed.get_backend_name() in MYSQL_DIALECTS
    if mysql:
        options = tls_arguments(driver, tls_mode(parsed, tls, ca), ca)
    elif tls or ca:
        raise SettingsError(
            f"MySQL's TLS settings mean nothing for {parsed.drivername!r}",
            where="USERPROFILE_MYSQL_TLS" if tls else "USERPROFILE_MYSQL_CA",
            remedy="remove them, or correct USERPROFILE_MYSQL_URL",
        )
    if mysql and driver in _MYSQL_DRIVERS:
        timeouts = {"connect_timeout": connect_timeout, "read_timeout": read_timeout}
        options |= {name: value for name, value in timeouts.items() if name not in parsed.query}
        options["charset"] = "utf8mb4"
    if parsed.get_backend_name() == "sqlite" and not writable:
        parsed = _read_only(parsed)
    # NullPool: an export holds one connection for minutes and needs it once a day, so a kept one
    # would only be found dead.
    pool: dict[str, Any] = {"poolclass": sqlalchemy.NullPool}
    if pool_size:
        pool = {"poolclass": sqlalchemy.QueuePool, "pool_size": pool_size, "max_overflow": 0}
    try:
        # hide_parameters: no value of a row in a message.
        engine = sqlalchemy.create_engine(
            parsed, connect_args=options, hide_parameters=True, **pool
        )
    except ModuleNotFoundError as error:
        module = (error.name or str(error)).partition(".")[0]
        raise SettingsError(
            f"the driver of {parsed.drivername!r} is not installed (no module {module})",
            where=_URL_VARIABLE,
            remedy=f"pip install {_PACKAGES.get(module, module)}"
            + (", or write mysql+pymysql://..." if module == "MySQLdb" else ""),
        ) from None
    if engine.dialect.is_async:
        raise SettingsError(
            f"{parsed.drivername!r} is an asynchronous driver, which is not supported",
            where=_URL_VARIABLE,
            remedy="write mysql+pymysql://...",
        )
    if mysql and driver == "pymysql":
        _adapt_pymysql(engine, sends_rows=writable)
    return engine


def _parsed(url: str) -> tuple[sqlalchemy.URL, str]:
    """Return the parsed URL and the name of its driver."""
    import sqlalchemy
    from sqlalchemy import exc

    try:
        parsed = sqlalchemy.make_url(url)
        driver = parsed.get_dialect().driver
    except exc.NoSuchModuleError:
        raise SettingsError(
            f"no driver is known for {parsed.drivername!r}",
            where=_URL_VARIABLE,
            remedy="write mysql+pymysql://..., or install the package that brings this dialect",
        ) from None
    except (exc.ArgumentError, ValueError):
        # Not chained: the parser's message quotes what it could not read, a password at worst.
        raise SettingsError(
            "it is no URL of a database",
            where=_URL_VARIABLE,
            remedy="write it as mysql+pymysql://user:password@host:3306/database; "
            "quote / : @ # and ? in the password as %2F %3A %40 %23 %3F",
        ) from None
    if parsed.port is not None and not 0 < parsed.port <= _LAST_PORT:
        raise SettingsError(
            f"{parsed.port} is no port", where=_URL_VARIABLE, remedy="write 1 to 65535, or none"
        )
    return parsed, driver


def _adapt_pymysql(engine: sqlalchemy.Engine, *, sends_rows: bool) -> None:
    """Wait for answers during the login no longer than for the connection; offer LOAD DATA LOCAL.

    PyMySQL's option `local_infile` offers that too, and then sends any file that the server names.
    Without the option it refuses whatever it is asked for.

    PyMySQL's connect_timeout ends with the TCP connection. A server that takes it and says nothing
    (a full backlog, a black hole behind a load balancer) would be waited for with read_timeout,
    which has to be long enough for a sort.
    """
    from sqlalchemy import event

    @event.listens_for(engine, "do_connect")
    def shorten(dialect: Any, record: Any, arguments: Any, options: dict[str, Any]) -> Any:
        del record
        if sends_rows:
            from pymysql.constants import CLIENT

            options["client_flag"] = options.get("client_flag", 0) | CLIENT.LOCAL_FILES
        # No argument does it: the connection is set up before it is opened.
        connection = dialect.dbapi.connect(*arguments, **options, defer_connect=True)
        read_timeout = connection._read_timeout  # noqa: SLF001 - it has no public name
        waits = [seconds for seconds in (read_timeout, connection.connect_timeout) if seconds]
        connection._read_timeout = min(waits, default=None)  # noqa: SLF001 - as above
        connection.connect()
        connection._read_timeout = read_timeout  # noqa: SLF001 - as above
        return connection


def _read_only(url: sqlalchemy.URL) -> sqlalchemy.URL:
    """Have SQLite open the file read only, by a file: URI (https://sqlite.org/uri.html)."""
    path = url.database
    if not path or path == ":memory:":
        return url
    if not path.startswith("file:"):
        path = "file:" + quote(str(Path(path).absolute()))
    return url.set(database=path).update_query_dict({"mode": "ro", "uri": "true"})
