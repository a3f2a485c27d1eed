"""The serving assets through real Dagster and Spark: from the tables' files into SQLite."""

import json
import sqlite3
from contextlib import closing

import dagster as dg
import pytest

from userprofile_assets.records.database import default_path, open_records
from userprofile_assets.records.partitions import read_partitions
from userprofile_assets.records.tables import tables
from userprofile_assets.settings import Settings
from userprofile_assets_tests.support.project import ASSETS, PROCESSED, SERVED
from userprofile_assets_tests.support.runs import Project, checks_of, failed_checks, failure_of

# The session is that of the fixture `spark`, which cleans up behind each test.
pytestmark = pytest.mark.xdist_group("spark")

DAY, BEFORE, MISSING = "2024-08-07", "2024-08-06", "2024-08-02"


@pytest.fixture(scope="module")
def project(spark_session, tmp_path_factory):
    home = tmp_path_factory.mktemp("serving") / "home"
    settings = Settings(
        home=home, start_date="2024-08-01", demo_lines=300, demo_users=50, openlineage="file",
        backfill_days_per_run="all", inactive_users=True,
    )  # fmt: skip
    yield Project(settings)
    for table in spark_session.catalog.listTables():
        kind = "VIEW" if table.tableType == "VIEW" else "TABLE"
        spark_session.sql(f"DROP {kind} IF EXISTS {table.name}")


@pytest.fixture(scope="module")
def first(project):
    """A run of two days of everything, with the profiles of users who did not come."""
    return project.materialize(*ASSETS, *PROCESSED, *SERVED, days=(BEFORE, DAY))


def served(project, sql, *parameters):
    with closing(sqlite3.connect(default_path(project.settings.home))) as database:
        return database.execute(sql, parameters).fetchall()


def of_spark(spark_session, sql):
    return [tuple(row) for row in spark_session.sql(sql).collect()]


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("ads_user_info_1d", "dt, uid, region, device, pv, gender, age_range, zodiac, country, "
         "city, is_registered"),
        ("ads_region_pv_1d", "dt, country, region, city, people, pv"),
        ("ads_city_registration_1d", "dt, country, region, city, registered_users, city_rank"),
        ("ads_traffic_1d", "dt, outcome, identity, device, line_count, pv"),
    ],
)  # fmt: skip
def test_what_is_served_is_what_spark_has(project, first, spark_session, table, columns):
    expected = of_spark(spark_session, f"SELECT {columns} FROM {table}_spark")
    found = served(project, f"SELECT {columns} FROM {table}")

    assert expected
    assert sorted(found, key=repr) == sorted(
        (tuple(int(v) if isinstance(v, bool) else v for v in row) for row in expected), key=repr
    )


def test_a_run_tells_what_it_published(project, first):
    assert first.success
    assert failed_checks(first) == set()
    assert checks_of(first, "rows_equal_spark") == dict.fromkeys(SERVED, True)
    assert [project.materialized(asset) for asset in SERVED] == [{BEFORE, DAY}] * 4
    metadata = project.metadata("ads_user_info_1d", DAY)
    ((rows, version),) = served(
        project,
        "SELECT row_count, version FROM serving_day WHERE dt = '20240807' "
        "AND table_name = 'ads_user_info_1d'",
    )
    assert metadata["dagster/partition_row_count"] == rows > 0
    assert metadata["version"] == version
    assert metadata["location"] == str(default_path(project.settings.home))
    with open_records(None, project.settings.home) as records:
        kept = read_partitions(records, "ads_user_info_1d")
    assert [(one.dt, one.run_id) for one in kept] == [
        ("20240807", first.run_id), ("20240806", first.run_id),
    ]  # fmt: skip


def test_the_lines_of_the_traffic_are_all_lines(project, first):
    lines = served(project, "SELECT dt, SUM(line_count) FROM ads_traffic_1d GROUP BY dt")

    assert sorted(lines) == [("20240806", 300), ("20240807", 300)]


def test_events_name_the_table_of_the_database_and_its_columns_sources(project, first):
    file = project.settings.home / "openlineage" / "events.ndjson"
    events = [json.loads(line) for line in file.read_text().splitlines()]
    done = [e for e in events if e["job"]["name"].endswith(".ads_user_info_1d")
            and e["eventType"] == "COMPLETE"]  # fmt: skip
    (output,) = done[0]["outputs"]

    assert len(done) == 2
    assert output["namespace"] == f"sqlite://{default_path(project.settings.home)}"
    assert output["name"] == "ads_user_info_1d"
    sources = output["facets"]["columnLineage"]["fields"]["uid"]["inputFields"]
    assert [one["name"].rpartition("/")[2] for one in sources] == ["ads_user_info_1d_spark"]


def test_a_day_that_spark_has_not_is_a_bad_day_and_the_good_one_is_published(project, first):
    result = project.materialize("ads_traffic_1d", days=(MISSING, "2024-08-03"))

    said = failure_of(result, "ads_traffic_1d")
    assert f"{MISSING}: ads_traffic_1d_spark, {MISSING}: the table of Spark has no such day" in said
    assert served(project, "SELECT * FROM ads_traffic_1d WHERE dt = '20240802'") == []


def test_a_day_that_is_published_again_gets_a_new_version(project, first):
    sql = "SELECT version FROM serving_day WHERE table_name = 'ads_traffic_1d' AND dt = '20240807'"
    before = served(project, sql)
    result = project.materialize("ads_traffic_1d", day=DAY)

    assert result.success
    assert served(project, sql) != before
    assert project.metadata("ads_traffic_1d", DAY)["replaced"] is True


def test_a_day_that_a_strong_rule_refuses_stays_as_it_is_served(project, first):
    before = served(project, "SELECT * FROM serving_day ORDER BY 1, 2")
    row = {
        "table_name": "ads_region_pv_1d_spark", "dt": "20240807", "rule": "people_between",
        "metric": "x", "strength": "strong", "status": "failed", "message": "0 (error < 1)",
        "run_id": "later", "checked_at": "2099-01-01T00:00:00.000000Z",
    }  # fmt: skip
    with open_records(None, project.settings.home) as records:
        records.write(lambda connection: connection.execute(tables().dq_result.insert(), [row]))
    result = project.materialize("ads_region_pv_1d", day=DAY)

    assert "breaks strong rules: ads_region_pv_1d_spark" in failure_of(result, "ads_region_pv_1d")
    assert served(project, "SELECT * FROM serving_day ORDER BY 1, 2") == before


def test_rows_that_appear_behind_sparks_back_are_not_published(project, first):
    """A file that Spark's count does not know: the day differs, so the former one stays."""
    (directory,) = (project.settings.home / "storage" / "ads_traffic_1d_spark").glob(
        "run=*/dt=20240806"
    )
    copy = next(directory.glob("*.parquet"))
    before = served(project, "SELECT * FROM ads_traffic_1d WHERE dt = '20240806' ORDER BY row_no")
    added = copy.with_name("not-parquet.parquet")
    added.write_bytes(b"no Parquet")
    try:
        result = project.materialize("ads_traffic_1d", day=BEFORE)
    finally:
        added.unlink()

    assert not result.success
    assert "ads_traffic_1d" in failure_of(result, "ads_traffic_1d")
    after = served(project, "SELECT * FROM ads_traffic_1d WHERE dt = '20240806' ORDER BY row_no")
    assert after == before


def test_retention_removes_what_is_older_and_publishes_no_such_day(project, first):
    kept = Project.__new__(Project)
    kept.settings = project.settings.model_copy(
        update={"serving_days": 1, "backfill_days_per_run": "all"}
    )
    kept.instance = project.instance
    # The first day of the run is published, and gone when the second one is.
    result = kept.materialize("ads_city_registration_1d", days=(BEFORE, DAY))

    assert result.success
    assert failed_checks(result) == set()
    days = "SELECT DISTINCT dt FROM ads_city_registration_1d"
    assert served(project, days) == [("20240807",)]
    again = kept.materialize("ads_city_registration_1d", day=BEFORE)
    assert again.success
    assert "not published" in project.metadata("ads_city_registration_1d", BEFORE)
    assert served(project, days) == [("20240807",)]


def test_the_asset_shows_columns_lineage_kinds_and_the_database_without_its_secrets(tmp_path):
    from pydantic import SecretStr

    from userprofile_assets.build import build_definitions

    url = SecretStr("mysql+pymysql://u:canary@db/workshop")
    definitions = build_definitions(settings=Settings(home=tmp_path, serving_url=url))
    (spec,) = [s for s in definitions.resolve_all_asset_specs()
               if s.key == dg.AssetKey("ads_user_info_1d")]  # fmt: skip

    assert spec.kinds == {"sql", "mysql"}
    schema = {column.name: column for column in spec.metadata["dagster/column_schema"].columns}
    assert (schema["uid"].type, schema["uid"].tags) == ("varchar(255)", {"pii": ""})
    assert spec.metadata["dagster/column_lineage"].deps_by_column["uid"] == [
        dg.TableColumnDep(dg.AssetKey("ads_user_info_1d_spark"), "uid")
    ]
    assert "canary" not in str(spec)
