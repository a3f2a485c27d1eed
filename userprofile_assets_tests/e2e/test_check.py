"""`userprofile check` as a process of its own, on a day that a run has made."""

from __future__ import annotations

import json
import shutil

import pytest

from userprofile_assets_tests.support.project import TABLES

pytestmark = [pytest.mark.xdist_group("spark_processes_2"), pytest.mark.timeout(2400)]

DAY = "2015-05-18"
LOG, USERS = TABLES


@pytest.fixture(scope="module")
def made(day_project, made_day):
    """A project with one day of the ods tables, without what the run itself has kept of it."""
    assert made_day.code == 0, made_day.output
    serving = day_project.home / "serving"
    aside = serving.with_name("serving of the run")
    serving.rename(aside)
    yield day_project
    shutil.rmtree(serving, ignore_errors=True)
    aside.rename(serving)


def check(project, *arguments):
    return project.run("userprofile", "check", *arguments)


@pytest.fixture(scope="module")
def as_json(made):
    """What checking the day by JSON said, and whether it kept anything."""
    done = check(made, LOG, USERS, "--dt", DAY, "--format", "json")
    kept = (made.home / "serving").exists()
    return done, kept


def test_a_good_day_ends_with_0_and_json_alone_on_standard_output(as_json):
    done, _ = as_json
    assert done.code == 0, done.output
    results = json.loads(done.stdout)
    assert {(r["table"], r["rule"], r["strength"], r["status"], r["value"]) for r in results} >= {
        (LOG, "row_count_above_0", "strong", "passed", 200),
        (USERS, "row_count_above_0", "strong", "passed", 50),
        (USERS, "unique_uid", "soft", "passed", 0),
        (USERS, "row_count_volatility_1d", "soft", "unknown", 50),
    }
    assert not any(result["blocks"] for result in results)


def test_nothing_is_written_without_keep(as_json):
    _, kept = as_json
    assert not kept


def test_a_day_that_is_not_there_is_refused_with_1_and_kept(made, as_json):
    done = check(made, USERS, "--dt", "20150601", "--keep")
    assert done.code == 1
    assert "failed, blocks" in done.output
    assert "row_count > 0: 0 (error <= 0)" in done.output
    assert "1 block" in done.output
    assert (made.home / "serving").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ods_user_info_d", "--dt", DAY], "did you mean ods_user_info_d_spark?"),
        ([USERS, "--dt", "yesterday"], "'yesterday' is not a day"),
        ([USERS], "Missing option '--dt'"),
    ],
    ids=["unknown table", "no day", "day missing"],
)
def test_a_wrong_command_ends_with_2(made, arguments, said):
    done = check(made, *arguments)
    assert done.code == 2
    assert said in done.output


def test_a_table_that_was_never_made_is_named(made):
    done = check(made, "ads_user_info_1d_spark", "--dt", DAY)
    assert done.code == 1
    assert "ads_user_info_1d_spark: the table is not there yet" in done.output
