"""One bad day inside of a run of several: named, left out, and completed later."""

from __future__ import annotations

import pytest

from userprofile_assets.errors import NotPublishedError
from userprofile_assets_tests.support.project import ASSETS

pytestmark = [pytest.mark.xdist_group("spark_processes"), pytest.mark.timeout(2400)]

GOOD = ("2015-05-17", "2015-05-18", "2015-05-20")
BAD = "2015-05-19"


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    directory = tmp_path_factory.mktemp("logs")
    for day in GOOD:
        write_log(directory, day)
    return directory


def write_log(directory, day):
    (directory / f"log_{day.replace('-', '')}.txt").write_text(f"the line of {day}\n")


@pytest.fixture(scope="module")
def poisoned(module_project, logs):
    module_project.configure(
        LOG_URL=f"{logs.as_uri()}/log_${{bizdate}}.txt", BACKFILL_DAYS_PER_RUN="all"
    )
    return module_project.materialize_range("2015-05-17", "2015-05-20")


@pytest.fixture(scope="module")
def relaunched(module_project, logs, poisoned):
    write_log(logs, BAD)
    return module_project.materialize(BAD)


def test_the_run_fails_and_names_exactly_the_bad_day(poisoned, logs):
    assert poisoned.code != 0
    assert "1 of 4 days failed; the others are published and recorded." in poisoned.output
    assert f"{BAD}: {logs}/log_20150519.txt: there is no such file" in poisoned.output
    assert [day for day in GOOD if f"{day}: {logs}" in poisoned.output] == []


def test_the_good_days_are_published_and_recorded_and_the_bad_one_is_not(module_project, poisoned):
    assert module_project.materialized("raw_log_oss") == set(GOOD)
    for day in GOOD:
        assert module_project.published("raw_log_oss", day)[1] == f"the line of {day}\n".encode()
    with pytest.raises(NotPublishedError):
        module_project.published("raw_log_oss", BAD)


def test_the_other_source_is_complete_and_the_table_behind_the_bad_day_waits(
    module_project, poisoned
):
    assert module_project.materialized("user_info_oss") == {*GOOD, BAD}
    assert module_project.materialized("ods_user_info_d_spark") == {*GOOD, BAD}
    assert module_project.materialized("ods_raw_log_d_spark") == set()


def test_relaunching_the_bad_day_completes_it(module_project, relaunched):
    assert relaunched.code == 0, relaunched.output
    assert [asset for asset in ASSETS if BAD not in module_project.materialized(asset)] == []
    assert module_project.published("raw_log_oss", BAD)[1] == b"the line of 2015-05-19\n"
