"""A person's statements on the serving database: they read, they end, and they change nothing."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from userprofile_assets.cli.query_serving import run_serving_query
from userprofile_assets.errors import (
    NotPublishedError,
    QueryRefusedError,
    QueryTooSlowError,
    RecordsError,
    RecordsUnavailableError,
    SettingsError,
    UserProfileError,
)
from userprofile_assets.records.database import default_path, default_url
from userprofile_assets.serving.ad_hoc import ad_hoc_query
from userprofile_assets.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.timeout(300)]

ROWS = [
    ("20240807", "u1", 3, "上海"),
    ("20240807", "u2", None, None),
    ("20240808", "ü'\"%\\", 7, ""),
]
# Runs for ever on one row of a table; SLEEP and its kin are cancelled in other ways.
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n"
SLOW = {
    "sqlite": ENDLESS,
    "mariadb": "SELECT COUNT(*) FROM " + ", ".join(f"seq_1_to_1000 s{n}" for n in range(4)),
    "mysql": "SELECT COUNT(*) FROM "
    + ", ".join(f"information_schema.collations c{n}" for n in range(5)),
}


@dataclass
class Database:
    """A serving database with three rows."""

    kind: str
    url: str | None
    home: Path

    def run(self, sql, *, seconds=30.0, rows=1000):
        with ad_hoc_query(self.url, self.home, sql, seconds=seconds, rows=rows) as found:
            taken = list(found)
            return found.names, taken, found.cut

    def rows(self, sql, **options):
        return self.run(sql, **options)[1]

    @property
    def engine(self):
        import sqlalchemy

        # PyMySQL would read all authorities of this machine for each connection, 0.05 s of CPU.
        options = {"ssl_disabled": True} if self.url else {}
        return sqlalchemy.create_engine(self.url or default_url(self.home), connect_args=options)

    def write(self, *statements):
        engine = self.engine
        with engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
        engine.dispose()

    def content(self):
        """Return everything that a write could change."""
        import sqlalchemy

        engine = self.engine
        with engine.connect() as connection:
            tables = sqlalchemy.inspect(engine).get_table_names()
            found = connection.exec_driver_sql("SELECT dt, uid, pv, city FROM ads_user_info_1d")
            rows = sorted(map(repr, found))
        engine.dispose()
        return tables, rows


def fill(database):
    import sqlalchemy

    exact = "" if database.kind == "sqlite" else " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
    database.write(
        f"CREATE TABLE ads_user_info_1d (dt VARCHAR(8), uid VARCHAR(50){exact}, pv BIGINT, "
        f"city VARCHAR(50){exact})"
    )
    database.write("CREATE INDEX by_day ON ads_user_info_1d (dt)")
    engine = database.engine
    with engine.begin() as connection:
        for row in ROWS:
            connection.execute(
                sqlalchemy.text("INSERT INTO ads_user_info_1d VALUES (:dt, :uid, :pv, :city)"),
                dict(zip(("dt", "uid", "pv", "city"), row, strict=True)),
            )
    engine.dispose()
    return database


def make_sqlite(home):
    default_path(home).parent.mkdir(parents=True)
    database = Database("sqlite", None, home)
    database.write("PRAGMA journal_mode = WAL")
    return fill(database)


@pytest.fixture
def sqlite(tmp_path):
    return make_sqlite(tmp_path / "a home")


@pytest.fixture(params=["sqlite", "mariadb", "mysql"])
def database(request, tmp_path):
    if request.param == "sqlite":
        return make_sqlite(tmp_path / "a home")
    server = request.getfixturevalue({"mariadb": "mariadb", "mysql": "mysql8"}[request.param])
    url = server.url(server.fresh_database())
    return fill(Database(request.param, url, tmp_path))


def test_names_and_rows_come_as_they_are_with_null_and_unicode(database):
    names, rows, cut = database.run("SELECT * FROM ads_user_info_1d ORDER BY dt, uid;\n")
    assert names == ["dt", "uid", "pv", "city"]
    assert rows == ROWS
    assert cut is False


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT uid FROM ads_user_info_1d WHERE uid LIKE '%\"|%%' ESCAPE '|'",
        "  -- a comment\n/* another; one */ (SELECT uid FROM ads_user_info_1d WHERE pv = 7)",
        "WITH a AS (SELECT uid, pv FROM ads_user_info_1d) SELECT uid FROM a WHERE pv > 5",
        "SELECT uid FROM ads_user_info_1d WHERE pv = 7 -- ; DROP TABLE ads_user_info_1d",
    ],
    ids=["percent", "comments and brackets", "with", "semicolon in a comment"],
)
def test_statements_that_read_are_run_as_they_are_written(database, sql):
    if database.kind == "sqlite" and sql.lstrip().startswith("--"):
        sql = sql.replace("(", "").replace(")", "")  # SQLite has no brackets around a SELECT
    assert database.rows(sql) == [("ü'\"%\\",)]


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO ads_user_info_1d VALUES ('x', 'x', 1, 'x')",
        "UPDATE ads_user_info_1d SET pv = 0",
        "DELETE FROM ads_user_info_1d",
        "REPLACE INTO ads_user_info_1d VALUES ('x', 'x', 1, 'x')",
        "WITH a AS (SELECT 1) DELETE FROM ads_user_info_1d",
        "CREATE TABLE stolen (a INTEGER)",
        "CREATE TABLE stolen AS SELECT * FROM ads_user_info_1d",
        "CREATE TEMPORARY TABLE stolen (a INTEGER)",
        "CREATE VIEW stolen AS SELECT 1",
        "CREATE INDEX stolen ON ads_user_info_1d (dt)",
        "DROP TABLE ads_user_info_1d",
        "ALTER TABLE ads_user_info_1d ADD COLUMN x INTEGER",
        "BEGIN",
        "COMMIT",
        "SAVEPOINT a",
        "EXPLAIN DELETE FROM nothing_here",
        "SELECT 1; DELETE FROM ads_user_info_1d",
        "SELECT 1;; SELECT 2",
        "nonsense",
        "",
        " ; ",
        "SELECT nothing FROM ads_user_info_1d",
    ],
)
def test_whatever_is_no_reading_statement_is_refused_and_changes_nothing(database, sql):
    before = database.content()
    with pytest.raises((QueryRefusedError, NotPublishedError)) as raised:
        database.run(sql)
    assert raised.value.where == "the serving database"
    assert database.content() == before


@pytest.mark.parametrize(
    "sql",
    [
        "ATTACH DATABASE '{home}/stolen.db' AS other",
        "ATTACH DATABASE 'file:{home}/stolen.db?mode=rwc' AS other",
        "DETACH DATABASE main",
        "PRAGMA query_only = OFF",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA writable_schema = ON",
        "PRAGMA user_version = 7",
        "PRAGMA wal_checkpoint(TRUNCATE)",
        "VACUUM",
        "VACUUM INTO '{home}/stolen.db'",
        "REINDEX",
        "ANALYZE",
        "SELECT load_extension('{home}/x.so')",
        "SELECT fts3_tokenizer('simple')",
        "SELECT writefile('{home}/stolen.db', 'x')",
        "CREATE VIRTUAL TABLE stolen USING fts5(a)",
        "SELECT randomblob(1000000000)",
        "SELECT length(replace(hex(zeroblob(60000000)), '00', 'xxxxxx'))",
    ],
)
def test_sqlite_opens_no_other_file_and_changes_no_setting(sqlite, sql):
    before = sqlite.content()
    with pytest.raises(QueryRefusedError):
        sqlite.run(sql.format(home=sqlite.home))
    assert not (sqlite.home / "stolen.db").exists()
    assert sqlite.content() == before


@pytest.mark.parametrize(
    ("sql", "remedy"),
    [
        ("SELECT pv FROM ads_user_info_1d WHERE uid = ?", "write the values into the statement"),
        ("SELECT pv FROM ads_user_info_1d WHERE uid = :uid", "write the values into the statement"),
        ("SELECT 'a\0b'", "correct the statement"),
        ("SELECT CAST(x'ff' AS TEXT)", "select hex(...) of the column"),
    ],
    ids=["a place for a value", "a named place", "NUL", "a value that is no text"],
)
def test_what_is_wrong_with_a_statement_is_not_blamed_on_the_url(sqlite, sql, remedy):
    with pytest.raises(QueryRefusedError, match="the serving database: the statement failed") as e:
        sqlite.run(sql)
    assert remedy in str(e.value)
    assert "USERPROFILE_SERVING_URL" not in str(e.value)


def test_sqlite_describes_what_it_has(sqlite):
    columns = sqlite.rows("PRAGMA table_info(ads_user_info_1d)")
    assert [column[1] for column in columns] == ["dt", "uid", "pv", "city"]
    assert ("ads_user_info_1d",) in sqlite.rows("SELECT name FROM sqlite_master")


@pytest.fixture(params=["mariadb", "mysql"])
def server(request):
    return request.getfixturevalue({"mariadb": "mariadb", "mysql": "mysql8"}[request.param])


@pytest.fixture
def on_server(server, tmp_path):
    url = server.url(server.fresh_database())
    return fill(Database(server.name, url, tmp_path))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM ads_user_info_1d INTO OUTFILE '{dir}/stolen'",
        "SELECT uid FROM ads_user_info_1d LIMIT 1 INTO/**/DUMPFILE '{dir}/stolen'",
        "SELECT * FROM ads_user_info_1d /*!50000 INTO OUTFILE '{dir}/stolen' */",
        "SELECT * FROM ads_user_info_1d /*M!100000 INTO DUMPFILE '{dir}/stolen' */",
        "/*!50000 DELETE FROM ads_user_info_1d */",
        "LOAD DATA INFILE '/etc/hostname' INTO TABLE ads_user_info_1d",
        "LOAD DATA LOCAL INFILE '/etc/hostname' INTO TABLE ads_user_info_1d",
        "SET GLOBAL max_connections = 7",
        "SET SESSION TRANSACTION READ WRITE",
        "SET STATEMENT max_statement_time = 0 FOR SELECT 1",
        "START TRANSACTION READ WRITE",
        "LOCK TABLES ads_user_info_1d WRITE",
        "FLUSH TABLES",
        "KILL 1",
        "CALL steal()",
        "DO GET_LOCK('x', 1)",
        "TRUNCATE ads_user_info_1d",
        "RENAME TABLE ads_user_info_1d TO stolen",
        "GRANT ALL ON *.* TO CURRENT_USER()",
        "CREATE USER stolen",
        "ANALYZE TABLE ads_user_info_1d",
        "HANDLER ads_user_info_1d OPEN",
        "PREPARE s FROM 'DELETE FROM ads_user_info_1d'",
        "EXECUTE IMMEDIATE 'DELETE FROM ads_user_info_1d'",
        "SELECT * FROM ads_user_info_1d FOR UPDATE",
        "SELECT * FROM ads_user_info_1d FOR/**/UPDATE",
        "SELECT * FROM ads_user_info_1d LOCK -- x\nIN/* */SHARE #\nMODE",
        "SELECT * FROM ads_user_info_1d LOCK IN SHARE MODE",
        "SHOW TABLES; DELETE FROM ads_user_info_1d",
        "EXPLAIN SELECT 1; DELETE FROM ads_user_info_1d",
        "SELECT steal_by_function()",
    ],
)
def test_a_server_refuses_what_a_read_only_transaction_lets_pass(on_server, server, tmp_path, sql):
    on_server.write(
        "CREATE PROCEDURE steal() DELETE FROM ads_user_info_1d",
        "SET GLOBAL log_bin_trust_function_creators = 1",
        "CREATE FUNCTION steal_by_function() RETURNS INT MODIFIES SQL DATA "
        "BEGIN DELETE FROM ads_user_info_1d; RETURN 1; END",
    )
    before, limit = on_server.content(), server.execute("SELECT @@GLOBAL.max_connections")
    with pytest.raises(QueryRefusedError):
        on_server.run(sql.format(dir=tmp_path))
    assert list(tmp_path.glob("stolen*")) == []
    assert on_server.content() == before
    assert server.execute("SELECT @@GLOBAL.max_connections") == limit


def test_several_statements_are_refused_also_where_the_driver_would_send_them(on_server):
    from pymysql.constants import CLIENT

    before = on_server.content()
    on_server.url += f"?client_flag={CLIENT.MULTI_STATEMENTS}"
    with pytest.raises(QueryRefusedError):
        on_server.run("SELECT 1; COMMIT; SET SESSION TRANSACTION READ WRITE; DROP TABLE ads_x")
    assert on_server.content() == before


@pytest.mark.parametrize("sql", ["SHOW TABLES", "DESCRIBE ads_user_info_1d", "EXPLAIN SELECT 1"])
def test_a_server_describes_what_it_has(on_server, sql):
    assert len(on_server.rows(sql)) >= 1


def test_a_decimal_stays_exact(on_server):
    assert on_server.rows("SELECT SUM(pv) + 0.5 AS n FROM ads_user_info_1d") == [(Decimal("10.5"),)]


def test_a_statement_that_takes_too_long_is_cancelled_and_the_option_is_named(database):
    with pytest.raises(QueryTooSlowError, match=r"cancelled after 0\.2 s") as raised:
        database.run(SLOW[database.kind], seconds=0.2)
    assert "--seconds" in str(raised.value)


def test_a_result_that_takes_too_long_to_read_is_cancelled_too(sqlite):
    endless = ENDLESS.replace("COUNT(*)", "i")
    with pytest.raises(QueryTooSlowError):
        sqlite.run(endless, seconds=0.2, rows=10**9)


@pytest.mark.parametrize(("limit", "taken", "cut"), [(2, 2, True), (3, 3, False), (4, 3, False)])
def test_rows_end_at_the_limit_and_a_cut_is_known(database, limit, taken, cut):
    _, rows, was_cut = database.run("SELECT uid FROM ads_user_info_1d", rows=limit)
    assert (len(rows), was_cut) == (taken, cut)


def test_without_a_database_the_assets_are_named_and_none_is_made(tmp_path):
    with pytest.raises(NotPublishedError, match="ads_city_registration_1d"):
        Database("sqlite", None, tmp_path).run("SELECT 1")
    assert list(tmp_path.iterdir()) == []


def test_a_table_of_the_results_that_is_missing_names_the_assets(database):
    with pytest.raises(NotPublishedError, match="materialize the assets of the group `serving`"):
        database.run("SELECT * FROM ads_traffic_1d")


def test_another_missing_table_names_those_that_there_are(database):
    with pytest.raises(QueryRefusedError, match="ads_traffic_1d") as raised:
        database.run("SELECT * FROM ods_raw_log_d_spark")
    assert "without --on serving" in str(raised.value)


def test_a_server_that_does_not_answer_may_later(tmp_path):
    url = "mysql+pymysql://reader:canary@127.0.0.1:1/serving"
    with pytest.raises(RecordsUnavailableError) as raised:
        Database("mariadb", url, tmp_path).run("SELECT 1")
    assert "canary" not in str(raised.value)


def test_a_wrong_password_is_no_mistake_of_the_statement(mariadb, tmp_path):
    url = mariadb.url("mysql", password="canary")
    with pytest.raises(UserProfileError) as raised:
        Database("mariadb", url, tmp_path).run("SELECT 1")
    assert isinstance(raised.value, (RecordsError, SettingsError))
    assert "canary" not in str(raised.value)


def test_a_user_who_may_only_read_is_enough(mariadb, tmp_path):
    from sqlalchemy.exc import OperationalError

    name = mariadb.fresh_database()
    url = mariadb.url(name)
    fill(Database("mariadb", url, tmp_path))
    # As docs/analysis.md has it.
    mariadb.execute("CREATE USER 'analyst'@'%' IDENTIFIED BY 'x'")
    try:
        mariadb.execute(f"GRANT SELECT ON {name}.ads_user_info_1d TO 'analyst'@'%'")
        reader = Database(
            "mariadb",
            mariadb.url(name, user="analyst", password="x"),
            tmp_path,
        )
        assert reader.rows("SELECT COUNT(*) FROM ads_user_info_1d") == [(3,)]
        with pytest.raises(UserProfileError, match="command denied"):
            reader.run("SELECT * FROM serving_day")
        with pytest.raises(OperationalError, match="command denied"):
            reader.write("DELETE FROM ads_user_info_1d")
    finally:
        mariadb.execute("DROP USER 'analyst'@'%'")


def test_the_command_prints_whole_csv_and_says_when_it_is_cut(sqlite, capsys):
    settings = Settings(home=sqlite.home)
    sql = "SELECT uid, pv, city FROM ads_user_info_1d ORDER BY uid"
    assert run_serving_query(settings, sql, output="csv", limit=50) == 0
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert rows == [
        ["uid", "pv", "city"],
        ["u1", "3", "上海"],
        ["u2", "", ""],
        ["ü'\"%\\", "7", ""],
    ]
    assert run_serving_query(settings, sql, output="json", limit=50, rows=2) == 1
    printed = capsys.readouterr()
    assert [row["uid"] for row in json.loads(printed.out)] == ["u1", "u2"]
    assert "cut after 2 rows" in printed.err


def test_the_table_shows_its_first_rows_and_is_no_cut(sqlite, capsys):
    settings = Settings(home=sqlite.home)
    sql = "SELECT uid FROM ads_user_info_1d"
    assert run_serving_query(settings, sql, output="table", limit=1) == 0
    assert "there are more" in capsys.readouterr().out
