"""What the numbers and the texts of MySQL's drivers mean."""

from __future__ import annotations

import socket
import ssl

import pymysql  # noqa: TID253 - the test makes its errors
import pytest

from userprofile_assets.errors import (
    PermanentError,
    SettingsError,
    SourceError,
    SourceUnavailableError,
)
from userprofile_assets.ingestion.mysql_errors import mysql_error
from userprofile_assets.ingestion.table_engine import engine_for
from userprofile_assets.ingestion.table_errors import typed_driver_errors, typed_errors

OperationalError = pymysql.err.OperationalError


def typed(cause):
    return mysql_error(cause, "reading failed", where="db", remedy="check the condition")


def caught_by_pymysql(original):
    """What PyMySQL raises for an error of the network before the login."""
    error = OperationalError(2003, f"Can't connect to MySQL server on 'db' ({original})")
    error.original_exception = original
    return error


@pytest.mark.parametrize("host", ["db..example.com", f"{'a' * 64}.example"])
def test_a_host_that_is_none_is_an_error_of_the_setting(host):
    engine = engine_for(f"mysql+pymysql://u:s3cret@{host}/w", tls="disabled")
    with (
        pytest.raises(SettingsError, match="the host of the URL is no name of a host") as caught,
        typed_errors(engine, doing="connecting"),
    ):
        engine.connect()
    assert "USERPROFILE_MYSQL_URL" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_port_that_is_none_is_an_error_of_the_setting():
    with pytest.raises(SettingsError, match="99999 is no port") as caught:
        engine_for("mysql+pymysql://u:s3cret@db:99999/w")
    assert "USERPROFILE_MYSQL_URL" in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("cause", "remedy"),
    [
        (OperationalError(1040, "Too many connections"), "max_connections"),
        (OperationalError(1053, "Server shutdown in progress"), "server runs"),
        (OperationalError(1203, "max_user_connections"), "raise its limit"),
        (OperationalError(1226, "has exceeded the max_user_connections"), "one of its limits"),
        (OperationalError(1412, "Table definition has changed"), "a new snapshot"),
        (OperationalError(1927, "Connection was killed"), "server runs"),
        (OperationalError(1969, "max_statement_time exceeded"), "max_statement_time"),
        (OperationalError(2005, "Unknown server host"), "DNS"),
        (OperationalError(2006, "Server has gone away"), "server runs"),
        (OperationalError(2013, "Lost connection"), "server runs"),
        (OperationalError(2014, "Commands out of sync"), "server runs"),
        (OperationalError(2026, "TLS/SSL error: unexpected eof while reading"), "server runs"),
        (OperationalError(3024, "maximum statement execution time"), "max_execution_time"),
        (pymysql.err.InternalError("Packet sequence number wrong - got 1 expected 2"), "runs"),
        (pymysql.err.InterfaceError(0, ""), "server runs"),
        (caught_by_pymysql(ConnectionRefusedError(111, "refused")), "server runs"),
        (caught_by_pymysql(socket.gaierror(-2, "Name or service not known")), "DNS"),
        (caught_by_pymysql(ssl.SSLEOFError(8, "EOF occurred")), "server runs"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, Exception) else "",
)
def test_what_may_go_away_by_itself_is_transient(cause, remedy):
    error = typed(cause)

    assert isinstance(error, SourceUnavailableError)
    assert remedy in str(error.remedy)


@pytest.mark.parametrize(
    ("cause", "remedy"),
    [
        (OperationalError(1044, "Access denied to database"), "USERPROFILE_MYSQL_URL"),
        (OperationalError(1045, "Access denied"), "USERPROFILE_MYSQL_URL"),
        (OperationalError(1049, "Unknown database"), "USERPROFILE_MYSQL_URL"),
        (OperationalError(1130, "Host is not allowed"), "USERPROFILE_MYSQL_URL"),
        (OperationalError(1129, "Host is blocked"), "FLUSH HOSTS"),
        (OperationalError(1820, "You must reset your password"), "new password"),
        (OperationalError(1862, "Your password has expired"), "new password"),
        (OperationalError(3118, "Account is locked"), "ACCOUNT UNLOCK"),
        (OperationalError(3159, "insecure transport are prohibited"), "USERPROFILE_MYSQL_TLS"),
        (OperationalError(2026, "SSL is required but"), "USERPROFILE_MYSQL_TLS"),
        (OperationalError(2061, "requires secure connection"), "USERPROFILE_MYSQL_TLS"),
        (
            caught_by_pymysql(ssl.SSLCertVerificationError(1, "self-signed certificate")),
            "USERPROFILE_MYSQL_CA",
        ),
        (caught_by_pymysql(ssl.SSLError(1, "no protocols available")), "USERPROFILE_MYSQL_TLS"),
        (OperationalError(1290, "running with the --read-only option"), "check the condition"),
        (pymysql.err.ProgrammingError(1064, "error in your SQL syntax"), "check the condition"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, Exception) else "",
)
def test_what_somebody_has_to_change_is_permanent(cause, remedy):
    error = typed(cause)

    assert isinstance(error, SourceError)
    assert isinstance(error, PermanentError)
    assert remedy in str(error.remedy)


def test_a_drivers_own_error_is_typed_without_the_password():
    engine = engine_for("mysql+pymysql://u:s3cret@127.0.0.1/db")

    with (
        pytest.raises(SourceUnavailableError, match="reading failed") as caught,
        typed_driver_errors(engine, pymysql, doing="reading"),
    ):
        raise OperationalError(2013, "Lost connection of s3cret")

    assert "s3cret" not in str(caught.value)
