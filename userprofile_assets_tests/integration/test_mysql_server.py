"""A real MySQL 8.0: its way of logging in, its accounts, and a copy from it."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from userprofile_assets.errors import SourceError
from userprofile_assets.ingestion.table_engine import engine_for
from userprofile_assets.ingestion.table_errors import typed_errors
from userprofile_assets_tests.support.table_copies import object_path, publish_table

DRIVERS = ["pymysql", *(["mysqldb"] if find_spec("MySQLdb") else [])]
RSA_BYTES = 256  # the password, encrypted with the server's key of 2048 bits


@pytest.fixture(params=["mariadb", "mysql8"])
def server(request):
    return request.getfixturevalue(request.param)


def log_in(url, **options):
    engine = engine_for(url, **options)
    with typed_errors(engine, doing="connecting"), engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_cold_login_by_caching_sha2_password_works_in_clear_text(mysql8, faults, driver):
    proxy = faults.before("127.0.0.1", mysql8.port)
    url = mysql8.url("mysql", port=proxy.port, driver=driver)
    mysql8.execute("FLUSH PRIVILEGES")  # empties the server's cache of passwords

    log_in(url)
    log_in(url)

    cold, warm = (traffic.up for traffic in proxy.connections)
    assert cold > warm + RSA_BYTES


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_cold_login_by_caching_sha2_password_works_over_tls(mysql8, faults, driver):
    proxy = faults.before("127.0.0.1", mysql8.port)
    url = mysql8.url("mysql", port=proxy.port, driver=driver)
    mysql8.execute("FLUSH PRIVILEGES")

    log_in(url, tls="verify_identity", ca=str(mysql8.authority.ca_path))
    log_in(url, tls="verify_identity", ca=str(mysql8.authority.ca_path))

    cold, warm = (traffic.up for traffic in proxy.connections)
    assert warm < cold < warm + RSA_BYTES  # the password itself, inside of TLS


def test_an_account_with_the_older_way_of_logging_in_works(mysql8):
    mysql8.execute("DROP USER IF EXISTS old@'%'")
    mysql8.execute("CREATE USER old@'%' IDENTIFIED WITH mysql_native_password BY 'p'")

    log_in(mysql8.url("information_schema", user="old", password="p"))


def test_a_locked_account_is_permanent(server):
    server.execute("DROP USER IF EXISTS locked@'%'")
    server.execute("CREATE USER locked@'%' IDENTIFIED BY 'l0cked-s3cret' ACCOUNT LOCK")

    with pytest.raises(SourceError, match=r"\((3118|4151)") as caught:
        log_in(server.url("information_schema", user="locked", password="l0cked-s3cret"))

    assert "ACCOUNT UNLOCK" in str(caught.value)
    assert "l0cked-s3cret" not in str(caught.value)


def test_an_expired_password_is_permanent(server):
    server.execute("DROP USER IF EXISTS late@'%'")
    server.execute("CREATE USER late@'%' IDENTIFIED BY 'l4te-s3cret' PASSWORD EXPIRE")

    with pytest.raises(SourceError, match=r"\((1820|1862)") as caught:
        log_in(server.url("information_schema", user="late", password="l4te-s3cret"))

    assert "has expired" in str(caught.value)
    assert "l4te-s3cret" not in str(caught.value)


def test_a_wrong_password_is_permanent(server):
    with pytest.raises(SourceError, match="1045") as caught:
        log_in(server.url("mysql", password="wr0ng"))

    assert "wr0ng" not in str(caught.value)


def test_a_table_is_copied_from_mysql_8(mysql8, tmp_path):
    database = mysql8.fresh_database()
    mysql8.execute("CREATE TABLE users (uid INT PRIMARY KEY, name TEXT)", database=database)
    mysql8.execute("INSERT INTO users VALUES (2, '李四 😀'), (1, NULL)", database=database)

    manifest = publish_table(mysql8.url(database), into=tmp_path)

    assert object_path(tmp_path).read_text(encoding="utf-8") == "1|\\N\n2|李四 😀\n"
    assert manifest.rows == 2
