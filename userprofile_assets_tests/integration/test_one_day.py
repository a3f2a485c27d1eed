"""One day through the real assets: sources to storage to Spark tables."""

import hashlib
import json

import dagster as dg
import pytest

from userprofile_assets.settings import Settings
from userprofile_assets_tests.support.runs import Project, checks_of, failed_checks, failure_of
from userprofile_assets_tests.support.web import Answer

DAY = "2024-08-07"
REAL_LOG_SHA256 = "f15c31e905f86c7b4b6ab44aee74d0a2086dce89f010187d983edea7ef0364ef"
ASSETS = ["raw_log_oss", "user_info_oss", "ods_raw_log_d_spark", "ods_user_info_d_spark"]


@pytest.fixture
def project(settings, spark):
    return Project(settings)


def test_a_day_of_the_embedded_sources_becomes_four_partitions(project, spark):
    result = project.materialize(day=DAY)
    assert result.success
    assert {name: project.materialized(name) for name in ASSETS} == {name: {DAY} for name in ASSETS}
    assert project.metadata("ods_raw_log_d_spark", DAY)["dagster/partition_row_count"] == 200
    assert project.metadata("ods_user_info_d_spark", DAY)["dagster/partition_row_count"] == 50
    assert spark.sql("SELECT COUNT(*) FROM ods_raw_log_d_spark").collect()[0][0] == 200
    assert checks_of(result, "rows_equal_manifest") == {
        "ods_raw_log_d_spark": True, "ods_user_info_d_spark": True,
    }  # fmt: skip
    assert failed_checks(result) == set()


def test_each_run_records_observations_of_both_sources(project, settings):
    project.materialize("raw_log_oss", "user_info_oss", day=DAY)
    log, users = (
        project.instance.fetch_observations(dg.AssetKey(name), limit=1).records[0]
        for name in ("user_log_httpfile", "ods_user_info_d_mysql")
    )
    assert log.asset_observation.metadata["bizdate"].value == "20240807"
    assert log.asset_observation.metadata["bytes"].value > 0
    columns = users.asset_observation.metadata["columns"].value
    assert [column["name"] for column in columns] == ["uid", "gender", "age_range", "zodiac"]


def test_the_real_access_log_over_http_arrives_whole(tmp_path, spark, web, shared_data):
    log = (shared_data / "elastic_apache_logs.log").read_bytes()
    url = web.script("/access.log", Answer(body=log))
    project = Project(Settings(home=tmp_path / "home", start_date="2015-05-01", log_url=url))
    result = project.materialize("raw_log_oss", "ods_raw_log_d_spark", day="2015-05-18")
    assert result.success
    stored = tmp_path / "home/storage/ods_raw_log_d/log_20150518/log_20150518.txt"
    assert hashlib.sha256(stored.read_bytes()).hexdigest() == REAL_LOG_SHA256
    rows = spark.sql("SELECT col FROM ods_raw_log_d_spark WHERE dt = '20150518'").collect()
    lines = [row.col for row in rows]
    assert len(lines) == 10_000
    assert sorted(lines) == sorted(log.decode().removesuffix("\n").split("\n"))


def test_every_byte_of_a_line_reaches_spark(tmp_path, spark):
    source = tmp_path / "log.txt"
    source.write_bytes(b"a\rb\nx\x01y\n\\N\n\xff\xfe bad\n\nlast\x00nul|p")
    project = Project(Settings(home=tmp_path / "home", log_url=source.as_uri()))
    assert project.materialize("raw_log_oss", "ods_raw_log_d_spark", day=DAY).success
    rows = spark.sql("SELECT hex(col) FROM ods_raw_log_d_spark WHERE dt = '20240807'").collect()
    assert [bytes.fromhex(row[0]) for row in rows] == [
        b"a\rb", b"x\x01y", b"\\N", b"\xff\xfe bad", b"", b"last\x00nul|p",
    ]  # fmt: skip


def test_an_empty_log_is_an_empty_object_and_a_day_that_is_refused(tmp_path, spark):
    source = tmp_path / "log.txt"
    source.write_bytes(b"")
    project = Project(Settings(home=tmp_path / "home", log_url=source.as_uri()))
    result = project.materialize("raw_log_oss", "ods_raw_log_d_spark", day=DAY)
    assert (
        tmp_path / "home/storage/ods_raw_log_d/log_20240807/log_20240807.txt"
    ).read_bytes() == b""
    assert project.metadata("ods_raw_log_d_spark", DAY)["dagster/partition_row_count"] == 0
    assert failed_checks(result) == {"ods_raw_log_d_spark.row_count_above_0"}
    assert failure_of(result, "ods_raw_log_d_spark").startswith(
        "ods_raw_log_d_spark, 2024-08-07: the day is made, but breaks 1 strong rule"
    )


def test_a_missing_log_fails_the_run_without_a_retry_and_says_what_to_do(tmp_path):
    project = Project(Settings(home=tmp_path / "home", log_url=(tmp_path / "no.log").as_uri()))
    result = project.materialize("raw_log_oss", day=DAY)
    assert not result.success
    assert "no.log" in failure_of(result, "raw_log_oss")
    assert "What to do:" in failure_of(result, "raw_log_oss")
    assert not any(event.is_step_up_for_retry for event in result.all_events)


def test_rows_that_spark_does_not_find_fail_the_blocking_check(project, settings, spark):
    project.materialize("raw_log_oss", day=DAY)
    manifest = settings.home / "storage/ods_raw_log_d/log_20240807/_manifest.json"
    promised = json.loads(manifest.read_text()) | {"rows": 201}
    manifest.write_text(json.dumps(promised))
    result = project.materialize("ods_raw_log_d_spark", day=DAY)
    assert not result.success
    assert checks_of(result, "rows_equal_manifest") == {"ods_raw_log_d_spark": False}
    assert "Spark counts 200 rows, the manifest says 201" in failure_of(
        result, "ods_raw_log_d_spark"
    )
    assert project.materialized("ods_raw_log_d_spark") == set()


def test_an_object_that_another_program_changed_is_refused(project, settings, spark):
    project.materialize("raw_log_oss", day=DAY)
    stored = settings.home / "storage/ods_raw_log_d/log_20240807/log_20240807.txt"
    stored.write_bytes(stored.read_bytes() + b"one more line\n")
    result = project.materialize("ods_raw_log_d_spark", day=DAY)
    assert "its manifest says" in failure_of(result, "ods_raw_log_d_spark")


def test_a_table_without_its_object_names_the_day_that_is_not_published(project, spark):
    result = project.materialize("ods_raw_log_d_spark", day=DAY)
    assert "the day is not published" in failure_of(result, "ods_raw_log_d_spark")


def test_a_rerun_with_new_data_replaces_the_rows(tmp_path, spark):
    source = tmp_path / "log.txt"
    project = Project(Settings(home=tmp_path / "home", log_url=source.as_uri()))
    for text, rows in (("a\nb\n", ["a", "b"]), ("c\n", ["c"])):
        source.write_text(text)
        assert project.materialize("raw_log_oss", "ods_raw_log_d_spark", day=DAY).success
        found = spark.sql("SELECT col FROM ods_raw_log_d_spark WHERE dt = '20240807'").collect()
        assert [row.col for row in found] == rows
