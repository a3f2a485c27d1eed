"""What the errors of MySQL, MariaDB and their drivers mean: permanent or transient, and what to do.

Belongs here: error numbers, and what drivers say without a number. Does not belong here: catching
them (`table_errors.py`).

Numbers from 2000 to 2999 are the client's. PyMySQL, mysqlclient and asyncmy share them, but not
their use: a connection that breaks off is 2013, 2003, 2006, 2014 or an InternalError without a
number. References: https://mariadb.com/kb/en/mariadb-error-codes/ and MySQL's error reference.
"""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

from userprofile_assets.errors import SourceError, SourceUnavailableError
from userprofile_assets.ingestion.mysql_tls import CA_VARIABLE, TLS_VARIABLE

if TYPE_CHECKING:
    from userprofile_assets.errors import UserProfileError

TRANSIENT_MYSQL_ERRORS = frozenset(
    {
        1040,  # too many connections: one becomes free
        1041,  # the server is out of memory
        1042,  # the server could not resolve the client's host name: its DNS failed
        1043,  # bad handshake: a proxy or a server that is just starting
        1053,  # server shutdown in progress: it is restarted
        1135,  # the server cannot create a thread
        1152,  # aborted connection
        1158,  # read error on the network, noticed by the server
        1159,  # read time-out on the network, noticed by the server
        1160,  # write error on the network, noticed by the server
        1161,  # write time-out on the network: the reader paused for longer than allowed
        1184,  # aborted connection, while it was made
        1203,  # this user has its allowed number of connections open: one becomes free
        1205,  # lock wait time-out: the other transaction ends
        1213,  # deadlock: the server chose this transaction to end, and says to try again
        1226,  # a limit of the account is used up, such as MAX_USER_CONNECTIONS: one becomes free
        1317,  # query execution was interrupted: somebody's KILL QUERY
        1412,  # table definition changed since the snapshot: a new snapshot sees the new one
        1927,  # connection was killed (MariaDB)
        1969,  # max_statement_time is over (MariaDB): the server may be less busy next time
        2002,  # no connection through the local socket: the server is restarting
        2003,  # no connection over TCP: refused, unreachable, timed out, or no such name
        2005,  # the host's name could not be resolved (mysqlclient): DNS failed, or it is wrong
        2006,  # server has gone away: the connection was closed while it was idle
        2012,  # the server's greeting broke off
        2013,  # connection lost during a query, or `read_timeout` passed without a byte
        2014,  # commands out of sync: what mysqlclient says on a connection that broke before
        2027,  # malformed packet: bytes were lost on the way
        2055,  # connection lost, with the system's error
        3024,  # max_execution_time is over (MySQL)
        3032,  # the server is in offline mode
        3168,  # the server is not available
        4031,  # disconnected for inactivity (MySQL 8.0.24 and later)
    }
)

_ACCOUNT_ERRORS = frozenset(
    {
        1044,  # this user may not use the database
        1045,  # wrong user or password; MariaDB: also clear text where TLS is demanded
        1049,  # no such database
        1130,  # no account may log in from this host
        1142,  # this user may not SELECT from the table
        1143,  # this user may not SELECT the column
        1227,  # this user lacks a privilege
        1698,  # the account does not log in by password (unix_socket plugin)
    }
)

# Permanent errors whose remedy is not at the SQL.
_REMEDIES = {
    **dict.fromkeys(
        _ACCOUNT_ERRORS,
        "check user, password and database in USERPROFILE_MYSQL_URL, and that the user may SELECT "
        f"from the table; if the server or the account demands TLS, set {TLS_VARIABLE}",
    ),
    # An expired password: the second is said at the login, the first at the first statement.
    **dict.fromkeys(
        (1820, 1862), "give the account a new password: the server says that it has expired"
    ),
    # Locked by ALTER USER (MySQL, MariaDB), or for failed logins (MySQL).
    **dict.fromkeys((3118, 4151, 3955), "have the account unlocked: ALTER USER ... ACCOUNT UNLOCK"),
    1298: "set USERPROFILE_USER_TIMESTAMP_ZONE to an offset that the server knows: MySQL -13:59 to "
    "+14:00, MariaDB -12:59 to +13:00",
    1129: "too many connections from here broke off; FLUSH HOSTS at the server admits this host",
    # The client lacks, or may not use, the account's way of logging in.
    **dict.fromkeys(
        (1251, 2058, 2059, 2061),
        "let the account log in by caching_sha2_password or mysql_native_password, "
        f"or encrypt the connection by {TLS_VARIABLE}",
    ),
    3159: f"the server admits encrypted connections only: set {TLS_VARIABLE} to verify_identity",
}

_TLS_REMEDY = (
    f"check that {CA_VARIABLE} is the authority of the server's certificate, and that the "
    "certificate names the host in USERPROFILE_MYSQL_URL; a server that offers no TLS needs "
    f"{TLS_VARIABLE}=disabled, which sends everything in clear text"
)
_TRANSIENT_REMEDY = "check that the server runs and can be reached from here"
_BUSY_REMEDIES = {
    1040: "the server has as many connections as it may have; raise max_connections, or wait",
    1203: "the account has as many connections as it may have; raise its limit, or wait",
    1226: "the account has used up one of its limits; raise it, or wait",
    1412: "the table was altered during the copy; a new try takes a new snapshot",
    1969: "raise max_statement_time for this account, or copy at a quieter time",
    3024: "raise max_execution_time for this account, or copy at a quieter time",
    2005: "check the host in USERPROFILE_MYSQL_URL, and DNS",
}

# What mysqlclient says with 2026 when the connection, not the certificate, was at fault.
_BROKEN_HANDSHAKE = ("unexpected eof", "reset by peer", "timed out", "broken pipe", "(104)")
_NO_TLS = 2026


def _code(cause: BaseException) -> int | None:
    return cause.args[0] if cause.args and isinstance(cause.args[0], int) else None


def _original(cause: BaseException) -> BaseException | None:
    """Return what the driver caught: PyMySQL reports all that fails before the login as 2003."""
    return getattr(cause, "original_exception", None) or cause.__cause__


def _is_tls_refusal(cause: BaseException, code: int | None, message: str) -> bool:
    """Tell whether the two sides could not agree on TLS, in contrast to a handshake that broke."""
    if code == _NO_TLS:
        return not any(sign in message.lower() for sign in _BROKEN_HANDSHAKE)
    original = _original(cause)
    return isinstance(original, ssl.SSLError) and not isinstance(
        original, ssl.SSLEOFError | ssl.SSLZeroReturnError
    )


def mysql_error(
    cause: BaseException, what: str, *, where: str, remedy: str | None
) -> UserProfileError:
    """Choose the type of a driver's error.

    Args:
        cause: What PyMySQL, mysqlclient or asyncmy raised.
        what: The sentence for the message, already without secrets.
        where: The database, without secrets.
        remedy: What to do about an error of the SQL itself.
    """
    code = _code(cause)
    message = str(cause)
    if _is_tls_refusal(cause, code, message):
        return SourceError(what, where=where, remedy=_TLS_REMEDY)
    # A broken stream of packets has no number, nor has the use of a connection that is gone.
    broken = "Packet sequence" in message or (
        code == 0 and type(cause).__name__ == "InterfaceError"
    )
    if broken or code == _NO_TLS or code in TRANSIENT_MYSQL_ERRORS:
        if isinstance(_original(cause), socket.gaierror):
            code = 2005
        advice = _BUSY_REMEDIES.get(code or 0, _TRANSIENT_REMEDY)
        return SourceUnavailableError(what, where=where, remedy=advice)
    return SourceError(what, where=where, remedy=_REMEDIES.get(code or 0, remedy))
