"""The last tables are the user's to adjust: a column and a table more, in a copy of `sql/`."""

from __future__ import annotations

import shutil

import dagster as dg
import pytest

from userprofile_assets.build import build_definitions
from userprofile_assets.catalog.sql_tables import load_warehouse, sql_variables
from userprofile_assets.project_files import sql_directory
from userprofile_assets.warehouse.classic import ClassicEngine
from userprofile_assets.warehouse.executor import Executor
from userprofile_assets.warehouse.runner import TableRunner
from userprofile_assets_tests.support.runs import failed_checks

BROWSERS = """\
-- Page views of each browser of a day.
CREATE TABLE IF NOT EXISTS ads_browser_pv_1d_spark (
    browser STRING COMMENT 'Browser by the agent',
    pv BIGINT COMMENT 'Page views',
    dt STRING COMMENT 'Business date, yyyymmdd'
)
USING parquet
PARTITIONED BY (dt)
COMMENT 'Page views of each browser'
LOCATION '${spark_uri}/ads_browser_pv_1d_spark';

INSERT OVERWRITE TABLE ads_browser_pv_1d_spark PARTITION (dt = '${bizdate}')
SELECT
    browser,
    count(*) AS pv
FROM dwd_log_info_di_spark
WHERE dt = '${bizdate}' AND is_page_view
GROUP BY browser;
"""
ADJUSTED = ("ads_user_info_1d_spark", "ads_browser_pv_1d_spark")
LAST_COLUMN = "    dt STRING COMMENT 'Business date, yyyymmdd'\n"
LAST_OUTPUT = "    max(is_registered) AS is_registered\nFROM weighed"


def replaced(text, old, new):
    """Replace what stands there once, so that a test that no longer fits its file says so."""
    assert text.count(old) == 1, old
    return text.replace(old, new)


@pytest.fixture
def adjusted(tmp_path):
    """A copy of `sql/` with a column in the profiles and one more table."""
    directory = shutil.copytree(sql_directory(), tmp_path / "sql")
    profiles = directory / "ads" / "ads_user_info_1d_spark.sql"
    text = replaced(
        profiles.read_text(),
        LAST_COLUMN,
        "    last_seen TIMESTAMP COMMENT 'Time of the last page view',\n" + LAST_COLUMN,
    )
    text = replaced(
        text,
        LAST_OUTPUT,
        LAST_OUTPUT.replace("\n", ",\n    max(seen) AS last_seen\n"),
    )
    profiles.write_text(text)
    (directory / "ads" / "ads_browser_pv_1d_spark.sql").write_text(BROWSERS)
    return directory


@pytest.fixture
def materialize(settings):
    """Materialize the two adjusted tables of a day, and all they are made from."""
    instance = dg.DagsterInstance.ephemeral()

    def run(day, directory=None):
        definitions = build_definitions(settings=settings, sql_directory=directory)
        graph = definitions.resolve_asset_graph()
        wanted = dg.AssetSelection.assets(*ADJUSTED).upstream().resolve(graph)
        job = definitions.resolve_implicit_global_asset_job_def()
        return job.execute_in_process(
            instance=instance,
            partition_key=day,
            asset_selection=sorted(wanted & graph.materializable_asset_keys),
        )

    yield run
    instance.dispose()


@pytest.fixture
def former_day(spark, settings):
    """A day with one profile, in the table as this project's file makes it."""
    table = load_warehouse(settings).table("ads_user_info_1d_spark")
    executor = Executor(ClassicEngine(spark), lambda _: None)
    with TableRunner(executor, table, sql_variables(settings), lambda _: None) as runner:
        runner.ensure_table()
    spark.sql(
        "INSERT INTO ads_user_info_1d_spark PARTITION (dt = '20240806') (uid) VALUES ('former')"
    )


@pytest.mark.usefixtures("former_day")
def test_a_column_and_a_table_are_one_file_each(spark, materialize, adjusted):
    result = materialize("2024-08-07", adjusted)
    assert result.success
    assert failed_checks(result) == set()

    assert spark.table("ads_user_info_1d_spark").columns[-3:] == [
        "is_registered",
        "last_seen",
        "dt",
    ]
    seen = spark.sql(
        "SELECT dt, count(*), count(last_seen), count(DISTINCT to_date(last_seen)) "
        "FROM ads_user_info_1d_spark GROUP BY dt ORDER BY dt"
    ).collect()
    (_, former, former_seen, _), (_, people, people_seen, days) = seen
    assert former == 1
    assert former_seen == 0
    assert people == people_seen > 0
    assert days == 1

    browsers = spark.sql("SELECT dt, sum(pv) FROM ads_browser_pv_1d_spark GROUP BY dt").collect()
    views = spark.sql(
        "SELECT dt, count(*) FROM dwd_log_info_di_spark WHERE is_page_view AND dt = '20240807' "
        "GROUP BY dt"
    ).collect()
    assert browsers == views


def test_what_the_new_table_is_made_from_follows_from_its_select(settings, adjusted):
    definitions = build_definitions(settings=settings, sql_directory=adjusted)
    graph = definitions.resolve_asset_graph()
    node = graph.get(dg.AssetKey("ads_browser_pv_1d_spark"))
    assert node.parent_keys == {dg.AssetKey("dwd_log_info_di_spark")}
