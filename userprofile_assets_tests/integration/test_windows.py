"""Runs of several days: read once, each day for itself, bad days named."""

import hashlib
import json
from pathlib import Path

import pytest

from userprofile_assets.assets import ingest
from userprofile_assets.ingestion.log_copy import copy_log
from userprofile_assets.records.database import open_records
from userprofile_assets.records.partitions import read_partitions
from userprofile_assets.settings import Settings
from userprofile_assets_tests.support.runs import Project, failure_of
from userprofile_assets_tests.support.web import Answer

DAYS = ("2024-08-05", "2024-08-07")


def manifest(home: Path, bizdate: str, kind: str = "log") -> dict[str, object]:
    root = {"log": "ods_raw_log_d", "user": "ods_user_info_d"}[kind]
    path = home / "storage" / root / f"{kind}_{bizdate}" / "_manifest.json"
    found: dict[str, object] = json.loads(path.read_text())
    return found


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


def project_of(home, **settings):
    return Project(
        Settings(home=home, backfill_days_per_run="all", demo_lines=50, demo_users=20, **settings)
    )


def test_a_source_without_history_is_read_once_for_all_days(home, web):
    url = web.script("/log", Answer(body=b"one\ntwo\n"))
    project = project_of(home, log_url=url)
    assert project.materialize("raw_log_oss", "user_info_oss", days=DAYS).success
    assert len(web.requests("/log")) == 1
    assert [manifest(home, day)["copied_from"] for day in ("20240805", "20240806", "20240807")] == [
        None, "20240805", "20240805",
    ]  # fmt: skip
    taken = {manifest(home, day, "user")["taken_at"] for day in ("20240805", "20240806")}
    assert len(taken) == 1


def test_a_digest_with_bizdate_is_checked_for_each_day(home, web):
    url = web.script("/log", Answer(body=b"one\n"))
    good = hashlib.sha256(b"one\n").hexdigest()
    for day, digest in (("05", good), ("06", "ab" * 32), ("07", good)):
        web.script(f"/sum/202408{day}", Answer(body=digest.encode()))
    project = project_of(home, log_url=url, log_sha256=web.url("/sum/${bizdate}"))
    result = project.materialize("raw_log_oss", days=DAYS)
    assert "2024-08-06: " in failure_of(result, "raw_log_oss")
    assert f"but USERPROFILE_LOG_SHA256 says {'ab' * 32}" in failure_of(result, "raw_log_oss")
    assert project.materialized("raw_log_oss") == {"2024-08-05", "2024-08-07"}


def test_a_url_with_bizdate_is_read_for_each_day(home, tmp_path):
    for day in ("20240805", "20240806", "20240807"):
        (tmp_path / f"{day}.log").write_text(f"line of {day}\n")
    project = project_of(home, log_url=f"file://{tmp_path}/${{bizdate}}.log")
    assert project.materialize("raw_log_oss", days=DAYS).success
    stored = home / "storage/ods_raw_log_d/log_20240806/log_20240806.txt"
    assert stored.read_text() == "line of 20240806\n"
    assert manifest(home, "20240806")["copied_from"] is None


def test_a_range_fills_the_tables_in_one_session(home, spark):
    project = project_of(home)
    assert project.materialize(days=DAYS).success
    counts = spark.sql(
        "SELECT dt, COUNT(*) FROM ods_raw_log_d_spark GROUP BY dt ORDER BY dt"
    ).collect()
    assert [tuple(row) for row in counts] == [
        ("20240805", 50), ("20240806", 50), ("20240807", 50),
    ]  # fmt: skip
    assert project.metadata("ods_raw_log_d_spark", "2024-08-06")["location"].endswith(
        "/ods_raw_log_d/log_20240806"
    )


def test_a_bad_day_is_named_and_the_good_ones_are_recorded(home, tmp_path):
    for day in ("20240805", "20240807"):
        (tmp_path / f"{day}.log").write_text("x\n")
    project = project_of(home, log_url=f"file://{tmp_path}/${{bizdate}}.log")
    result = project.materialize("raw_log_oss", days=DAYS)
    assert not result.success
    said = failure_of(result, "raw_log_oss")
    assert said.startswith(
        "1 of 3 days failed; the others are published and recorded.\n2024-08-06:"
    )
    assert project.materialized("raw_log_oss") == {"2024-08-05", "2024-08-07"}


def test_days_before_a_run_was_terminated_are_recorded(home, tmp_path, monkeypatch):
    for day in ("20240805", "20240806", "20240807"):
        (tmp_path / f"{day}.log").write_text("x\n")

    def copy_until_the_second_day(url, **more):
        if "20240806" in url:
            raise KeyboardInterrupt
        return copy_log(url, **more)

    monkeypatch.setattr(ingest, "copy_log", copy_until_the_second_day)
    project = project_of(home, log_url=f"file://{tmp_path}/${{bizdate}}.log")
    assert not project.materialize("raw_log_oss", days=DAYS).success
    assert project.materialized("raw_log_oss") == {"2024-08-05"}
    with open_records(None, home) as records:
        assert [one.dt for one in read_partitions(records, "raw_log_oss")] == ["20240805"]


def test_a_day_whose_rows_differ_does_not_spoil_its_neighbours(home, spark):
    project = project_of(home)
    project.materialize("raw_log_oss", days=DAYS)
    path = home / "storage/ods_raw_log_d/log_20240806/_manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"rows": 51}))
    result = project.materialize("ods_raw_log_d_spark", days=DAYS)
    assert "2024-08-06: ods_raw_log_d_spark, 2024-08-06: Spark counts 50 rows" in failure_of(
        result, "ods_raw_log_d_spark"
    )
    assert project.materialized("ods_raw_log_d_spark") == {"2024-08-05", "2024-08-07"}


def test_a_source_that_cannot_be_read_is_asked_once_for_the_whole_window(home, web):
    url = web.script("/log", Answer(status=404))
    project = project_of(home, log_url=url)
    result = project.materialize("raw_log_oss", days=DAYS)
    assert "3 of 3 days failed" in failure_of(result, "raw_log_oss")
    assert len(web.requests("/log")) == 1
