"""The commands of the README as processes of their own: a day, a range of days, `dg launch`."""

from __future__ import annotations

import pytest

from userprofile_assets_tests.support.project import (
    ASSETS,
    CHECKOUT,
    EVERY_ASSET,
    FIRST,
    INGEST,
    TABLES,
)
from userprofile_assets_tests.support.web import Answer, Web

pytestmark = [pytest.mark.xdist_group("spark_processes_2"), pytest.mark.timeout(2400)]

DAY = "2015-05-18"
RANGE = ("2015-05-19", "2015-05-20", "2015-05-21", "2015-05-22")
LAUNCHED = "2015-05-25"
FIXED_LOG = b"".join(b"a line of the only log, number %d\n" % n for n in range(70))

# The tools of developers leave these, at any time.
NOT_OURS = {".git", ".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache", "__pycache__"}


def checkout_entries():
    return {path.name for path in CHECKOUT.iterdir()} - NOT_OURS


@pytest.fixture(scope="module")
def fixed_log():
    server = Web()
    server.script("/log", Answer(body=FIXED_LOG))
    yield server
    server.close()


@pytest.fixture(scope="module")
def days_in_one_run(day_project, made_day, fixed_log):
    day_project.configure(BACKFILL_DAYS_PER_RUN="all", LOG_URL=fixed_log.url("/log"))
    done = day_project.materialize_range(RANGE[0], RANGE[-1])
    day_project.configure(BACKFILL_DAYS_PER_RUN=None, LOG_URL=None)
    return done


@pytest.fixture(scope="module")
def launched(day_project, days_in_one_run):
    """What `dg launch` ended with, and what it left in the checkout."""
    before = checkout_entries()
    done = day_project.run("dg", "launch", "--assets", FIRST, "--partition", LAUNCHED, cwd=CHECKOUT)
    return done, checkout_entries() - before


@pytest.fixture(scope="module")
def rows_in_spark(day_project, launched):
    counted = " UNION ALL ".join(
        f"SELECT '{table}' AS name, dt, COUNT(*) AS n FROM {table} GROUP BY dt" for table in TABLES
    )
    return {(row["name"], row["dt"]): row["n"] for row in day_project.query(counted)}


def test_dagster_asset_materialize_fills_a_day_of_the_selected_assets(day_project, made_day):
    assert made_day.code == 0, made_day.output
    made = {asset: day_project.materialized(asset) for asset in EVERY_ASSET}
    assert [asset for asset, days in made.items() if DAY in days] == list(ASSETS)


def test_the_objects_of_the_day_are_as_their_manifests_say(day_project, made_day):
    log, text = day_project.published("raw_log_oss", DAY)
    users, _ = day_project.published("user_info_oss", DAY)
    assert (log.rows, users.rows) == (200, 50)
    assert text.count(b"\n") == 200
    assert log.run_id == users.run_id


def test_spark_reads_the_rows_of_the_manifests(rows_in_spark):
    assert rows_in_spark["ods_raw_log_d_spark", "20150518"] == 200
    assert rows_in_spark["ods_user_info_d_spark", "20150518"] == 50


def test_a_partition_range_fills_all_its_days_in_one_run(day_project, days_in_one_run):
    assert days_in_one_run.code == 0, days_in_one_run.output
    for asset in ASSETS:
        assert day_project.materialized(asset) >= set(RANGE)
    runs = {day_project.published(asset, day)[0].run_id for asset in INGEST for day in RANGE}
    assert len(runs) == 1


@pytest.mark.usefixtures("days_in_one_run")
def test_a_log_without_history_is_fetched_once_for_all_days_of_the_run(day_project, fixed_log):
    assert len(fixed_log.requests("/log")) == 1
    for day in RANGE:
        assert day_project.published("raw_log_oss", day)[1] == FIXED_LOG


@pytest.mark.usefixtures("days_in_one_run")
@pytest.mark.parametrize("asset", INGEST)
def test_the_later_days_say_whose_bytes_they_are_and_when_those_were_taken(day_project, asset):
    manifests = [day_project.published(asset, day)[0] for day in RANGE]
    assert [m.copied_from for m in manifests] == [None, "20150519", "20150519", "20150519"]
    assert len({(m.taken_at, m.sha256) for m in manifests}) == 1


def test_spark_has_every_day_of_the_range(rows_in_spark):
    counted = {day: n for (table, day), n in rows_in_spark.items() if "raw_log" in table}
    assert counted == {
        "20150518": 200,
        "20150519": 70,
        "20150520": 70,
        "20150521": 70,
        "20150522": 70,
        "20150525": 200,
    }


def test_dg_launch_fills_a_day_and_leaves_nothing_in_the_checkout(day_project, launched):
    done, new = launched
    assert done.code == 0, done.output
    assert [asset for asset in ASSETS if LAUNCHED not in day_project.materialized(asset)] == []
    assert new == set()
