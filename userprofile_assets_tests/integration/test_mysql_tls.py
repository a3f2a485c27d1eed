"""TLS to MariaDB and MySQL: each mode against each way in which it can be wrong."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from userprofile_assets.errors import SettingsError, SourceError, SourceUnavailableError
from userprofile_assets.ingestion.mysql_tls import keeps
from userprofile_assets.ingestion.table_engine import engine_for
from userprofile_assets.ingestion.table_errors import typed_errors
from userprofile_assets_tests.support.sql_server import PASSWORD, USER

CLIENT_SSL = 0x0800
STRANGE_ADDRESS = "127.0.0.2"  # loopback, and in no certificate
MODES = ["disabled", "required", "verify_ca", "verify_identity"]


DRIVERS = ["pymysql", *(["mysqldb"] if find_spec("MySQLdb") else [])]


def kept(*modes):
    """Return the pairs of a driver and a mode that it keeps; others are refused beforehand."""
    pairs = [(driver, mode) for driver in DRIVERS for mode in modes if keeps(driver, mode)]
    return pytest.mark.parametrize(("driver", "mode"), pairs)


@pytest.fixture(params=["mariadb", "mysql8"])
def server(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(params=["mariadb_without_tls", "mysql8_without_tls"])
def bare_server(request):
    return request.getfixturevalue(request.param)


def cipher(url, *, tls, ca=None):
    """Connect and return the cipher that the server sees; empty for clear text."""
    engine = engine_for(url, tls=tls, ca=str(ca) if ca else None)
    with typed_errors(engine, doing="connecting"), engine.connect() as connection:
        ((_, name),) = connection.exec_driver_sql("SHOW STATUS LIKE 'Ssl_cipher'").all()
    return name


def without_tls(greeting):
    """Take the flag for TLS out of a server's greeting, as a man in the middle does."""
    version_ends = greeting.index(b"\0", 5)
    at = version_ends + 1 + 4 + 8 + 1  # connection id, half of the challenge, a filler
    flags = int.from_bytes(greeting[at : at + 2], "little")
    assert flags & CLIENT_SSL
    return greeting[:at] + (flags & ~CLIENT_SSL).to_bytes(2, "little") + greeting[at + 2 :]


def authority_of(server, mode):
    return server.authority.ca_path if mode.startswith("verify") else None


@kept(*MODES)
def test_the_right_authority_and_name_are_accepted(server, mode, driver):
    url = server.url("mysql", driver=driver)

    used = cipher(url, tls=mode, ca=authority_of(server, mode))

    assert (used == "") == (mode == "disabled")


@kept("verify_ca", "verify_identity")
def test_a_wrong_authority_is_refused(server, other_authority, mode, driver):
    with pytest.raises(SourceError, match=r"(?i)certificate") as caught:
        cipher(server.url("mysql", driver=driver), tls=mode, ca=other_authority.ca_path)

    assert "USERPROFILE_MYSQL_CA" in str(caught.value)
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_certificate_that_no_authority_of_the_system_issued_is_refused(server, driver):
    with pytest.raises(SourceError, match=r"(?i)certificate"):
        cipher(server.url("mysql", driver=driver), tls="verify_identity")


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_wrong_host_name_is_refused_by_verify_identity(server, faults, driver):
    proxy = faults.before("127.0.0.1", server.port, at=STRANGE_ADDRESS)
    url = server.url("mysql", host=proxy.host, port=proxy.port, driver=driver)

    with pytest.raises(SourceError, match=r"(?i)certificate") as caught:
        cipher(url, tls="verify_identity", ca=server.authority.ca_path)

    assert len(proxy.connections) == 1
    assert USER.encode() not in proxy.connections[0].heard
    assert "names the host" in str(caught.value)


@pytest.mark.parametrize("mode", ["required", "verify_ca"])
def test_a_wrong_host_name_is_accepted_by_the_modes_that_do_not_look_at_it(server, faults, mode):
    proxy = faults.before("127.0.0.1", server.port, at=STRANGE_ADDRESS)
    url = server.url("mysql", host=proxy.host, port=proxy.port)

    assert cipher(url, tls=mode, ca=authority_of(server, mode)).startswith("TLS_")
    assert len(proxy.connections) == 1


@kept(*MODES[1:])
def test_a_server_without_tls_is_refused(bare_server, mode, driver):
    with pytest.raises(SourceError, match="2026") as caught:
        cipher(
            bare_server.url("mysql", driver=driver),
            tls=mode,
            ca=authority_of(bare_server, mode),
        )

    assert "USERPROFILE_MYSQL_TLS" in str(caught.value)


@kept(*MODES[1:])
def test_a_man_in_the_middle_who_takes_tls_away_hears_nothing(server, faults, mode, driver):
    proxy = faults.before("127.0.0.1", server.port)
    proxy.rewrite(without_tls)

    with pytest.raises(SourceError, match="2026"):
        cipher(
            server.url("mysql", port=proxy.port, driver=driver),
            tls=mode,
            ca=authority_of(server, mode),
        )

    assert proxy.fired == 1
    assert proxy.connections[0].heard == b""


def test_the_man_in_the_middle_hears_the_user_when_nothing_is_set_in_the_driver(server, faults):
    """Why the settings exist, and that the rewriting of the test above works."""
    import pymysql

    proxy = faults.before("127.0.0.1", server.port)
    proxy.rewrite(without_tls)

    with pymysql.connect(host=proxy.host, port=proxy.port, user=USER, password=PASSWORD):
        pass

    assert USER.encode() in proxy.connections[0].heard


@pytest.mark.parametrize("mode", ["required", "verify_ca"])
def test_mysqlclient_is_refused_where_it_does_not_keep_the_mode(server, mode):
    with pytest.raises(SettingsError, match=f"does not keep {mode}"):
        engine_for(server.url("mysql", driver="mysqldb"), tls=mode, ca=authority_of(server, mode))


def test_a_server_that_demands_tls_names_the_setting(server):
    # MySQL says so (3159); MariaDB speaks of a wrong password.
    server.execute("SET GLOBAL require_secure_transport = ON")
    try:
        with pytest.raises(SourceError, match=r"3159|1045") as caught:
            cipher(server.url("mysql"), tls="disabled")
    finally:
        with engine_for(server.url("mysql"), tls="required").connect() as connection:
            connection.exec_driver_sql("SET GLOBAL require_secure_transport = OFF")

    assert "USERPROFILE_MYSQL_TLS" in str(caught.value)


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_connection_that_breaks_in_the_handshake_is_transient(server, faults, driver):
    proxy = faults.before("127.0.0.1", server.port)
    url = server.url("mysql", port=proxy.port, driver=driver)
    assert cipher(url, tls="verify_identity", ca=server.authority.ca_path)
    greeting = len(server_greeting(server))
    proxy.cut_after(greeting + 200, times=1)

    with pytest.raises(SourceUnavailableError):
        cipher(url, tls="verify_identity", ca=server.authority.ca_path)

    assert proxy.fired == 1
    assert cipher(url, tls="verify_identity", ca=server.authority.ca_path)


def server_greeting(server):
    import socket

    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as client:
        return client.recv(4096)


def test_the_default_on_loopback_is_clear_text_and_another_host_is_verified(server):
    assert cipher(server.url("mysql"), tls=None) == ""

    # A name is another host, whatever it resolves to.
    engine = engine_for(server.url("mysql", host="db.example"))
    (_, options) = engine.dialect.create_connect_args(engine.url)
    assert options["host"] == "db.example"


def test_an_authority_alone_turns_verification_on(server, other_authority):
    assert cipher(server.url("mysql"), tls=None, ca=server.authority.ca_path)

    with pytest.raises(SourceError, match=r"(?i)certificate"):
        cipher(server.url("mysql"), tls=None, ca=other_authority.ca_path)
