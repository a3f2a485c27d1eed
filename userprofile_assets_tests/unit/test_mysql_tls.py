"""Which mode of TLS applies, and what drivers are told."""

from __future__ import annotations

import ssl

import pytest

from userprofile_assets.errors import SettingsError
from userprofile_assets.ingestion.mysql_tls import (
    is_local,
    keeps,
    tls_arguments,
    tls_context,
    tls_mode,
)
from userprofile_assets.ingestion.table_engine import engine_for
from userprofile_assets_tests.support.certificates import Authority


def url(text):
    import sqlalchemy

    return sqlalchemy.make_url(text)


@pytest.mark.parametrize(
    ("host", "local"),
    [
        (None, True),
        ("", True),
        ("localhost", True),
        ("LOCALHOST.", True),
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("[::1]", True),
        ("::ffff:127.0.0.1", True),
        ("0.0.0.0", False),
        ("10.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("localhost.example", False),
        ("127.0.0.1.example", False),
        ("db.example", False),
    ],
)
def test_only_loopback_is_local(host, local):
    assert is_local(host) is local


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        pytest.param("mysql+pymysql://u@127.0.0.1/db", "disabled", id="loopback"),
        pytest.param("mysql+pymysql://u@/db", "disabled", id="no host"),
        pytest.param("mysql+pymysql://u@/db?unix_socket=/run/s", "disabled", id="socket"),
        pytest.param("mysql+pymysql://u@db.example/db", "verify_identity", id="another host"),
        pytest.param(
            "mysql+pymysql://u@127.0.0.1/db?host=db.example", "verify_identity", id="host in query"
        ),
        pytest.param(
            "mysql+pymysql://u@/db?read_default_file=/etc/my.cnf", "verify_identity", id="file"
        ),
    ],
)
def test_the_default_mode_follows_from_the_host(text, mode):
    assert tls_mode(url(text)) == mode


def test_an_authority_is_never_ignored():
    assert tls_mode(url("mysql+pymysql://u@127.0.0.1/db"), None, "ca.pem") == "verify_identity"
    for mode in ("disabled", "required"):
        with pytest.raises(SettingsError, match="would be ignored"):
            tls_mode(url("mysql+pymysql://u@db.example/db"), mode, "ca.pem")


def test_an_unknown_mode_names_those_that_exist():
    with pytest.raises(SettingsError, match="disabled, required, verify_ca, verify_identity"):
        tls_mode(url("mysql+pymysql://u@db.example/db"), "preferred")


@pytest.mark.parametrize("option", ["ssl_ca=/ca.pem", "ssl_disabled=1", "ssl_mode=REQUIRED"])
def test_options_about_tls_in_the_url_are_refused(option):
    with pytest.raises(SettingsError, match="USERPROFILE_MYSQL_TLS") as caught:
        engine_for(f"mysql+pymysql://u:s3cret@127.0.0.1/db?{option}")

    assert option.partition("=")[0] in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("name", ["missing", "empty", "directory"])
def test_an_authority_that_cannot_be_used_is_named(tmp_path, name):
    path = tmp_path / name
    if name == "empty":
        path.write_text("no certificate\n")
    elif name == "directory":
        path.mkdir()

    with pytest.raises(SettingsError, match="USERPROFILE_MYSQL_CA") as caught:
        engine_for("mysql+pymysql://u@db.example/db", ca=str(path))

    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("mode", "verify", "name"),
    [
        ("required", ssl.CERT_NONE, False),
        ("verify_ca", ssl.CERT_REQUIRED, False),
        ("verify_identity", ssl.CERT_REQUIRED, True),
    ],
)
def test_each_mode_has_its_context(tmp_path, mode, verify, name):
    ca = Authority(tmp_path).ca_path

    context = tls_context(mode, None if mode == "required" else str(ca))

    assert (context.verify_mode, context.check_hostname) == (verify, name)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_each_driver_is_told_in_its_own_way(tmp_path):
    ca = str(Authority(tmp_path).ca_path)

    assert tls_arguments("pymysql", "disabled") == {"ssl_disabled": True}
    assert tls_arguments("mysqldb", "disabled") == {"ssl_mode": "DISABLED"}
    assert tls_arguments("asyncmy", "disabled") == {}
    assert tls_arguments("mysqldb", "verify_identity", ca) == {
        "ssl_mode": "VERIFY_IDENTITY",
        "ssl": {"ca": ca},
    }
    for driver in ("pymysql", "asyncmy"):
        assert isinstance(tls_arguments(driver, "verify_identity", ca)["ssl"], ssl.SSLContext)


def test_an_unknown_driver_keeps_clear_text_only():
    assert tls_arguments("mysqlconnector", "disabled") == {}
    assert not keeps("mysqlconnector", "required")
    with pytest.raises(SettingsError, match="mysqlconnector does not keep verify_identity"):
        tls_arguments("mysqlconnector", "verify_identity")


def test_an_older_pymysql_is_refused(monkeypatch):
    monkeypatch.setattr("pymysql.VERSION", (1, 1, 2, "final"))

    assert tls_arguments("pymysql", "disabled") == {"ssl_disabled": True}
    with pytest.raises(SettingsError, match="goes on in clear text"):
        tls_arguments("pymysql", "required")


def test_another_database_has_no_use_for_the_settings(tmp_path):
    with pytest.raises(SettingsError, match="mean nothing for 'sqlite'"):
        engine_for(f"sqlite:///{tmp_path / 'a.sqlite'}", tls="required")
