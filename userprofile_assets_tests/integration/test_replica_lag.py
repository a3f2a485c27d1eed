"""The lag of a real replica: two MariaDB servers with real replication between them."""

from __future__ import annotations

import dataclasses
import time

import pytest

from userprofile_assets.errors import SettingsError, SourceError, SourceUnavailableError
from userprofile_assets_tests.support.mariadb import PASSWORD, USER, MariaDB
from userprofile_assets_tests.support.sql_server import started
from userprofile_assets_tests.support.table_copies import USERS, object_path, publish_table

pytestmark = pytest.mark.usefixtures("three_tries")

ASKED = dataclasses.replace(USERS, replica_lag=60)
DATABASE = "replicated"


def status(replica):
    """Return what the replica says of its only channel."""
    import pymysql

    with replica.connect() as connection, connection.cursor(pymysql.cursors.DictCursor) as cursor:
        cursor.execute("SHOW SLAVE STATUS")
        return cursor.fetchone()


def until(condition, what):
    """Wait until a condition holds, and fail the test if it does not."""
    deadline = time.monotonic() + 120
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited for {what}")
        time.sleep(0.01)  # between two looks at a condition


@pytest.fixture(scope="module")
def primary():
    """A primary of its own: the position in its log is that of its replica's tests alone."""
    # Rows: a statement's event carries how long it took as well, which makes it one of now.
    options = ["--log-bin=binlog", "--server-id=11", "--binlog-format=ROW"]
    with started(MariaDB, tls=False, options=options) as server:
        yield server


@pytest.fixture(scope="module")
def second(primary):
    """A replica of the primary, which has applied a table."""
    with started(MariaDB, tls=False, options=["--server-id=12"]) as server:
        file, position, *_ = primary.execute("SHOW MASTER STATUS")[0]
        server.execute(
            "CHANGE MASTER TO master_host='127.0.0.1', master_port=%s, master_user=%s, "
            "master_password=%s, master_log_file=%s, master_log_pos=%s, master_connect_retry=1",
            (primary.port, USER, PASSWORD, file, position),
        )
        server.execute("START SLAVE")
        primary.execute(f"CREATE DATABASE {DATABASE}")
        primary.execute("CREATE TABLE users (uid INT PRIMARY KEY, name CHAR(1))", database=DATABASE)
        primary.execute("INSERT INTO users VALUES (1, 'a'), (2, 'b')", database=DATABASE)
        yield server


def caught_up(primary, replica):
    file, position, *_ = primary.execute("SHOW MASTER STATUS")[0]
    state = status(replica)
    return (state["Relay_Master_Log_File"], state["Exec_Master_Log_Pos"]) == (file, position)


@pytest.fixture
def replica(primary, second):
    """The replica, running and with all that the primary has."""
    until(lambda: caught_up(primary, second), "a replica that has caught up")
    until(lambda: status(second)["Slave_IO_Running"] == "Yes", "a replica that is connected")
    return second


@pytest.fixture
def late(primary, replica):
    """The replica, applying a change that is 500 seconds old behind a lock."""
    with replica.connect(DATABASE) as blocker, blocker.cursor() as lock:
        lock.execute("LOCK TABLES users READ")
        with primary.connect(DATABASE) as connection, connection.cursor() as cursor:
            cursor.execute("SET timestamp = UNIX_TIMESTAMP() - 500")
            cursor.execute("UPDATE users SET name = 'c' WHERE uid = 1")
        until(lambda: (status(replica)["Seconds_Behind_Master"] or 0) >= 500, "a lag")
        yield replica
    primary.execute("UPDATE users SET name = 'a' WHERE uid = 1", database=DATABASE)
    until(lambda: caught_up(primary, replica), "a replica that has caught up")


def test_a_replica_that_has_caught_up_is_read(replica, tmp_path):
    manifest = publish_table(replica.url(DATABASE), ASKED, into=tmp_path)

    assert manifest.source["replica_lag_seconds"] == 0
    assert object_path(tmp_path).read_bytes() == b"1|a\n2|b\n"


def test_a_replica_that_is_too_late_is_waited_for_and_given_up(late, tmp_path):
    said: list[str] = []

    with pytest.raises(SourceUnavailableError, match=r"the replica is 50\d seconds") as caught:
        publish_table(late.url(DATABASE), ASKED, into=tmp_path, log=said.append)

    assert "60 are allowed" in caught.value.what
    assert "USERPROFILE_MYSQL_REPLICA_LAG" in (caught.value.remedy or "")
    assert sum("starting again" in message for message in said) == 3
    assert not object_path(tmp_path).exists()


def test_a_lag_within_the_limit_is_in_the_manifest(late, tmp_path):
    options = dataclasses.replace(ASKED, replica_lag=3600)

    manifest = publish_table(late.url(DATABASE), options, into=tmp_path)

    assert 500 <= manifest.source["replica_lag_seconds"] < 3600
    assert object_path(tmp_path).read_bytes() == b"1|a\n2|b\n"


def test_a_lag_is_not_asked_for_without_the_setting(late, tmp_path):
    manifest = publish_table(late.url(DATABASE), USERS, into=tmp_path)

    assert "replica_lag_seconds" not in manifest.source


def test_slices_of_a_replica_have_its_lag(replica, tmp_path):
    options = dataclasses.replace(ASKED, slices=2)

    manifest = publish_table(replica.url(DATABASE), options, into=tmp_path)

    assert manifest.source["replica_lag_seconds"] == 0
    assert manifest.source["slices"] == 2


@pytest.mark.parametrize(("thread", "does"), [("SQL_THREAD", "apply"), ("IO_THREAD", "receive")])
def test_a_replica_that_is_stopped_is_a_transient_error(replica, tmp_path, thread, does):
    replica.execute(f"STOP SLAVE {thread}")
    try:
        with pytest.raises(SourceUnavailableError, match=f"does not {does} changes") as caught:
            publish_table(replica.url(DATABASE), ASKED, into=tmp_path)
    finally:
        replica.execute("START SLAVE")

    assert "START REPLICA" in (caught.value.remedy or "")


def test_a_replica_that_cannot_apply_a_change_is_a_permanent_error(primary, replica, tmp_path):
    said: list[str] = []
    replica.execute("INSERT INTO users VALUES (3, 'x')", database=DATABASE)
    primary.execute("INSERT INTO users VALUES (3, 'y')", database=DATABASE)
    try:
        until(lambda: status(replica)["Slave_SQL_Running"] == "No", "a replica that has failed")
        with pytest.raises(SourceError, match=r"1062.*Duplicate entry"):
            publish_table(replica.url(DATABASE), ASKED, into=tmp_path, log=said.append)
    finally:
        replica.execute("DELETE FROM users WHERE uid = 3", database=DATABASE)
        replica.execute("START SLAVE")
        primary.execute("DELETE FROM users WHERE uid = 3", database=DATABASE)

    assert said == []


@pytest.fixture(params=["mariadb", "mysql8"])
def server(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def database(server):
    name = server.fresh_database()
    server.execute("CREATE TABLE users (uid INT PRIMARY KEY, name CHAR(1))", database=name)
    server.execute("INSERT INTO users VALUES (1, 'a')", database=name)
    return name


def test_a_server_that_is_no_replica_has_no_lag(server, database, tmp_path):
    manifest = publish_table(server.url(database), ASKED, into=tmp_path)

    assert manifest.rows == 1
    assert "replica_lag_seconds" not in manifest.source


def test_an_account_that_may_not_ask_is_told_what_it_needs(server, database, tmp_path):
    server.execute("DROP USER IF EXISTS few@'%'")
    server.execute("CREATE USER few@'%' IDENTIFIED BY 'f3w-s3cret'")
    server.execute(f"GRANT SELECT ON {database}.* TO few@'%'")
    url = server.url(database, user="few", password="f3w-s3cret")

    with pytest.raises(SourceError, match=r"may not ask .* \(1227\)") as caught:
        publish_table(url, ASKED, into=tmp_path)

    assert "REPLICATION CLIENT (MariaDB since 10.5: REPLICA MONITOR)" in (caught.value.remedy or "")
    assert "f3w-s3cret" not in str(caught.value)


def test_a_replica_of_mysql_speaks_of_sources(mysql8, tmp_path):
    """It points at a port where nobody is: connecting, and so without a lag."""
    database = mysql8.fresh_database()
    mysql8.execute("CREATE TABLE users (uid INT PRIMARY KEY, name CHAR(1))", database=database)
    mysql8.execute("CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT=1")
    try:
        mysql8.execute("START REPLICA USER='u' PASSWORD='p'")
        with pytest.raises(SourceUnavailableError, match="state Connecting: 2003") as caught:
            publish_table(mysql8.url(database), ASKED, into=tmp_path)
    finally:
        mysql8.execute("STOP REPLICA")
        mysql8.execute("RESET REPLICA ALL")

    assert "does not receive changes" in caught.value.what


def test_another_database_has_no_lag_to_ask_for(tmp_path):
    with pytest.raises(SettingsError, match="MySQL and MariaDB, not of sqlite"):
        publish_table(f"sqlite:///{tmp_path / 'none.db'}", ASKED, into=tmp_path)
