"""`userprofile demo`, `query` and `doctor`, each as a process of its own."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from userprofile_assets.settings import Settings
from userprofile_assets_tests.support.project import DEMO_DAY, EVERY_ASSET, scratch_project

pytestmark = [pytest.mark.xdist_group("spark_processes"), pytest.mark.timeout(2400)]

DAY_BEFORE, DAY = "2024-08-06", DEMO_DAY
COUNT = "SELECT COUNT(*) AS users, MIN(dt) AS day FROM ods_user_info_d_spark WHERE dt = '20240807'"
CANARIES = ("canary-of-mysql", "canary-of-the-log", "canary-of-spark")
TESTS_OF_THE_DOCTOR = (
    "Python packages",
    "Java",
    "SQL files",
    "home directory",
    "log source",
    "user source",
    "object storage",
    "log lines",
    "Spark",
    "Spark metastore",
    "Spark storage",
    "Spark start",
    "Dagster instance",
    "alerts",
)


def states(done):
    """Return what the demo's table says of each asset: state and rows."""
    found = re.findall(
        r"^(\w+) +│ ((?:made|good already|failed|not run)[\w, ]*?) +│ +([\d,]*)",
        done.stdout,
        re.MULTILINE,
    )
    return {asset: (state, rows) for asset, state, rows in found}


def lines_of(done, mark):
    """Return the names of the doctor's tests with this mark."""
    return tuple(re.findall(rf"^  {mark} +([^:]+): ", done.stdout, re.MULTILINE))


def demo(project, *options):
    return project.run("userprofile", "demo", "--dt", DAY, "--days", "2", "--no-serve", *options)


@pytest.fixture(scope="module")
def first(demo_project):
    return demo(demo_project)


@pytest.fixture(scope="module")
def second(demo_project, first):
    return demo(demo_project)


@pytest.fixture(scope="module")
def failed(demo_project, second):
    """A demo that finds a day's users gone, and somebody else's object in their place."""
    place = demo_project.directory("user_info_oss", DAY)
    shutil.rmtree(place)
    stranger = place / "someone-elses"
    place.mkdir()
    stranger.write_text("another object")
    done = demo(demo_project)
    stranger.unlink()
    return done


@pytest.fixture(scope="module")
def repaired(demo_project, failed):
    return demo(demo_project)


def test_the_first_demo_makes_all_assets_of_all_days_and_tells_their_rows(first):
    assert first.code == 0, first.output
    found = states(first)
    assert {asset: state for asset, (state, _) in found.items()} == dict.fromkeys(
        EVERY_ASSET, "made"
    )
    rows = ("raw_log_oss", "ods_user_info_d_spark", "ads_user_info_1d_spark")
    assert [found[asset][1] for asset in rows] == ["400", "100", "18"]


def test_all_days_are_made_in_one_run(demo_project, first):
    (run,) = demo_project.instance.get_runs()
    assert run.tags["dagster/asset_partition_range_start"] == DAY_BEFORE
    assert run.tags["dagster/asset_partition_range_end"] == DAY


def test_the_demo_shows_the_tutorials_two_verification_queries_and_profiles(first):
    for table in ("ods_raw_log_d_spark", "ods_user_info_d_spark"):
        assert f"SELECT * FROM {table} WHERE dt = '20240807' LIMIT 5" in first.stdout
    assert "FROM ads_user_info_1d_spark WHERE dt = '20240807' LIMIT 5" in first.stdout
    assert first.stdout.count("5 rows") == 3


def test_the_demo_is_recorded_in_the_history_that_the_ui_shows(demo_project, first):
    made = {asset: demo_project.materialized(asset) for asset in EVERY_ASSET}
    assert made == {asset: {DAY_BEFORE, DAY} for asset in EVERY_ASSET}


def test_a_second_demo_says_that_everything_is_good_already(demo_project, second):
    assert second.code == 0, second.output
    assert "Everything of these days is good already; nothing to do." in second.output
    assert {state for state, _ in states(second).values()} == {"good already"}
    assert len(demo_project.instance.get_runs()) == 1


def test_a_day_that_fails_is_told_and_leaves_the_good_ones_alone(failed):
    assert failed.code == 1
    found = states(failed)
    assert found["user_info_oss"] == ("good already 1, failed 1", "50")
    assert found["dws_user_info_all_di_spark"][0] == "good already 1, not run 1"
    assert found["dwd_log_info_di_spark"][0] == "good already"
    assert f"{DAY}: " in failed.output


def test_the_next_demo_makes_what_failed_and_what_is_made_from_it(demo_project, repaired):
    assert repaired.code == 0, repaired.output
    made = {asset for asset, (state, _) in states(repaired).items() if "made" in state}
    of_users = {"user_info_oss", "ods_user_info_d_spark", "dws_user_info_all_di_spark"}
    assert of_users < made
    assert not {"raw_log_oss", "dwd_log_info_di_spark", "ods_raw_log_d_spark"} & made
    assert {states(repaired)[asset][0] for asset in made} == {"made 1, good already 1"}
    assert demo_project.published("user_info_oss", DAY)[0].rows == 50
    assert demo_project.instance.get_runs()[0].tags["dagster/partition"] == DAY


def test_query_prints_nothing_but_csv(demo_project, repaired):
    done = demo_project.run("userprofile", "query", COUNT, "--format", "csv")
    assert (done.code, done.stdout) == (0, "users,day\n50,20240807\n"), done.output


def test_the_doctor_finds_the_demo_well(demo_project, repaired):
    done = demo_project.run("userprofile", "doctor")
    assert (done.code, lines_of(done, "FAIL")) == (0, ()), done.output
    assert lines_of(done, "ok") == TESTS_OF_THE_DOCTOR
    assert "All is well." in done.output


@pytest.fixture(scope="module")
def sick(tmp_path_factory):
    """What the doctor says of a project without sources, whose secrets hold a canary each."""
    with scratch_project(tmp_path_factory.mktemp("sick") / "project") as project:
        project.configure(
            MYSQL_URL=f"mysql+pymysql://reader:{CANARIES[0]}@127.0.0.1:1/users",
            LOG_URL=f"http://reader:{CANARIES[1]}@127.0.0.1:1/log?token={CANARIES[1]}",
            SPARK_CONF=json.dumps({"spark.hadoop.fs.s3a.secret.key": CANARIES[2]}),
        )
        return project.run("userprofile", "doctor")


def test_the_doctor_names_the_parts_that_fail_and_ends_with_1(sick):
    assert (sick.code, lines_of(sick, "FAIL")) == (1, ("log source", "user source")), sick.output
    assert "2 failed" in sick.output


def test_the_doctor_prints_a_line_for_each_setting(sick):
    shown = re.findall(r"^  USERPROFILE_(\w+) = ", sick.stdout, re.MULTILINE)
    assert shown == [name.upper() for name in Settings.model_fields]


def test_the_doctor_prints_no_secret(sick):
    assert [canary for canary in CANARIES if canary in sick.output] == []
    assert "USERPROFILE_MYSQL_URL = (set, secret)" in sick.output
