"""What MariaDB held is what Spark reads: real server, real copy, real Hive text table."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from userprofile_assets.ingestion.table_copy import TableOptions
from userprofile_assets_tests.support.table_copies import object_path, publish_table

# The table's first column is text, not a number, because a file's first bytes are special.
OPTIONS = TableOptions(
    table="users", columns=("a", "b", "c"), where=None, split_key="id", delimiter="|"
)

_SPECIAL = st.sampled_from(
    ["\\", "|", "\n", "\r", "N", "n", "r", "0", " ", "\0", "\x01", "\\N", "\ufeff", "\x85", "😀"]
)
_FIELD = st.none() | st.text(max_size=20) | st.lists(_SPECIAL, max_size=6).map("".join)
_ROWS = st.lists(st.tuples(_FIELD, _FIELD, _FIELD), min_size=200, max_size=400)


@pytest.fixture(scope="module")
def database(mariadb):
    name = mariadb.fresh_database()
    mariadb.execute(
        "CREATE TABLE users (id INT PRIMARY KEY, a TEXT, b TEXT, c TEXT) CHARACTER SET utf8mb4",
        database=name,
    )
    return name


def read_back(mariadb, spark, database, rows, options=OPTIONS):
    """Put rows into MariaDB, copy them to an object, and read that by Spark."""
    numbered = [(number, *row) for number, row in enumerate(rows)]
    with mariadb.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute("DELETE FROM users")
        cursor.executemany("INSERT INTO users VALUES (%s, %s, %s, %s)", numbered)
    with tempfile.TemporaryDirectory(prefix="round-trip-") as directory:
        into = Path(directory)
        manifest = publish_table(mariadb.url(database), options, into=into)
        columns = ", ".join(f"{name} STRING" for name in options.columns)
        spark.sql("DROP TABLE IF EXISTS round_trip")
        spark.sql(
            rf"""CREATE EXTERNAL TABLE round_trip ({columns}) PARTITIONED BY (dt STRING)
            ROW FORMAT DELIMITED FIELDS TERMINATED BY '{options.delimiter}' ESCAPED BY '\\'
            LINES TERMINATED BY '\n' NULL DEFINED AS '\\N'
            STORED AS TEXTFILE LOCATION '{into / "storage"}'"""
        )
        spark.sql(
            "ALTER TABLE round_trip ADD PARTITION (dt='20240807') "
            f"LOCATION '{object_path(into).parent}'"
        )
        read = spark.sql(f"SELECT {', '.join(options.columns)} FROM round_trip").collect()
        spark.sql("DROP TABLE round_trip")
    assert manifest.rows == len(read)
    return [tuple(row) for row in read]


@settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.large_base_example,
    ],
)
@given(rows=_ROWS)
def test_spark_reads_what_mariadb_held(mariadb, spark, database, rows):
    assert read_back(mariadb, spark, database, rows) == rows


def test_a_byte_order_mark_at_the_start_of_the_object_stays(mariadb, spark, database):
    rows = [("\ufeff0001", "\ufeff", "a")]

    assert read_back(mariadb, spark, database, rows) == rows


def test_a_record_of_one_empty_column_is_one_row(mariadb, spark, database):
    rows = [("", None, None), (None, None, None), ("a\nb", None, None), ("", None, None)]
    options = dataclasses.replace(OPTIONS, columns=("a",))

    read = read_back(mariadb, spark, database, rows, options)

    assert read == [("",), (None,), ("a\nb",), ("",)]


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "\x01"])
def test_another_delimiter_reads_back_as_well(mariadb, spark, database, delimiter):
    rows = [
        (f"a{delimiter}b", "|", f"\\{delimiter}"),
        ("1,0", "2;0", "3\t\x010"),
        ("", None, "\\N"),
    ]
    options = dataclasses.replace(OPTIONS, delimiter=delimiter)

    assert read_back(mariadb, spark, database, rows, options) == rows
