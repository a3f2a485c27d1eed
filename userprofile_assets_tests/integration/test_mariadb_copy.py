"""Copying tables of a real MariaDB: values, types, conditions, the snapshot."""

from __future__ import annotations

import dataclasses

import pytest

from userprofile_assets.errors import SourceError, SourceMissingError
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

SPECIAL = [
    None, "", "|", "\\", "\\\\", "\n", "\r", "\r\n", "\0", "a\0b", "\x01", "😀", "\\N", "\\n",
    "双鱼座", "0001", " ", "ends with \\", "a|b\\|c\n", "\u2028", "%s", ":name", "'; --",
]  # fmt: skip


@pytest.fixture
def database(mariadb):
    name = mariadb.fresh_database()
    mariadb.execute(
        "CREATE TABLE users (uid VARCHAR(20) PRIMARY KEY COMMENT 'user', name VARCHAR(2000), age "
        "INT COMMENT 'years: \"full\"') COMMENT 'who'",
        database=name,
    )
    mariadb.execute(
        "INSERT INTO users VALUES ('0002', 'b', 2), ('0001', 'a', 1), ('0003', 'c', 3)",
        database=name,
    )
    return name


def copy(mariadb, database, options=USERS, *, into, log=ignore, after_batch=lambda batch: None):
    manifest = publish_table(
        mariadb.url(database), options, into=into, log=log, after_batch=after_batch
    )
    return manifest, object_path(into).read_bytes()


def test_a_table_is_copied_with_its_facts(mariadb, database, tmp_path):
    manifest, data = copy(mariadb, database, into=tmp_path)

    assert data == b"0001|a\n0002|b\n0003|c\n"
    assert manifest.rows == 3
    assert {name: fact for name, fact in manifest.source.items() if name != "position"} == {
        "kind": "mysql",
        "name": f"{database}.users",
        "rows": 3,
        "columns": [
            {"name": "uid", "type": "varchar(20)", "comment": "user", "nullable": False},
            {"name": "name", "type": "varchar(2000)", "comment": None, "nullable": True},
        ],
        "where": None,
        "split_key": "uid",
        "reader": "fast",
    }


def test_every_special_value_comes_back(mariadb, tmp_path):
    database = mariadb.fresh_database()
    mariadb.execute(
        "CREATE TABLE users (uid INT PRIMARY KEY, name TEXT) CHARACTER SET utf8mb4",
        database=database,
    )
    for uid, value in enumerate(SPECIAL):
        mariadb.execute("INSERT INTO users VALUES (%s, %s)", (uid, value), database=database)

    _, data = copy(mariadb, database, into=tmp_path)

    lines = data.removesuffix(b"\n").split(b"\n")
    assert [decode_line(line, "|") for line in lines] == [
        [str(uid), value] for uid, value in enumerate(SPECIAL)
    ]


def test_text_of_another_character_set_becomes_utf8(mariadb, tmp_path):
    database = mariadb.fresh_database()
    mariadb.execute(
        "CREATE TABLE users (uid VARCHAR(9) CHARACTER SET gbk, name TEXT CHARACTER SET latin1)",
        database=database,
    )
    mariadb.execute("INSERT INTO users VALUES ('双鱼座', 'é€')", database=database)

    _, data = copy(mariadb, database, into=tmp_path)

    assert data == "双鱼座|é€\n".encode()


def test_an_empty_table_is_an_empty_object(mariadb, database, tmp_path):
    mariadb.execute("DELETE FROM users", database=database)

    manifest, data = copy(mariadb, database, into=tmp_path)

    assert data == b""
    assert (manifest.rows, manifest.source["rows"]) == (0, 0)


def test_a_table_of_another_database_is_copied(mariadb, database, tmp_path):
    other = mariadb.fresh_database()
    options = dataclasses.replace(USERS, table=f"{database}.users")

    manifest, data = copy(mariadb, other, options, into=tmp_path)

    assert data == b"0001|a\n0002|b\n0003|c\n"
    assert manifest.source["name"] == f"{database}.users"


def test_names_that_need_quotes_are_quoted(mariadb, tmp_path):
    database = mariadb.fresh_database()
    mariadb.execute("CREATE TABLE `order` (`group` INT, `a``b %s` INT)", database=database)
    mariadb.execute("INSERT INTO `order` VALUES (2, 1), (1, 2)", database=database)
    options = TableOptions(
        table="order", columns=("a`b %s", "group"), where=None, split_key="group", delimiter=","
    )

    _, data = copy(mariadb, database, options, into=tmp_path)

    assert data == b"2,1\n1,2\n"


@pytest.mark.parametrize(
    ("where", "data"),
    [
        ("age >= 2", b"0002|b\n0003|c\n"),
        ("age = 1 OR age = 3 -- two", b"0001|a\n0003|c\n"),
        ("uid LIKE '%1' AND ':a' <> '%(a)s'", b"0001|a\n"),
        ("age > 99", b""),
    ],
)
def test_a_condition_selects_rows_and_count_alike(mariadb, database, tmp_path, where, data):
    options = dataclasses.replace(USERS, where=where)

    manifest, copied = copy(mariadb, database, options, into=tmp_path)

    assert copied == data
    assert manifest.source["rows"] == manifest.rows


@pytest.mark.parametrize(
    ("where", "code"), [("age >", "1064"), ("agee = 1", "1054"), ("1); DROP TABLE users", "1064")]
)
def test_a_wrong_condition_is_an_error_at_once(mariadb, database, tmp_path, where, code):
    said: list[str] = []

    with pytest.raises(SourceError, match=code) as caught:
        copy(
            mariadb,
            database,
            dataclasses.replace(USERS, where=where),
            into=tmp_path,
            log=said.append,
        )

    assert caught.value.remedy == f"check USERPROFILE_USER_WHERE, which is now: {where}"
    assert said == []


@pytest.mark.parametrize("table", ["user", "nowhere.users"])
def test_a_missing_table_is_named(mariadb, database, tmp_path, table):
    with pytest.raises(SourceMissingError, match=f"there is no table {table}") as caught:
        copy(mariadb, database, dataclasses.replace(USERS, table=table), into=tmp_path)

    assert caught.value.where == f"mysql+pymysql://127.0.0.1:{mariadb.port}/{database}"


def test_a_missing_column_is_named_with_the_columns_that_are_there(mariadb, database, tmp_path):
    options = dataclasses.replace(USERS, columns=("uid", "gender"))

    with pytest.raises(SourceMissingError) as caught:
        copy(mariadb, database, options, into=tmp_path)

    assert caught.value.what == ("table users has no column gender; its columns are uid, name, age")


def test_rows_that_change_while_it_reads_are_copied_as_they_were(mariadb, tmp_path):
    database = mariadb.fresh_database()
    mariadb.execute("CREATE TABLE users (uid INT PRIMARY KEY, name CHAR(1))", database=database)
    mariadb.execute("INSERT INTO users SELECT seq * 2, 'a' FROM seq_1_to_5000", database=database)
    changed: list[int] = []

    def change(batch):
        if not changed:
            changed.append(batch)
            mariadb.execute("INSERT INTO users VALUES (9999, 'x'), (0, 'x')", database=database)
            mariadb.execute("UPDATE users SET name = 'y'", database=database)
            mariadb.execute("DELETE FROM users WHERE uid > 9000", database=database)

    manifest, data = copy(mariadb, database, into=tmp_path, after_batch=change)

    assert changed == [1]
    assert data == b"".join(b"%d|a\n" % (number * 2) for number in range(1, 5001))
    assert manifest.source["rows"] == 5000


def test_the_count_of_a_view_is_of_the_same_snapshot_as_its_rows(mariadb, database, tmp_path):
    mariadb.execute("CREATE VIEW everybody AS SELECT uid, name FROM users", database=database)

    def change(message):
        mariadb.execute("DELETE FROM users WHERE uid = '0001'", database=database)

    options = dataclasses.replace(USERS, table="everybody")
    manifest, data = copy(mariadb, database, options, into=tmp_path, log=change)

    assert data == b"0001|a\n0002|b\n0003|c\n"
    assert manifest.source["rows"] == 3


def test_a_table_without_snapshots_that_changes_is_not_published(mariadb, database, tmp_path):
    mariadb.execute("ALTER TABLE users ENGINE = MyISAM", database=database)

    def change(message):
        mariadb.execute("DELETE FROM users WHERE uid = '0001'", database=database)

    with pytest.raises(SourceError, match="counted 3 rows of table users, but 2 came"):
        copy(mariadb, database, into=tmp_path, log=change)

    assert not object_path(tmp_path).exists()


def test_the_same_table_gives_the_same_bytes(mariadb, database, tmp_path):
    first, _ = copy(mariadb, database, into=tmp_path)
    second, _ = copy(mariadb, database, into=tmp_path)

    assert first.sha256 == second.sha256


def test_a_view_can_be_copied(mariadb, database, tmp_path):
    mariadb.execute(
        "CREATE VIEW adults AS SELECT uid, name, age FROM users WHERE age > 1", database=database
    )

    _, data = copy(mariadb, database, dataclasses.replace(USERS, table="adults"), into=tmp_path)

    assert data == b"0002|b\n0003|c\n"


def test_observing_tells_comments_types_and_an_estimate(mariadb, database):
    mariadb.execute("ANALYZE TABLE users", database=database)

    facts = observe_table(engine_for(mariadb.url(database)), USERS)

    assert facts == {
        "kind": "mysql",
        "name": f"{database}.users",
        "columns": [
            {"name": "uid", "type": "varchar(20)", "comment": "user", "nullable": False},
            {"name": "name", "type": "varchar(2000)", "comment": None, "nullable": True},
            {"name": "age", "type": "int(11)", "comment": 'years: "full"', "nullable": True},
        ],
        "keys": [{"kind": "primary", "name": "PRIMARY", "columns": ["uid"]}],
        "row_estimate": 3,
        "byte_estimate": 16384,  # one page of InnoDB
    }


def test_observing_tells_all_keys_the_strongest_first(mariadb):
    database = mariadb.fresh_database()
    mariadb.execute(
        "CREATE TABLE users (a INT, b INT, c INT, uid INT, name INT, "
        "KEY later (c), KEY earlier (b, a), UNIQUE KEY one (a, c), PRIMARY KEY (uid, a))",
        database=database,
    )

    facts = observe_table(engine_for(mariadb.url(database)), USERS)

    assert facts["keys"] == [
        {"kind": "primary", "name": "PRIMARY", "columns": ["uid", "a"]},
        {"kind": "unique", "name": "one", "columns": ["a", "c"]},
        {"kind": "index", "name": "earlier", "columns": ["b", "a"]},
        {"kind": "index", "name": "later", "columns": ["c"]},
    ]


def test_observing_shards_adds_up_their_sizes(mariadb):
    database = mariadb.fresh_database()
    for number in range(3):
        mariadb.execute(
            f"CREATE TABLE users_{number} (uid INT PRIMARY KEY, name INT)", database=database
        )

    facts = observe_table(
        engine_for(mariadb.url(database)), dataclasses.replace(USERS, table="users_[0-2]")
    )

    assert facts["byte_estimate"] == 3 * 16384


def test_observing_a_view_gives_no_estimate(mariadb, database):
    mariadb.execute("CREATE VIEW everyone AS SELECT uid FROM users", database=database)

    facts = observe_table(
        engine_for(mariadb.url(database)), dataclasses.replace(USERS, table="everyone")
    )

    assert not {"row_estimate", "byte_estimate", "keys"} & facts.keys()
