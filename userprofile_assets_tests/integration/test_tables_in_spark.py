"""Tables in Spark against their files: created, compared, corrected, counted."""

import json
from dataclasses import replace

import pytest

from userprofile_assets.catalog.sql_tables import load_warehouse, sql_variables
from userprofile_assets.errors import SparkError
from userprofile_assets.settings import Settings
from userprofile_assets.warehouse.classic import ClassicEngine
from userprofile_assets.warehouse.differences import simple_string
from userprofile_assets.warehouse.executor import Executor
from userprofile_assets.warehouse.runner import ExternalDay, TableRunner
from userprofile_assets_tests.support.external_tables import RAW, USERS


@pytest.fixture
def lines():
    return []


@pytest.fixture
def executor(spark):
    return Executor(ClassicEngine(spark), lambda _: None)


@pytest.mark.parametrize("table", [RAW, USERS])
def test_a_new_table_is_as_its_file_says_when_it_is_looked_at_again(runner_of, lines, table):
    assert runner_of(table).ensure_table() == ()
    assert runner_of(table).ensure_table() == ()
    assert lines == [f"created table {table}"]


def test_a_table_with_other_columns_is_refused_and_left_alone(spark, runner_of):
    spark.sql(f"CREATE TABLE {RAW} (line STRING, dt STRING) USING text PARTITIONED BY (dt)")
    with pytest.raises(SparkError) as caught:
        runner_of(RAW).ensure_table()
    said = str(caught.value)
    assert "columns: Spark has line string, dt string, the file says col string, dt string" in said
    assert "option lineSep" in said
    assert f'userprofile query "DROP TABLE {RAW}"' in said
    assert spark.table(RAW).columns == ["line", "dt"]


def test_a_table_that_spark_made_parquet_is_refused(spark, runner_of):
    # CREATE EXTERNAL TABLE without STORED AS is a Parquet table in Spark 4: the tutorial's own DDL.
    spark.sql(f"CREATE TABLE {RAW} (col STRING, dt STRING) USING parquet PARTITIONED BY (dt)")
    with pytest.raises(SparkError, match="format: Spark has parquet, the file says text"):
        runner_of(RAW).ensure_table()


def test_another_delimiter_than_the_table_has_is_refused(settings, runner_of):
    runner_of(USERS).ensure_table()
    changed = settings.model_copy(update={"field_delimiter": ";"})
    with pytest.raises(SparkError, match=r"option field.delim: Spark has '\|', the file says ';'"):
        runner_of(USERS, changed).ensure_table()


def test_another_comment_is_told_and_changes_nothing(spark, runner_of, lines):
    runner_of(RAW).ensure_table()
    spark.sql(f"COMMENT ON TABLE {RAW} IS 'something else'")
    (sentence,) = runner_of(RAW).ensure_table()
    assert sentence.startswith("comment of the table: Spark has something else")
    assert any("something else" in line for line in lines)


def test_a_table_location_that_moved_is_corrected_and_told(settings, runner_of, spark, tmp_path):
    runner_of(RAW).ensure_table()
    moved = settings.model_copy(update={"storage_uri": (tmp_path / "elsewhere").as_uri()})
    (sentence,) = runner_of(RAW, moved).ensure_table()
    assert sentence.startswith("corrected the table's location: Spark has file:")
    assert runner_of(RAW, moved).ensure_table() == ()


def test_days_are_added_and_counted(runner_of, day_directory):
    first = day_directory("log", "20240807", b"a\nb\nc")
    day_directory("log", "20240808", b"")
    runner = runner_of(RAW)
    runner.ensure_table()
    days = runner.add_days(["20240807", "20240808"])
    assert days["20240807"] == ExternalDay(first.as_uri())
    assert runner.count_rows(["20240807", "20240808"]) == {"20240807": 3, "20240808": 0}


def test_a_partition_that_points_elsewhere_is_corrected_and_the_rows_are_the_right_ones(
    spark, runner_of, day_directory, tmp_path, lines
):
    stale = tmp_path / "stale"
    stale.mkdir()
    (stale / "old.txt").write_text("old\nold\n")
    right = day_directory("log", "20240807", b"new\n")
    runner = runner_of(RAW)
    runner.ensure_table()
    spark.sql(f"ALTER TABLE {RAW} ADD PARTITION (dt = '20240807') LOCATION '{stale.as_uri()}'")
    assert runner.count_rows(["20240807"]) == {"20240807": 2}
    day = runner.add_days(["20240807"])["20240807"]
    assert day.location == right.as_uri()
    assert day.corrected_from is not None
    assert day.corrected_from.endswith("/stale")
    assert runner.count_rows(["20240807"]) == {"20240807": 1}
    assert any("pointed to" in line for line in lines)


def test_an_object_that_was_replaced_is_read_anew(runner_of, day_directory):
    directory = day_directory("log", "20240807", b"a\n")
    runner = runner_of(RAW)
    runner.ensure_table()
    runner.add_days(["20240807"])
    assert runner.count_rows(["20240807"]) == {"20240807": 1}
    (directory / "log_20240807.txt").write_bytes(b"a\nb\n")
    runner.add_days(["20240807"])
    assert runner.count_rows(["20240807"]) == {"20240807": 2}


def test_names_with_an_underscore_in_front_are_no_rows(runner_of, day_directory):
    directory = day_directory("log", "20240807", b"a\n")
    (directory / "_manifest.json").write_text("{}\n")
    (directory / "_previous").mkdir()
    (directory / "_previous" / "log.txt").write_text("x\ny\n")
    runner = runner_of(RAW)
    runner.ensure_table()
    runner.add_days(["20240807"])
    assert runner.count_rows(["20240807"]) == {"20240807": 1}


def test_an_unreadable_day_does_not_hide_the_others(runner_of, day_directory):
    day_directory("log", "20240807", b"a\n")
    broken = day_directory("log", "20240808", b"")
    (broken / "log_20240808.txt").unlink()
    (broken / "log_20240808.txt.gz").write_bytes(b"this is no gzip")
    runner = runner_of(RAW)
    runner.ensure_table()
    runner.add_days(["20240807", "20240808"])
    counts = runner.count_rows(["20240807", "20240808"])
    assert counts["20240807"] == 1
    assert isinstance(counts["20240808"], SparkError)
    assert "dt=20240808" in str(counts["20240808"])


def test_a_statement_that_spark_refuses_names_table_and_file(executor, settings, lines):
    definition = load_warehouse(settings).table(RAW)
    runner = TableRunner(executor, replace(definition, table="no_such_table"), {}, lines.append)
    with pytest.raises(SparkError, match=r"no_such_table \(sql/ods/ods_raw_log_d_spark.sql\)"):
        runner.add_days(["20240807"])


def test_settings_of_a_location_with_a_quote_and_a_backslash_reach_spark_unharmed(
    tmp_path, executor, lines
):
    home = tmp_path / "it's 100% # a ? back\\slash 用户"
    settings = Settings(home=home)
    runner = TableRunner(
        executor, load_warehouse(settings).table(RAW), sql_variables(settings), lines.append
    )
    directory = home / "storage/ods_raw_log_d/log_20240807"
    directory.mkdir(parents=True)
    (directory / "log_20240807.txt").write_bytes(b"a\n")
    runner.ensure_table()
    runner.add_days(["20240807"])
    assert runner.ensure_table() == ()
    assert runner.count_rows(["20240807"]) == {"20240807": 1}


def test_every_type_is_compared_by_its_simple_string(spark):
    declared = (
        "a string, b int, c bigint, d smallint, e tinyint, f double, g float, h decimal(10,2), "
        "i boolean, j binary, k date, l timestamp, m timestamp_ntz, n array<int>, "
        "o map<string,bigint>, p struct<x:int,y:array<string>>"
    )
    spark.sql(f"CREATE TABLE types ({declared}) USING parquet")
    described = json.loads(spark.sql("DESCRIBE EXTENDED types AS JSON").collect()[0][0])
    assert {c["name"]: simple_string(c["type"]) for c in described["columns"]} == {
        field.name: field.dataType.simpleString() for field in spark.table("types").schema
    }
