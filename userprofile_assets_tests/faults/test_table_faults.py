"""A database that fails: killed connections, a stopped server, refused accounts."""

from __future__ import annotations

import dataclasses
import gc
import socket

import pytest

from userprofile_assets.errors import (
    SourceError,
    SourceMissingError,
    SourceUnavailableError,
    StorageError,
)
from userprofile_assets.ingestion.table_engine import engine_for
from userprofile_assets.ingestion.table_source import observe_table
from userprofile_assets_tests.support.mariadb import PASSWORD
from userprofile_assets_tests.support.table_copies import USERS, object_path, publish_table

pytestmark = pytest.mark.usefixtures("three_tries")

ROWS = 20_000


@pytest.fixture
def large(mariadb):
    """A table of 40 MB: far more than the sockets of both sides hold."""
    name = mariadb.fresh_database()
    mariadb.execute("CREATE TABLE users (uid INT PRIMARY KEY, name VARCHAR(2000))", database=name)
    mariadb.execute(
        f"INSERT INTO users SELECT seq, REPEAT(CHAR(97 + seq % 26), 2000) FROM seq_1_to_{ROWS}",
        database=name,
    )
    return name


@pytest.fixture
def small(mariadb):
    name = mariadb.fresh_database()
    mariadb.execute("CREATE TABLE users (uid INT PRIMARY KEY, name VARCHAR(20))", database=name)
    mariadb.execute("INSERT INTO users VALUES (1, 'a'), (2, 'b')", database=name)
    return name


def readers(mariadb, database):
    """Return the connections that are reading rows of a database."""
    found = mariadb.execute(
        "SELECT id FROM information_schema.processlist WHERE db = %s AND info LIKE 'SELECT%%'",
        (database,),
    )
    return [number for (number,) in found]


def kill_readers(mariadb, database, how="CONNECTION"):
    """Kill the connection that is sending rows, and fail if there is none."""
    (reader,) = readers(mariadb, database)
    mariadb.execute(f"KILL {how} {reader}")


def leftovers(into):
    """Return the files of the store that are neither object nor manifest."""
    published = {"user_20240807.txt", "_manifest.json"}
    files = (into / "storage").rglob("*")
    return [path for path in files if path.is_file() and path.name not in published]


@pytest.mark.parametrize("how", ["CONNECTION", "QUERY"])
def test_an_export_whose_connection_is_killed_starts_again(mariadb, large, tmp_path, how):
    said: list[str] = []
    killed: list[int] = []

    def kill_once(batch):
        if not killed:
            killed.append(batch)
            kill_readers(mariadb, large, how)

    manifest = publish_table(
        mariadb.url(large), into=tmp_path, log=said.append, after_batch=kill_once
    )

    assert killed == [1]
    assert sum("Attempt 1" in message for message in said) == 1
    assert manifest.rows == ROWS
    assert object_path(tmp_path).read_bytes() == b"".join(
        b"%d|%s\n" % (number, bytes([97 + number % 26]) * 2000) for number in range(1, ROWS + 1)
    )
    assert leftovers(tmp_path) == []


def test_an_export_that_is_killed_every_time_leaves_the_former_day(mariadb, large, tmp_path):
    former = publish_table(mariadb.url(large), into=tmp_path)
    mariadb.execute("UPDATE users SET name = 'new' WHERE uid = 1", database=large)
    killed: list[int] = []

    def kill_always(batch):
        # What the sockets hold still comes after the first batch of a try.
        if batch == 1:
            killed.append(batch)
            kill_readers(mariadb, large)

    with pytest.raises(SourceUnavailableError, match="reading the rows of table users failed"):
        publish_table(mariadb.url(large), into=tmp_path, after_batch=kill_always)

    gc.collect()  # destructors of the driver must not complain: pytest makes that an error
    assert killed == [1, 1, 1]
    assert object_path(tmp_path).stat().st_size == former.bytes
    assert object_path(tmp_path).read_bytes().startswith(b"1|bbbb")
    assert leftovers(tmp_path) == []


def test_a_failing_store_ends_the_export_without_reading_the_rest(mariadb, large, tmp_path):
    def sent():
        ((_, number),) = mariadb.execute("SHOW GLOBAL STATUS LIKE 'Bytes_sent'")
        return int(number)

    def fail(batch):
        raise StorageError("the bucket is gone")

    before = sent()
    with pytest.raises(StorageError, match="the bucket is gone"):
        publish_table(mariadb.url(large), into=tmp_path, after_batch=fail)

    gc.collect()
    assert sent() - before < 20_000_000  # of 40 MB; the sockets hold some
    assert leftovers(tmp_path) == []


def test_a_stopped_server_is_a_transient_error(mariadb, small, tmp_path):
    said: list[str] = []
    mariadb.stop()
    try:
        with pytest.raises(SourceUnavailableError, match="connecting failed") as caught:
            publish_table(mariadb.url(small), into=tmp_path, log=said.append)
    finally:
        mariadb.start()

    assert caught.value.where == f"mysql+pymysql://127.0.0.1:{mariadb.port}/{small}"
    assert len(said) == 3
    assert PASSWORD not in str(caught.value) + "".join(said)


def test_a_server_that_comes_back_between_two_tries_is_read(mariadb, small, tmp_path):
    mariadb.stop()
    started: list[str] = []

    def start(message):
        if not started:
            started.append(message)
            mariadb.start()

    try:
        manifest = publish_table(mariadb.url(small), into=tmp_path, log=start)
    finally:
        if not started:
            mariadb.start()

    assert manifest.rows == 2
    assert "connecting failed" in started[0]


def test_a_server_that_is_stopped_in_the_middle_is_a_transient_error(mariadb, large, tmp_path):
    stopped: list[int] = []

    def stop(batch):
        if batch == 1:
            stopped.append(batch)
            mariadb.stop()

    try:
        with pytest.raises(SourceUnavailableError):
            publish_table(mariadb.url(large), into=tmp_path, after_batch=stop)
    finally:
        mariadb.start()

    gc.collect()
    assert stopped == [1]
    assert leftovers(tmp_path) == []


def test_a_server_that_never_answers_is_given_up(tmp_path):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"mysql+pymysql://u:{'s3cret'}@127.0.0.1:{silent.getsockname()[1]}/db"
        with pytest.raises(SourceUnavailableError, match="timed out"):
            observe_table(engine_for(url, connect_timeout=1, read_timeout=1), USERS)


def test_a_server_that_falls_silent_in_the_middle_is_given_up(mariadb, large, tmp_path):
    with mariadb.connect(large) as blocker, blocker.cursor() as cursor:
        cursor.execute("LOCK TABLES users WRITE")
        with pytest.raises(SourceUnavailableError, match="timed out"):
            publish_table(f"{mariadb.url(large)}?read_timeout=1", into=tmp_path)

    assert leftovers(tmp_path) == []


def test_a_wrong_password_is_permanent_and_not_shown(mariadb, small, tmp_path):
    said: list[str] = []

    with pytest.raises(SourceError, match="1045") as caught:
        publish_table(mariadb.url(small, password="wr0ng"), into=tmp_path, log=said.append)

    assert said == []
    assert "wr0ng" not in str(caught.value)


def test_a_user_name_that_is_the_password_is_cut_out_of_the_servers_answer(mariadb, small):
    url = mariadb.url(small, user="tell-no-one", password="tell-no-one")

    with pytest.raises(SourceError, match=r"Access denied for user '\*\*\*'") as caught:
        observe_table(engine_for(url), USERS)

    assert "tell-no-one" not in str(caught.value)


def test_a_missing_database_is_permanent(mariadb, tmp_path):
    with pytest.raises(SourceError, match="1049"):
        publish_table(mariadb.url("nowhere"), into=tmp_path)


@pytest.fixture
def reader(mariadb, small):
    """The URL of a user who may read one column only."""
    mariadb.execute("CREATE OR REPLACE USER reader@'%' IDENTIFIED BY 'few-rights'")
    mariadb.execute(f"GRANT SELECT (uid) ON {small}.users TO reader@'%'")
    return mariadb.url(small, user="reader", password="few-rights")


def test_a_user_with_rights_on_the_copied_columns_only_is_enough(reader, tmp_path):
    options = dataclasses.replace(USERS, columns=("uid",))

    publish_table(reader, options, into=tmp_path)

    assert object_path(tmp_path).read_bytes() == b"1\n2\n"


def test_a_column_that_the_user_may_not_read_looks_missing(reader, tmp_path):
    with pytest.raises(SourceMissingError, match="no column name; its columns are uid") as caught:
        publish_table(reader, into=tmp_path)

    assert "may not SELECT" in str(caught.value)
    assert "few-rights" not in str(caught.value)


def test_a_condition_on_a_column_that_the_user_may_not_read_is_refused(reader, tmp_path):
    options = dataclasses.replace(USERS, columns=("uid",), where="name = 'a'")

    with pytest.raises(SourceError, match="1143") as caught:
        publish_table(reader, options, into=tmp_path)

    assert "may SELECT" in str(caught.value)


def test_too_many_connections_are_a_transient_error(mariadb, small, tmp_path):
    mariadb.execute("CREATE OR REPLACE USER one@'%' IDENTIFIED BY 'p' WITH MAX_USER_CONNECTIONS 1")
    mariadb.execute(f"GRANT SELECT ON {small}.* TO one@'%'")
    url = mariadb.url(small, user="one", password="p")

    with (
        engine_for(url).connect(),
        pytest.raises(SourceUnavailableError, match="max_user_connections"),
    ):
        publish_table(url, into=tmp_path)
