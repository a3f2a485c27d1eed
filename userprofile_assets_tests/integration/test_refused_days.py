"""A day that breaks a strong rule: shown, named, and built upon by no run until it is good."""

import json
import sqlite3
from contextlib import closing

import pytest
from pydantic import SecretStr

from userprofile_assets.records.database import open_records
from userprofile_assets.records.partitions import read_partitions
from userprofile_assets.records.source_schemas import accept
from userprofile_assets.settings import Settings
from userprofile_assets_tests.support.runs import Project, failed_checks, failure_of

GOOD, BAD = "2024-08-06", "2024-08-07"
DAYS = (GOOD, BAD)
LOG = "ods_raw_log_d_spark"
LINES = "dwd_log_line_spark"
VALUES = "dwd_log_value_di_spark"
A_LINE = "192.0.2.{0}##@@u{0}##@@{1} 10:00:00##@@GET / HTTP/1.1##@@200##@@5##@@-##@@Mozilla/5.0\n"


@pytest.fixture
def logs(tmp_path):
    for day in DAYS:
        write_log(tmp_path, day, 3)
    return tmp_path


def write_log(directory, day, lines):
    text = "".join(A_LINE.format(number, day) for number in range(1, lines + 1))
    (directory / f"{day.replace('-', '')}.txt").write_text(text)


@pytest.fixture
def project(logs, spark):
    return project_of(logs)


def project_of(logs, **settings):
    return Project(
        Settings(
            home=logs / "home",
            start_date="2024-08-01",
            log_url=SecretStr(f"{logs.as_uri()}/${{bizdate}}.txt"),
            demo_users=20,
            **settings,
        )
    )


def test_a_refused_day_is_shown_and_what_is_behind_it_is_not_made(project, logs, spark):
    write_log(logs, BAD, 0)
    result = project.materialize("raw_log_oss", LOG, LINES, day=BAD)
    assert failed_checks(result) == {f"{LOG}.row_count_above_0"}
    assert project.materialized(LOG) == {BAD}
    assert project.materialized(LINES) == set()


def test_of_several_days_the_refused_one_is_named_and_a_relaunch_makes_the_others(logs, spark):
    write_log(logs, BAD, 0)
    of_all = project_of(logs, backfill_days_per_run="all")
    result = of_all.materialize("raw_log_oss", LOG, LINES, VALUES, days=DAYS)
    assert failure_of(result, LOG).splitlines()[:2] == [
        "1 of 2 days failed; the others are published and recorded.",
        f"{BAD}: {LOG}, {BAD}: the day is made, but breaks 1 strong rule (row_count_above_0: "
        "row_count > 0: 0 (error <= 0)); nothing is built on it",
    ]
    assert of_all.materialized(VALUES) == set()

    relaunched = of_all.materialize(LINES, VALUES, days=DAYS)

    # The view stores nothing: what it reads decides for what reads it.
    assert failure_of(relaunched, LINES).startswith("1 of 2 days failed")
    alone = of_all.materialize(VALUES, days=DAYS)
    said = failure_of(alone, VALUES)
    assert f"{BAD}: {VALUES}, {BAD}: what it is made from breaks strong rules: {LOG} breaks" in said
    assert of_all.materialized(VALUES) == {GOOD}


def test_a_day_that_was_made_again_and_is_good_is_built_upon(project, logs):
    write_log(logs, BAD, 0)
    assert not project.materialize("raw_log_oss", LOG, day=BAD).success
    assert not project.materialize(VALUES, day=BAD).success
    write_log(logs, BAD, 3)
    assert project.materialize("raw_log_oss", LOG, LINES, VALUES, day=BAD).success


def test_the_records_have_the_days_with_rows_bytes_and_run(project, logs):
    result = project.materialize("raw_log_oss", LOG, LINES, VALUES, day=GOOD)
    with open_records(None, project.settings.home) as records:
        found = {name: read_partitions(records, name) for name in ("raw_log_oss", LINES, VALUES)}
    (raw,), (view,), (values,) = found.values()
    size = (logs / "20240806.txt").stat().st_size
    assert (raw.dt, raw.row_count, raw.byte_count) == ("20240806", 3, size)
    assert raw.run_id == result.run_id
    assert (view.row_count, view.byte_count, view.location) == (None, None, None)
    assert values.row_count == 6  # three addresses, an agent, an outcome, a format
    assert (values.byte_count or 0) > 0
    assert "/dwd_log_value_di_spark/run=" in str(values.location)


@pytest.mark.parametrize(
    "url",
    ["mysql+pymysql://u:p@127.0.0.1:1/records", "sqlite:////proc/nowhere/records.db"],
    ids=["no server", "no directory"],
)
def test_records_that_do_not_answer_fail_no_run(logs, spark, url):
    project = project_of(logs, serving_url=url)
    result = project.materialize("raw_log_oss", LOG, LINES, VALUES, day=GOOD)
    assert result.success
    assert failed_checks(result) == set()


def test_events_of_a_day_name_what_it_reads_and_writes_and_what_the_rules_said(logs, spark):
    project = project_of(logs, openlineage="file")
    assert project.materialize("raw_log_oss", LOG, day=GOOD).success
    written = (project.settings.home / "openlineage" / "events.ndjson").read_text().splitlines()
    events = [json.loads(line) for line in written]
    told = [
        (event["job"]["name"].rpartition("__ASSET_JOB.")[2], event["eventType"]) for event in events
    ]
    assert told == [
        ("raw_log_oss", "START"), ("raw_log_oss", "COMPLETE"),
        (LOG, "START"), (LOG, "COMPLETE"),
        (f"{LOG}.checks", "START"), (f"{LOG}.checks", "COMPLETE"),
    ]  # fmt: skip
    key = "storage/ods_raw_log_d/log_20240806/log_20240806.txt"
    names = [[one["name"] for one in events[1][side]] for side in ("inputs", "outputs")]
    assert names == [[str(logs / "20240806.txt")], [str(project.settings.home / key)]]
    assert events[3]["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"] == 3
    assertions = events[5]["inputs"][0]["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert {"row_count > 0": True}.items() <= {
        one["assertion"]: one["success"] for one in assertions
    }.items()


def test_an_endpoint_that_is_dead_fails_no_run(logs):
    project = project_of(logs, openlineage="http", openlineage_url="http://127.0.0.1:1")
    assert project.materialize("raw_log_oss", day=GOOD).success


# --- a source that has changed ----------------------------------------------------------------


def write_users(path, declared):
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"CREATE TABLE ods_user_info_d ({declared})")
        connection.execute("INSERT INTO ods_user_info_d (uid) VALUES ('u1')")


COLUMNS = "uid TEXT, gender TEXT, age_range TEXT, zodiac TEXT"


@pytest.fixture
def users(tmp_path):
    path = tmp_path / "users.db"
    write_users(path, COLUMNS)
    return path


def users_project(users):
    return Project(
        Settings(
            home=users.parent / "home",
            start_date="2024-08-01",
            mysql_url=SecretStr(f"sqlite:///{users}"),
            user_split_key="",
        )
    )


def test_a_column_of_another_type_stops_the_copy_until_it_is_accepted(users):
    project = users_project(users)
    assert project.materialize("user_info_oss", day=GOOD).success
    stored = users.parent / "home/storage/ods_user_info_d/user_20240806/user_20240806.txt"
    former = stored.read_bytes()
    write_users(users, COLUMNS.replace("zodiac TEXT", "zodiac INTEGER"))

    for _ in range(2):  # a rerun does not accept it
        result = project.materialize("user_info_oss", day=GOOD)
        assert failure_of(result, "user_info_oss").splitlines()[0] == (
            "ods_user_info_d_mysql: the columns are others than before "
            "(other type: zodiac (TEXT -> INTEGER))"
        )
    assert stored.read_bytes() == former

    with open_records(None, project.settings.home) as records:
        accept(records, "ods_user_info_d_mysql")
    assert project.materialize("user_info_oss", day=GOOD).success


def test_a_new_column_is_told_once(users):
    project = users_project(users)
    project.materialize("user_info_oss", day=GOOD)
    write_users(users, f"{COLUMNS}, level TEXT")
    first = project.materialize("user_info_oss", day=GOOD)
    second = project.materialize("user_info_oss", day=GOOD)
    assert (first.success, second.success) == (True, True)
    assert failed_checks(first) == {"user_info_oss.source_columns_unchanged"}
    assert failed_checks(second) == set()
