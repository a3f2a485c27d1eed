"""What docs/analysis.md tells people who connect other tools: tried on the real servers."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from userprofile_assets.warehouse.java import find_java

pytestmark = pytest.mark.xdist_group("spark-remote")


@pytest.fixture
def through_pyhive(thrift_server):
    """SQLAlchemy on Spark's Thrift server, as Superset does it."""
    import sqlalchemy

    address = thrift_server.url().removeprefix("thrift://")
    engine = sqlalchemy.create_engine(f"hive://{address}")
    yield engine
    engine.dispose()


def test_sqlalchemy_reads_the_tables_of_spark_through_its_thrift_server(through_pyhive):
    with through_pyhive.connect() as connection:
        connection.exec_driver_sql(
            "CREATE OR REPLACE VIEW bi_view AS SELECT '上海' AS city, 3 AS pv"
        )
        found = connection.exec_driver_sql("SELECT city, SUM(pv) AS pv FROM bi_view GROUP BY city")
        assert [(row.city, row.pv) for row in found] == [("上海", 3)]


def test_sqlalchemy_describes_the_columns_of_a_table_of_spark(through_pyhive):
    import sqlalchemy

    with through_pyhive.connect() as connection:
        connection.exec_driver_sql(
            "CREATE OR REPLACE VIEW bi_view AS SELECT '上海' AS city, 3 AS pv"
        )
    columns = sqlalchemy.inspect(through_pyhive).get_columns("bi_view")
    assert [(column["name"], str(column["type"])) for column in columns] == [
        ("city", "VARCHAR"),
        ("pv", "INTEGER"),
    ]
    # PyHive takes the first column of SHOW TABLES, which Spark fills with the database.
    assert set(sqlalchemy.inspect(through_pyhive).get_table_names()) == {"default"}


def test_jdbc_reads_the_tables_of_spark_through_its_thrift_server(thrift_server):
    import pyspark

    address = thrift_server.url(login="").removeprefix("thrift://@").partition("?")[0]
    done = subprocess.run(
        [
            *(find_java().program, "-cp", f"{Path(pyspark.__file__).parent}/jars/*"),
            *("org.apache.hive.beeline.BeeLine", "-u", f"jdbc:hive2://{address}", "-n", "tester"),
            *("--silent=true", "--outputformat=csv2", "-e", "SELECT '上海' AS city, 3 AS pv"),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "JAVA_TOOL_OPTIONS": "-Dfile.encoding=UTF-8"},
    )
    assert "上海,3" in done.stdout, done.stderr
