"""A day on an S3 server that checks keys: ingest assets by s3fs, tables by Spark on s3a://.

Each process here is what a user would start; Spark's side of a store that refuses, hangs or does
not know the key is seen through `userprofile query`, which reads the same tables.
"""

from __future__ import annotations

import json
import os
import subprocess
from urllib.parse import urlsplit

import pytest

from userprofile_assets.warehouse.java import find_java
from userprofile_assets_tests.support.project import ASSETS, ScratchProject, scratch_project
from userprofile_assets_tests.support.s3a_jars import give_jars

DAY = "2024-08-07"
COUNT = "SELECT COUNT(*) AS n FROM ods_raw_log_d_spark WHERE dt = '20240807'"
# One try of 15 s, the least that S3A takes, instead of 6 of 20 s.
IMPATIENT = {
    "spark.hadoop.fs.s3a.connection.timeout": "15s",
    "spark.hadoop.fs.s3a.attempts.maximum": "0",
    "spark.hadoop.fs.s3a.retry.limit": "0",
}

pytestmark = pytest.mark.xdist_group("s3a")


@pytest.fixture(scope="module")
def bucket(versitygw):
    """A bucket that the tests of this module share."""
    return versitygw.bucket()


@pytest.fixture(scope="module")
def day(class_archive, s3a_jars, bucket, tmp_path_factory):
    """A project on that bucket in which one day was materialized."""
    with scratch_project(tmp_path_factory.mktemp("s3a") / "project", class_archive) as project:
        give_jars(project.home, s3a_jars)
        lead_to(project, bucket, bucket.endpoint)
        done = project.materialize(DAY)
        assert done.code == 0, done.output
        yield project


@pytest.fixture
def project(day, bucket):
    """That project; what a test sets is taken back."""
    kept = dict(day.environment)
    yield day
    day.environment = kept


def lead_to(project: ScratchProject, bucket, endpoint: str) -> None:
    project.configure(
        STORAGE_URI=bucket.uri,
        OSS_ENDPOINT=endpoint,
        OSS_REGION=bucket.region,
        OSS_ACCESS_KEY_ID=bucket.access_key_id,
        OSS_ACCESS_KEY_SECRET=bucket.access_key_secret,
    )


def test_the_four_assets_of_a_day_are_materialized(project):
    assert {asset: project.materialized(asset) for asset in ASSETS} == {
        asset: {DAY} for asset in ASSETS
    }


def test_the_objects_are_in_the_bucket(project, bucket):
    keys = bucket.keys()
    objects = [key for key in keys if key.startswith("warehouse/ods") and not key.endswith("/")]
    assert objects == [
        "warehouse/ods_raw_log_d/log_20240807/_manifest.json",
        "warehouse/ods_raw_log_d/log_20240807/log_20240807.txt",
        "warehouse/ods_user_info_d/user_20240807/_manifest.json",
        "warehouse/ods_user_info_d/user_20240807/user_20240807.txt",
    ]


def test_spark_reads_every_row_by_s3a_and_asks_again_where_connections_are_reset(
    project, bucket, versitygw, faults
):
    proxy = faults.before(versitygw.host, versitygw.port)
    lead_to(project, bucket, f"http://{proxy.host}:{proxy.port}")
    proxy.refuse(times=2)
    rows = project.query(
        "SELECT COUNT(*) AS n, MIN(_metadata.file_path) AS file FROM ods_raw_log_d_spark "
        "WHERE dt = '20240807' UNION ALL SELECT COUNT(*), NULL FROM ods_user_info_d_spark"
    )
    assert proxy.fired == 2
    path = f"s3a://{bucket.bucket}/warehouse/ods_raw_log_d/log_20240807/log_20240807.txt"
    assert rows == [{"n": 200, "file": path}, {"n": 50, "file": None}]


def test_a_project_without_the_jars_is_told_how_to_get_them(project, tmp_path):
    project.configure(HOME=tmp_path / "home")
    done = project.run("userprofile", "query", COUNT)
    assert done.code == 2
    assert "Spark has no client for s3a:// yet" in done.output
    assert "userprofile spark jars" in done.output


def test_a_wrong_secret_is_an_error_that_shows_no_secret(project, bucket):
    project.configure(OSS_ACCESS_KEY_SECRET="canary-wrong-secret")
    done = project.run("userprofile", "query", COUNT)
    assert done.code == 1
    assert "SignatureDoesNotMatch" in done.output
    assert "USERPROFILE_OSS_ACCESS_KEY_SECRET" in done.output
    assert "canary" not in done.output
    assert bucket.access_key_id not in done.output


def test_a_store_that_refuses_every_connection_is_a_transient_error(
    project, bucket, versitygw, faults
):
    proxy = faults.before(versitygw.host, versitygw.port)
    lead_to(project, bucket, f"http://{proxy.host}:{proxy.port}")
    proxy.refuse()
    done = project.run("userprofile", "query", COUNT)
    assert done.code == 1
    assert f"s3a://{bucket.bucket}/warehouse/ods_raw_log_d" in done.output
    # Two tries of the client, three of S3A for each request, and an end.
    assert 6 <= proxy.fired <= 60


def test_a_store_that_falls_silent_is_an_error_in_bounded_time(project, bucket, versitygw, faults):
    proxy = faults.before(versitygw.host, versitygw.port)
    lead_to(project, bucket, f"http://{proxy.host}:{proxy.port}")
    project.configure(SPARK_CONF=json.dumps(IMPATIENT))
    proxy.black_hole_after(100)
    done = project.run("userprofile", "query", COUNT)
    assert done.code == 1
    assert 1 <= proxy.fired <= 10


def test_a_day_on_a_store_that_refuses_what_oss_refuses(oss, class_archive, s3a_jars, tmp_path):
    trusted = tmp_path / "trusted.p12"
    keytool = find_java().program.resolve().with_name("keytool")
    subprocess.run(
        [
            *(keytool, "-importcert", "-noprompt", "-alias", "oss", "-storetype", "PKCS12"),
            *("-file", os.environ["AWS_CA_BUNDLE"], "-keystore", trusted, "-storepass", "changeit"),
        ],
        check=True,
    )
    proxy = urlsplit(oss.url)
    conf = {
        "spark.hadoop.fs.s3a.proxy.host": proxy.hostname,
        "spark.hadoop.fs.s3a.proxy.port": str(proxy.port),
        "spark.driver.extraJavaOptions": f"-Djavax.net.ssl.trustStore={trusted} "
        "-Djavax.net.ssl.trustStorePassword=changeit",
    }
    options = oss.options()
    with scratch_project(tmp_path / "project", class_archive) as project:
        give_jars(project.home, s3a_jars)
        project.configure(
            STORAGE_URI=oss.uri,
            OSS_ENDPOINT=options.endpoint,
            OSS_REGION=options.region,
            OSS_ACCESS_KEY_ID=options.access_key_id,
            OSS_ACCESS_KEY_SECRET=options.access_key_secret,
            SPARK_CONF=json.dumps(conf),
        )
        done = project.materialize(DAY)
        assert done.code == 0, done.output
        assert all(project.materialized(asset) == {DAY} for asset in ASSETS)
    assert oss.refused == []
