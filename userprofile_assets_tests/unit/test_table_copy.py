"""Copying a table of SQLite, with the real local store."""

from __future__ import annotations

import dataclasses
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path

import pytest

from userprofile_assets.errors import (
    SettingsError,
    SourceError,
    SourceMissingError,
    SourceUnavailableError,
)
from userprofile_assets.ingestion.table_copy import TableOptions
from userprofile_assets.ingestion.table_engine import engine_for
from userprofile_assets.ingestion.table_source import observe_table
from userprofile_assets.ingestion.text_dialect import decode_line
from userprofile_assets_tests.support.table_copies import (
    USERS,
    ignore,
    object_path,
    publish_table,
)


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "source of users.db"
    run(path, "CREATE TABLE users (uid TEXT PRIMARY KEY, name TEXT NOT NULL, age INTEGER)")
    run(path, "INSERT INTO users VALUES ('0002', 'b', 2), ('0001', 'a', 1), ('0003', 'c', 3)")
    return path


def run(path, sql, parameters=()):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(sql, parameters)


def copy(path, options=USERS, *, into, log=ignore):
    """Copy a table of a file and return the manifest and the bytes of the object."""
    manifest = publish_table(f"sqlite:///{path}", options, into=into, log=log)
    return manifest, object_path(into).read_bytes()


def test_rows_are_written_in_the_order_of_the_split_key(database, tmp_path):
    manifest, data = copy(database, into=tmp_path)

    assert data == b"0001|a\n0002|b\n0003|c\n"
    assert (manifest.rows, manifest.bytes) == (3, 21)
    assert manifest.source == {
        "kind": "sqlite",
        "name": f"{database}:users",
        "rows": 3,
        "columns": [
            {"name": "uid", "type": "TEXT", "comment": None, "nullable": True},
            {"name": "name", "type": "TEXT", "comment": None, "nullable": False},
        ],
        "where": None,
        "split_key": "uid",
    }


def test_without_a_split_key_the_server_chooses_the_order(database, tmp_path):
    _, data = copy(database, dataclasses.replace(USERS, split_key=None), into=tmp_path)

    assert sorted(data.splitlines()) == [b"0001|a", b"0002|b", b"0003|c"]


def test_columns_come_in_the_order_that_was_asked_for(database, tmp_path):
    options = dataclasses.replace(USERS, columns=("age", "uid"), delimiter="\t")

    _, data = copy(database, options, into=tmp_path)

    assert data == b"1\t0001\n2\t0002\n3\t0003\n"


def test_every_special_value_comes_back(tmp_path):
    values = [
        None, "", "|", "\\", "\\\\", "\n", "\r", "\r\n", "\0", "a\0b", "\x01", "😀", "\\N", "\\n",
        "双鱼座", "0001", " ", "ends with \\", "a|b\\|c\n", "\u2028", "\x85",
    ]  # fmt: skip
    path = tmp_path / "special.db"
    run(path, "CREATE TABLE users (uid INTEGER PRIMARY KEY, name TEXT)")
    for value in values:
        run(path, "INSERT INTO users (name) VALUES (?)", (value,))

    _, data = copy(path, into=tmp_path)

    lines = data.removesuffix(b"\n").split(b"\n")
    assert [decode_line(line, "|") for line in lines] == [
        [str(number), value] for number, value in enumerate(values, start=1)
    ]


def test_values_are_written_as_sqlite_holds_them_whatever_the_column_says(tmp_path):
    path = tmp_path / "typed.db"
    run(path, "CREATE TABLE users (uid TEXT, day DATE, price DECIMAL(10,2), raw BLOB, odd GEOM)")
    run(path, "INSERT INTO users VALUES ('1', 'no day', 1.5, x'00fF', 7)")
    options = dataclasses.replace(USERS, columns=("uid", "day", "price", "raw", "odd"))

    manifest, data = copy(path, options, into=tmp_path)

    assert data == b"1|no day|1.5|00ff|7\n"
    types = [column["type"] for column in manifest.source["columns"]]
    assert types[:4] == ["TEXT", "DATE", "DECIMAL(10, 2)", "BLOB"]


def test_names_with_blanks_quotes_and_keywords_are_quoted(tmp_path):
    path = tmp_path / "odd.db"
    run(path, 'CREATE TABLE "select" ("or""der" TEXT, "a b" TEXT)')
    run(path, "INSERT INTO \"select\" VALUES ('x', 'y')")
    options = TableOptions(
        table="main.select", columns=("a b", 'or"der'), where=None, split_key="a b", delimiter="|"
    )

    _, data = copy(path, options, into=tmp_path)

    assert data == b"y|x\n"


def test_an_empty_table_is_an_empty_object(database, tmp_path):
    run(database, "DELETE FROM users")

    manifest, data = copy(database, into=tmp_path)

    assert data == b""
    assert (manifest.rows, manifest.source["rows"]) == (0, 0)


@pytest.mark.parametrize(
    ("where", "data"),
    [
        pytest.param("age >= 2", b"0002|b\n0003|c\n", id="plain"),
        pytest.param("age = 1 OR age = 3", b"0001|a\n0003|c\n", id="with OR"),
        pytest.param("age = 1 -- the first", b"0001|a\n", id="ending with a comment"),
        pytest.param("'10:20 :age' <> ':b' AND uid LIKE '%1'", b"0001|a\n", id="colons, percent"),
        pytest.param("age > 99", b"", id="nothing fits"),
    ],
)
def test_a_condition_selects_rows_and_count_alike(database, tmp_path, where, data):
    manifest, copied = copy(database, dataclasses.replace(USERS, where=where), into=tmp_path)

    assert copied == data
    assert manifest.source["rows"] == manifest.rows == data.count(b"\n")
    assert manifest.source["where"] == where


@pytest.mark.parametrize("where", ["age >", "agee = 1", "1=1) UNION SELECT 1, (2"])
def test_a_wrong_condition_is_shown_with_the_setting_it_comes_from(database, tmp_path, where):
    with pytest.raises(SourceError, match="table users failed") as caught:
        copy(database, dataclasses.replace(USERS, where=where), into=tmp_path)

    assert caught.value.remedy == f"check USERPROFILE_USER_WHERE, which is now: {where}"


def test_a_missing_table_is_named_with_near_ones(database, tmp_path):
    run(database, "CREATE VIEW user_view AS SELECT * FROM users")

    with pytest.raises(SourceMissingError) as caught:
        copy(database, dataclasses.replace(USERS, table="user"), into=tmp_path)

    assert caught.value.what == "there is no table user; near names: users, user_view"
    assert caught.value.where == str(database)


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        pytest.param({"columns": ("uid", "gender", "zodiac")}, "gender, zodiac", id="columns"),
        pytest.param({"split_key": "id"}, "id", id="split key"),
    ],
)
def test_a_missing_column_is_named_with_the_columns_that_are_there(
    database, tmp_path, change, missing
):
    with pytest.raises(SourceMissingError) as caught:
        copy(database, dataclasses.replace(USERS, **change), into=tmp_path)

    assert caught.value.what == (
        f"table users has no column {missing}; its columns are uid, name, age"
    )


def test_a_missing_database_file_is_an_error_and_is_not_made(tmp_path):
    path = tmp_path / "missing.db"

    with pytest.raises(SourceMissingError, match="unable to open database file"):
        copy(path, into=tmp_path)

    assert not path.exists()


def test_a_source_is_opened_read_only(database):
    import sqlalchemy

    with (
        engine_for(f"sqlite:///{database}").connect() as connection,
        pytest.raises(sqlalchemy.exc.OperationalError, match="readonly database"),
    ):
        connection.exec_driver_sql("DELETE FROM users")


def test_a_file_that_is_no_database_is_refused(tmp_path):
    path = tmp_path / "text.db"
    path.write_text("this is no database at all, just text\n" * 100)

    with pytest.raises(SourceError, match="file is not a database"):
        copy(path, into=tmp_path)


def test_text_that_is_not_utf8_names_the_column_and_not_the_value(database, tmp_path):
    run(database, "INSERT INTO users VALUES ('0004', CAST(x'73656372657461ff' AS TEXT), 4)")

    with pytest.raises(SourceError, match="a text of column name is not valid UTF-8") as caught:
        copy(database, into=tmp_path)

    assert "secreta" not in str(caught.value)
    assert not object_path(tmp_path).exists()


@pytest.mark.usefixtures("three_tries")
def test_a_locked_database_is_tried_again(database, tmp_path):
    said = []
    holder = sqlite3.connect(database, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")

    def free_it(message):
        said.append(message)
        if holder.in_transaction:
            holder.execute("ROLLBACK")

    with closing(holder):
        _, data = copy(f"{database}?timeout=0", into=tmp_path, log=free_it)

    assert data == b"0001|a\n0002|b\n0003|c\n"
    assert "database is locked" in said[0]


@pytest.mark.usefixtures("three_tries")
def test_a_database_that_stays_locked_is_a_transient_error(database, tmp_path):
    with closing(sqlite3.connect(database, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(SourceUnavailableError, match="database is locked"):
            copy(f"{database}?timeout=0", into=tmp_path)


def test_rows_that_come_while_it_reads_are_not_in_the_copy(database, tmp_path):
    run(database, "PRAGMA journal_mode = WAL")

    def insert(message):
        run(database, "INSERT INTO users VALUES ('0000', 'late', 0)")

    manifest, data = copy(database, into=tmp_path, log=insert)

    assert data == b"0001|a\n0002|b\n0003|c\n"
    assert manifest.source["rows"] == 3


def test_observing_tells_columns_and_reads_no_rows(database):
    facts = observe_table(engine_for(f"sqlite:///{database}"), USERS)

    assert facts == {
        "kind": "sqlite",
        "name": f"{database}:users",
        "columns": [
            {"name": "uid", "type": "TEXT", "comment": None, "nullable": True},
            {"name": "name", "type": "TEXT", "comment": None, "nullable": False},
            {"name": "age", "type": "INTEGER", "comment": None, "nullable": True},
        ],
        "keys": [{"kind": "primary", "name": "PRIMARY", "columns": ["uid"]}],
    }


def test_observing_tells_unique_keys_and_indexes(database):
    run(database, "CREATE INDEX by_age ON users (age)")
    run(database, "CREATE UNIQUE INDEX by_name ON users (name, age)")
    run(database, "CREATE INDEX of_nothing ON users (lower(name))")

    facts = observe_table(engine_for(f"sqlite:///{database}"), USERS)

    assert facts["keys"] == [
        {"kind": "primary", "name": "PRIMARY", "columns": ["uid"]},
        {"kind": "unique", "name": "by_name", "columns": ["name", "age"]},
        {"kind": "index", "name": "by_age", "columns": ["age"]},
    ]


def test_observing_a_missing_table_is_an_error(database):
    with pytest.raises(SourceMissingError, match="there is no table nothing"):
        observe_table(
            engine_for(f"sqlite:///{database}"), dataclasses.replace(USERS, table="nothing")
        )


@pytest.mark.parametrize(
    ("url", "message"),
    [
        pytest.param("no url: s3cret", "it is no URL of a database", id="no URL"),
        pytest.param("mysql+pymysql://u:x@h:s3cret/db", "it is no URL", id="port is no number"),
        pytest.param("oraclee://u:s3cret@h/db", "no driver is known for 'oraclee'", id="dialect"),
        pytest.param("mysql+nosuch://u:s3cret@h/db", "no driver is known", id="driver"),
        pytest.param("mssql+pymssql://u:s3cret@h/db", "pip install pymssql", id="not installed"),
        pytest.param("mysql://u:s3cret@h/db", r"or write mysql\+pymysql://", id="mysqlclient"),
    ],
)
def test_a_url_without_a_usable_driver_is_refused_without_showing_it(url, message):
    with pytest.raises(SettingsError, match=message) as caught:
        engine_for(url)

    assert caught.value.where == "USERPROFILE_MYSQL_URL"
    assert "s3cret" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_an_option_that_the_driver_does_not_know_is_a_setting_error(tmp_path):
    engine = engine_for("mysql+pymysql://u:s3cret@127.0.0.1:1/db?colour=blue")

    with pytest.raises(SettingsError, match="'colour'") as caught:
        observe_table(engine, USERS)

    assert "s3cret" not in str(caught.value)


def test_memory_stays_the_same_however_many_rows_there_are(tmp_path):
    path = tmp_path / "many.db"
    run(path, "CREATE TABLE users (uid TEXT PRIMARY KEY, name TEXT)")
    run(
        path,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) "
        "INSERT INTO users SELECT printf('%08d', i), printf('%0100d', i) FROM n",
    )
    # A process of its own, since the peak of this one is long past.
    program = textwrap.dedent(f"""
        import dataclasses, pathlib, resource
        from userprofile_assets_tests.support.table_copies import USERS, publish_table

        def copied(where):
            options = dataclasses.replace(USERS, where=where)
            into = pathlib.Path({str(tmp_path)!r})
            rows = publish_table({f"sqlite:///{path}"!r}, options, into=into).rows
            return rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

        some, before = copied("uid <= '00020000'")
        every, after = copied(None)
        print(some, every, (after - before) // 1024)
    """)

    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[2],  # from where `-c` imports
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.stderr == ""
    some, every, mebibytes = map(int, done.stdout.split())
    assert (some, every) == (20_000, 300_000)
    # 33 MB of text pass through; as rows in Python they would take about 90 MiB.
    assert mebibytes < 16
