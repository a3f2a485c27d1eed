"""The whole graph on a cluster that stands elsewhere: a real one, through Connect, on S3.

Dagster and the ingest assets run here; Spark's master, two workers and driver are processes of
their own that share nothing with them but the S3 server.
"""

from __future__ import annotations

import pytest

from userprofile_assets_tests.support.project import (
    EVERY_ASSET,
    EVERYTHING,
    PROCESSED,
    TABLES,
    scratch_project,
)

pytestmark = [pytest.mark.xdist_group("spark-cluster"), pytest.mark.timeout(2400)]

DAY = "2024-08-07"


@pytest.fixture(scope="module")
def bucket(spark_cluster):
    return spark_cluster.versity.bucket()


@pytest.fixture(scope="module")
def project(spark_cluster, bucket, tmp_path_factory):
    """A project with a day of all assets."""
    with scratch_project(tmp_path_factory.mktemp("on-cluster") / "project") as project:
        project.configure(
            STORAGE_URI=bucket.uri,
            OSS_ENDPOINT=bucket.endpoint,
            OSS_REGION=bucket.region,
            OSS_ACCESS_KEY_ID=bucket.access_key_id,
            OSS_ACCESS_KEY_SECRET=bucket.access_key_secret,
            SPARK_REMOTE=spark_cluster.connect.remote,
            START_DATE="2024-08-01",
        )
        done = project.materialize(DAY, select=EVERYTHING)
        assert done.code == 0, done.output
        yield project


def test_the_whole_graph_is_materialized(project):
    found = {asset: project.materialized(asset) for asset in EVERY_ASSET}
    assert found == {asset: {DAY} for asset in EVERY_ASSET}


@pytest.mark.usefixtures("project")
def test_tables_that_a_run_fills_lie_in_a_directory_of_the_run_in_the_bucket(bucket):
    keys = bucket.keys()
    tables = {key.split("/run=")[0] for key in keys if "/run=" in key and ".parquet" in key}
    expected = {table for table in PROCESSED if table != "dwd_log_line_spark"}
    assert {table.rpartition("/")[2] for table in tables} == expected


def test_the_profiles_that_the_cluster_made_add_up(project):
    rows = project.query(
        "SELECT (SELECT SUM(pv) FROM ads_user_info_1d_spark) AS profiles, "
        "(SELECT SUM(pv) FROM ads_region_pv_1d_spark) AS places, "
        "(SELECT COUNT(*) FROM dwd_log_info_di_spark WHERE is_page_view) AS views"
    )
    assert len(set(rows[0].values())) == 1
    assert rows[0]["views"] == 98


def test_the_rows_that_the_cluster_counts_are_those_that_were_copied(project):
    rows = project.query(
        "SELECT dt, COUNT(*) AS n FROM ods_raw_log_d_spark GROUP BY dt UNION ALL "
        "SELECT dt, COUNT(*) FROM ods_user_info_d_spark GROUP BY dt ORDER BY n, dt"
    )
    assert [(row["dt"], row["n"]) for row in rows] == [
        ("20240807", 50),
        ("20240807", 200),
    ]


@pytest.mark.usefixtures("project")
def test_both_workers_took_part(spark_cluster):
    executors = [e for e in spark_cluster.connect.server.executors() if e["id"] != "driver"]
    assert len(executors) == 2
    assert sum(executor["completedTasks"] for executor in executors) > 0
    assert {executor["totalCores"] for executor in executors} == {1}


@pytest.mark.parametrize("table", TABLES)
def test_tables_are_where_the_objects_are(project, bucket, table):
    (row,) = project.query(f"SELECT input_file_name() AS file FROM {table} LIMIT 1")
    assert row["file"].startswith(f"s3a://{bucket.bucket}/warehouse/ods_")


def test_the_run_says_which_spark_it_was_and_shows_no_token(project, spark_cluster):
    (run,) = project.instance.get_runs(limit=1)
    said = " ".join(entry.user_message for entry in project.instance.all_logs(run.run_id))
    assert f"Spark: address {spark_cluster.connect.address}, Spark 4." in said
    assert run.tags["spark/address"] == spark_cluster.connect.address
    assert run.tags["spark/java"].split(".")[0].isdigit()
    assert spark_cluster.connect.token not in said
    assert spark_cluster.connect.token not in str(run.tags)
