"""Copying a table from a server whose own settings would cut or change what a session is sent."""

from __future__ import annotations

import dataclasses

import pytest

from userprofile_assets.errors import SourceError
from userprofile_assets.ingestion.table_engine import engine_for
from userprofile_assets.ingestion.table_source import observe_table
from userprofile_assets_tests.support.table_copies import USERS, object_path, publish_table


@pytest.fixture(params=["mariadb", "mysql8"])
def server(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(params=["fast", "general"])
def reader(request):
    return request.param


@pytest.fixture
def say(server):
    """Set a variable of the server for the length of the test."""
    former: dict[str, object] = {}

    def set_global(name, value):
        former.setdefault(name, server.execute(f"SELECT @@GLOBAL.{name}")[0][0])
        server.execute(f"SET GLOBAL {name} = %s", (value,))

    yield set_global
    for name, value in former.items():
        server.execute(f"SET GLOBAL {name} = %s", (value,))


@pytest.fixture
def database(server):
    name = server.fresh_database()
    server.execute("CREATE TABLE users (uid INT PRIMARY KEY, name CHAR(4))", database=name)
    server.execute("INSERT INTO users VALUES (1, 'a'), (2, 'b'), (3, 'c')", database=name)
    return name


def copied(server, database, options, into, **account):
    manifest = publish_table(server.url(database, **account), options, into=into)
    return manifest.rows, object_path(into).read_bytes()


def test_a_limit_for_all_selects_cuts_no_table(server, reader, say, database, tmp_path):
    say("sql_select_limit", 2)
    options = dataclasses.replace(USERS, reader=reader)

    assert copied(server, database, options, tmp_path) == (3, b"1|a\n2|b\n3|c\n")


def test_a_limit_for_all_selects_cuts_no_slice(server, say, database, tmp_path):
    say("sql_select_limit", 1)
    options = dataclasses.replace(USERS, slices=2)

    rows, data = copied(server, database, options, tmp_path)

    assert rows == 3
    assert sorted(data.splitlines()) == [b"1|a", b"2|b", b"3|c"]


def test_a_limit_that_each_login_sets_cuts_no_table(server, reader, say, database, tmp_path):
    server.execute("DROP USER IF EXISTS plain@'%'")
    server.execute("CREATE USER plain@'%' IDENTIFIED BY 'p'")
    server.execute(f"GRANT SELECT ON {database}.* TO plain@'%'")
    say("init_connect", "SET sql_select_limit = 2")
    options = dataclasses.replace(USERS, reader=reader)

    copy = copied(server, database, options, tmp_path, user="plain", password="p")

    assert copy == (3, b"1|a\n2|b\n3|c\n")


def test_a_limit_for_all_selects_hides_no_column(server, say, database):
    say("sql_select_limit", 1)

    facts = observe_table(engine_for(server.url(database)), USERS)

    assert [column["name"] for column in facts["columns"]] == ["uid", "name"]


def test_char_is_not_filled_up_with_spaces(server, reader, say, database, tmp_path):
    say("sql_mode", "STRICT_TRANS_TABLES,PAD_CHAR_TO_FULL_LENGTH,ANSI_QUOTES")
    options = dataclasses.replace(USERS, reader=reader)

    assert copied(server, database, options, tmp_path) == (3, b"1|a\n2|b\n3|c\n")


def test_other_words_of_the_sql_mode_hold_for_the_condition(
    server, reader, say, database, tmp_path
):
    say("sql_mode", "PAD_CHAR_TO_FULL_LENGTH,ANSI_QUOTES")
    options = dataclasses.replace(USERS, reader=reader, where='"uid" = 2')

    assert copied(server, database, options, tmp_path) == (1, b"2|b\n")


def test_a_joined_group_is_not_cut(server, reader, say, database, tmp_path):
    say("group_concat_max_len", 4)
    options = dataclasses.replace(
        USERS,
        table="",
        query="SELECT 1 AS uid, GROUP_CONCAT(name ORDER BY uid) AS name FROM users",
        reader=reader,
    )

    assert copied(server, database, options, tmp_path) == (1, b"1|a,b,c\n")


@pytest.fixture
def mode_of_mariadb(mariadb):
    """Set the sql_mode of MariaDB for the length of the test."""
    former = mariadb.execute("SELECT @@GLOBAL.sql_mode")[0][0]
    yield lambda mode: mariadb.execute("SET GLOBAL sql_mode = %s", (mode,))
    mariadb.execute("SET GLOBAL sql_mode = %s", (former,))


def test_an_empty_text_in_sql_is_no_null(mariadb, reader, mode_of_mariadb, tmp_path):
    database = mariadb.fresh_database()
    mariadb.execute("CREATE TABLE users (uid INT, name BLOB)", database=database)
    mariadb.execute("INSERT INTO users VALUES (1, 'a'), (2, '')", database=database)
    mode_of_mariadb("EMPTY_STRING_IS_NULL")
    options = dataclasses.replace(USERS, reader=reader, binary="base64")

    assert copied(mariadb, database, options, tmp_path) == (2, b"1|YQ==\n2|\n")


def test_a_field_that_is_too_long_is_not_left_out(mariadb, reader, mode_of_mariadb, tmp_path):
    database = mariadb.fresh_database()
    mariadb.execute("CREATE TABLE users (uid INT, name LONGBLOB)", database=database)
    mariadb.execute("INSERT INTO users VALUES (1, REPEAT('a', 40000000))", database=database)
    mode_of_mariadb("ORACLE")
    options = dataclasses.replace(USERS, reader=reader)

    with pytest.raises(SourceError, match="longer than the server may send"):
        copied(mariadb, database, options, tmp_path)
