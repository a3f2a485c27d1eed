"""What a Spark session is configured with."""

from pathlib import Path

import pytest

from userprofile_assets.warehouse.class_archive import archive_path
from userprofile_assets.warehouse.java import Java
from userprofile_assets.warehouse.session_options import SessionOptions, launch_conf, spark_conf

JAVA = Java(program=Path("/opt/java/bin/java"), version="17.0.15")


def options(tmp_path, master="local[*]", **conf):
    return SessionOptions(home=tmp_path, master=master, timezone="Asia/Shanghai", conf=conf)


def test_spark_conf_of_the_user_wins(tmp_path):
    conf = spark_conf(options(tmp_path, **{"spark.sql.shuffle.partitions": "64"}), JAVA)
    assert conf["spark.sql.shuffle.partitions"] == "64"
    assert conf["spark.sql.session.timeZone"] == "Asia/Shanghai"


def test_java_options_of_the_user_come_last_so_that_the_jvm_takes_them(tmp_path):
    given = {"spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=4"}
    flags = spark_conf(options(tmp_path, **given), JAVA)["spark.driver.extraJavaOptions"]
    assert flags.index("-XX:TieredStopAtLevel=1") < flags.index("-XX:TieredStopAtLevel=4")


def test_an_overwritten_day_leaves_other_days_alone(tmp_path):
    assert (
        spark_conf(options(tmp_path), JAVA)["spark.sql.sources.partitionOverwriteMode"] == "dynamic"
    )


def test_the_embedded_metastore_is_under_home(tmp_path):
    url = spark_conf(options(tmp_path), JAVA)["spark.hadoop.javax.jdo.option.ConnectionURL"]
    assert url == f"jdbc:derby:;databaseName={tmp_path}/metastore;create=true"


@pytest.mark.parametrize(
    "key",
    [
        "spark.hadoop.hive.metastore.uris",
        "spark.hadoop.javax.jdo.option.ConnectionURL",
        "spark.sql.catalogImplementation",
    ],
)
def test_a_metastore_of_the_users_own_needs_no_lock(tmp_path, key):
    own = options(tmp_path, **{key: "x"})
    assert not own.uses_embedded_metastore
    assert options(tmp_path).uses_embedded_metastore


def test_a_cluster_gets_no_settings_of_a_laptop(tmp_path):
    conf = spark_conf(options(tmp_path, master="yarn"), JAVA)
    assert "spark.ui.enabled" not in conf
    assert "spark.driver.host" not in conf
    assert "TieredStopAtLevel" not in conf["spark.driver.extraJavaOptions"]


def test_no_secret_stands_on_the_command_line_of_the_jvm(tmp_path):
    conf = spark_conf(options(tmp_path, **{"spark.hadoop.fs.s3a.secret.key": "canary"}), JAVA)
    assert "canary" in conf.values()
    assert "canary" not in str(launch_conf(conf))


def test_secrets_do_not_show_when_options_are_printed(tmp_path):
    assert "canary" not in repr(options(tmp_path, **{"spark.hadoop.fs.s3a.secret.key": "canary"}))


def test_the_class_archive_is_used_once_it_is_there(tmp_path):
    assert "SharedArchiveFile" not in str(spark_conf(options(tmp_path), JAVA))
    archive = archive_path(tmp_path, JAVA)
    archive.parent.mkdir()
    archive.touch()
    assert f'"-XX:SharedArchiveFile={archive}"' in str(spark_conf(options(tmp_path), JAVA))


def test_another_java_has_another_class_archive(tmp_path):
    other = Java(program=JAVA.program, version="21.0.1")
    assert archive_path(tmp_path, JAVA) != archive_path(tmp_path, other)
