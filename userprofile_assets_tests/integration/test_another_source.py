"""The users' table moves: from the demo to a database, to another table, to a query."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from userprofile_assets.settings import Settings
from userprofile_assets_tests.support.runs import Project, failed_checks, failure_of

TOLD = "another source than before: its columns are taken as they are"


@pytest.fixture
def project(tmp_path):
    """A project with the embedded demo."""
    return Project(Settings(home=tmp_path / "home", demo_users=20))


@pytest.fixture
def url(mariadb):
    return mariadb.url(database_of(mariadb))


def database_of(mariadb):
    database = mariadb.fresh_database()
    for table, kind in (("ods_user_info_d", "VARCHAR(64)"), ("members", "CHAR(9)")):
        mariadb.execute(
            f"CREATE TABLE {table} (uid {kind} PRIMARY KEY, gender {kind}, age_range {kind}, "
            f"zodiac {kind})",
            database=database,
        )
        mariadb.execute(
            f"INSERT INTO {table} VALUES ('u1', 'f', '20-30', 'leo')", database=database
        )
    return database


def run(project, **settings):
    project.settings = Settings(home=project.settings.home, demo_users=20, **settings)
    return project.materialize("user_info_oss", day="2024-08-07")


def told(result):
    (check,) = result.get_asset_check_evaluations()
    return check.passed, check.description


def test_the_demo_is_followed_by_a_database_of_ones_own(project, url):
    assert run(project).success

    moved = run(project, mysql_url=SecretStr(url))

    assert moved.success
    assert failed_checks(moved) == {"user_info_oss.source_columns_unchanged"}
    assert told(moved)[1].startswith(TOLD)
    assert told(run(project, mysql_url=SecretStr(url))) == (True, "nothing changed")


@pytest.mark.parametrize(
    "other",
    [
        {"user_table": "members"},
        {"user_query": "SELECT * FROM members WHERE '${bizdate}' > '2024'"},
    ],
    ids=["table", "query"],
)
def test_another_table_or_query_is_another_source(project, url, other):
    assert run(project, mysql_url=SecretStr(url)).success

    moved = run(project, mysql_url=SecretStr(url), **other)

    assert moved.success
    assert told(moved)[1].startswith(TOLD)
    assert told(run(project, mysql_url=SecretStr(url), **other)) == (True, "nothing changed")


def test_another_database_of_the_server_is_another_source(project, url, mariadb):
    assert run(project, mysql_url=SecretStr(url)).success

    moved = run(project, mysql_url=SecretStr(mariadb.url(database_of(mariadb))))

    assert told(moved) == (False, TOLD)


def test_another_password_is_the_same_source(project, url, mariadb):
    mariadb.execute("DROP USER IF EXISTS other@'%'")
    mariadb.execute("CREATE USER other@'%' IDENTIFIED BY 'p'")
    mariadb.execute("GRANT SELECT ON *.* TO other@'%'")
    assert run(project, mysql_url=SecretStr(url)).success
    database = url.rpartition("/")[2]

    again = run(project, mysql_url=SecretStr(mariadb.url(database, user="other", password="p")))

    assert told(again) == (True, "nothing changed")


def test_the_same_source_still_blocks(project, url, mariadb):
    assert run(project, mysql_url=SecretStr(url)).success
    database = url.rpartition("/")[2]
    mariadb.execute("ALTER TABLE ods_user_info_d MODIFY zodiac VARCHAR(65)", database=database)

    blocked = run(project, mysql_url=SecretStr(url))

    assert "other type: zodiac (varchar(64) -> varchar(65))" in failure_of(blocked, "user_info_oss")
