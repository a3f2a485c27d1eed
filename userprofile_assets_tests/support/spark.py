"""One real Spark session for all tests of a process, with an embedded metastore of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from userprofile_assets.errors import SparkError
from userprofile_assets.warehouse.java import find_java
from userprofile_assets.warehouse.session import open_session
from userprofile_assets.warehouse.session_options import SessionOptions
from userprofile_assets_tests.support.missing import missing_part
from userprofile_assets_tests.support.project import link_archive

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyspark.sql import SparkSession


@pytest.fixture(scope="session")
def java() -> None:
    """Java 17 or newer, without which nothing of Spark can be tested."""
    try:
        find_java()
    except SparkError:
        missing_part("Java 17", "apt-get install openjdk-17-jre-headless")


@pytest.fixture(scope="session")
def spark_session(
    class_archive: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SparkSession]:
    """The session; use `spark`, which also cleans the catalogue."""
    home = tmp_path_factory.mktemp("spark")
    link_archive(class_archive, home)
    options = SessionOptions(
        home=home,
        master="local[2]",
        timezone="Asia/Shanghai",
        app_name="userprofile-tests",
    )
    with open_session(options) as running:
        yield running.session


@pytest.fixture
def spark(spark_session: SparkSession) -> Iterator[SparkSession]:
    """The session with an empty catalogue; a Dagster run in this process uses it too."""
    yield spark_session
    for table in spark_session.catalog.listTables():
        spark_session.sql(f"DROP TABLE IF EXISTS {table.name}")
