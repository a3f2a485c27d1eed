"""Names of datasets, held against the naming classes of openlineage-python; identifiers of runs."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest
from openlineage.client.naming import dataset as spec  # noqa: TID253 - a test may load it

from userprofile_assets.lineage_events.facts import DatasetName
from userprofile_assets.lineage_events.names import (
    database_table,
    hive_table,
    location,
    parent_run_id,
    step_run_id,
    web_file,
)


def named(naming):
    return DatasetName(naming.get_namespace(), naming.get_name())


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        pytest.param(
            database_table("mysql+pymysql://u:p%40w@db.example.org/shop?charset=utf8", "users"),
            spec.MySQL("db.example.org", "3306", "shop", "users"),
            id="mysql",
        ),
        pytest.param(
            database_table("mysql+pymysql://u:pa/s3cret#?@db.example.org/shop", "users"),
            spec.MySQL("db.example.org", "3306", "shop", "users"),
            id="a-password-that-looks-like-a-path",
        ),
        pytest.param(
            database_table("mariadb://u:p@db:3307/shop", "users"),
            spec.MySQL("db", "3307", "shop", "users"),
            id="mariadb-on-another-port",
        ),
        pytest.param(
            database_table("mysql+pymysql://db/shop", "crm.users"),
            spec.MySQL("db", "3306", "crm", "users"),
            id="another-database",
        ),
        pytest.param(
            database_table("postgresql+psycopg://u@pg/shop", "public.users"),
            spec.Postgres("pg", "5432", "shop", "public", "users"),
            id="postgres",
        ),
        pytest.param(
            location("s3a://bucket/ods/log_20240807/"),
            spec.S3("bucket", "ods/log_20240807"),
            id="s3a",
        ),
        pytest.param(
            location("file:///srv/a%20b/log.txt"), spec.LocalFileSystem("/srv/a b/log.txt"),
            id="file",
        ),
        pytest.param(location("/srv/log.txt"), spec.LocalFileSystem("/srv/log.txt"), id="path"),
        pytest.param(
            hive_table("default", "t", metastore="thrift://hms:9083,thrift://b", warehouse=Path()),
            spec.Hive("hms", "9083", "default", "t"),
            id="hive",
        ),
    ],
)  # fmt: skip
def test_a_dataset_is_called_as_the_specification_says(ours, theirs):
    assert ours == named(theirs)


@pytest.mark.parametrize(
    ("ours", "namespace", "name"),
    [
        pytest.param(
            web_file("https://u:p@host:8443/a/log_20240807.txt?sig=1"),
            "https://host:8443",
            "/a/log_20240807.txt",
            id="web",
        ),
        pytest.param(
            database_table("sqlite:////srv/demo.db", "users"),
            "sqlite:///srv/demo.db",
            "users",
            id="sqlite",
        ),
        pytest.param(location("oss://b/k"), "oss://b", "k", id="oss"),
        pytest.param(
            database_table("mysql://[::1]:3306/a", "t"), "mysql://[::1]:3306", "a.t", id="ipv6"
        ),
        pytest.param(
            hive_table("default", "t", metastore=None, warehouse=Path("/srv/warehouse")),
            "file:/srv/warehouse",
            "default.t",
            id="embedded-metastore",
        ),
    ],
)
def test_what_the_specification_does_not_know_is_called_alike(ours, namespace, name):
    assert ours == DatasetName(namespace, name)


RUN = "1c1bba9e-9b44-4ed8-8f11-ac5b9bb4bc2c"


def test_the_identifier_of_a_step_is_a_uuid_that_never_changes():
    assert step_run_id(RUN, "ods_log", "20240807") == "5270825b-6aaf-523a-87d3-089923321f67"


def test_each_step_and_day_of_a_run_has_an_identifier_of_its_own():
    made = {
        step_run_id(RUN, step, day)
        for step in ("ods_log", "ods_users")
        for day in ("20240807", "20240808", None)
    }
    assert len(made) == 6


def test_the_parent_is_the_run_of_dagster():
    assert parent_run_id(RUN) == RUN
    assert UUID(parent_run_id("manual run")).version == 5
