"""The code location as Dagster loads it."""

import subprocess
import sys
import warnings
from datetime import datetime
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from pydantic import SecretStr

from userprofile_assets.build import build_definitions, build_resources
from userprofile_assets.errors import SqlFileError
from userprofile_assets.settings import Settings

GROUPS = {
    "user_log_httpfile": "sources",
    "ods_user_info_d_mysql": "sources",
    "raw_log_oss": "ingest",
    "user_info_oss": "ingest",
    "ods_raw_log_d_spark": "ods",
    "ods_user_info_d_spark": "ods",
    "dwd_log_line_spark": "dwd",
    "dwd_log_value_di_spark": "dwd",
    "dwd_log_quarantine_di_spark": "dwd",
    "dwd_log_info_di_spark": "dwd",
    "dim_user_agent_spark": "dim",
    "dim_ip_region_spark": "dim",
    "dws_user_info_all_di_spark": "dws",
    "ads_user_info_1d_spark": "ads",
    "ads_region_pv_1d_spark": "ads",
    "ads_city_registration_1d_spark": "ads",
    "ads_traffic_1d_spark": "ads",
    "ads_user_info_1d": "serving",
    "ads_region_pv_1d": "serving",
    "ads_city_registration_1d": "serving",
    "ads_traffic_1d": "serving",
}


@pytest.fixture
def definitions(settings):
    return build_definitions(settings=settings)


def spec_of(definitions, name):
    return next(s for s in definitions.resolve_all_asset_specs() if s.key == dg.AssetKey(name))


def test_the_code_location_loads_as_the_web_server_loads_it(definitions):
    dg.Definitions.validate_loadable(definitions)
    assert {
        s.key.to_user_string(): s.group_name for s in definitions.resolve_all_asset_specs()
    } == GROUPS


def test_edges_follow_from_the_sources_the_paths_and_the_sql(definitions):
    edges = {
        spec.key.to_user_string(): {dep.asset_key.to_user_string() for dep in spec.deps}
        for spec in definitions.resolve_all_asset_specs()
    }
    assert edges == {
        "user_log_httpfile": set(),
        "ods_user_info_d_mysql": set(),
        "raw_log_oss": {"user_log_httpfile"},
        "user_info_oss": {"ods_user_info_d_mysql"},
        "ods_raw_log_d_spark": {"raw_log_oss"},
        "ods_user_info_d_spark": {"user_info_oss"},
        "dwd_log_line_spark": {"ods_raw_log_d_spark"},
        "dwd_log_value_di_spark": {"dwd_log_line_spark"},
        "dwd_log_quarantine_di_spark": {"dwd_log_line_spark", "dwd_log_value_di_spark"},
        "dim_user_agent_spark": {"dwd_log_value_di_spark"},
        "dim_ip_region_spark": {"dwd_log_value_di_spark"},
        "dwd_log_info_di_spark": {
            "dwd_log_line_spark",
            "dim_user_agent_spark",
            "dim_ip_region_spark",
        },
        "dws_user_info_all_di_spark": {"dwd_log_info_di_spark", "ods_user_info_d_spark"},
        "ads_user_info_1d_spark": {"dws_user_info_all_di_spark"},
        "ads_region_pv_1d_spark": {"dws_user_info_all_di_spark"},
        "ads_city_registration_1d_spark": {"ads_user_info_1d_spark", "ods_user_info_d_spark"},
        "ads_traffic_1d_spark": {"dwd_log_info_di_spark", "dwd_log_value_di_spark"},
        "ads_user_info_1d": {"ads_user_info_1d_spark"},
        "ads_region_pv_1d": {"ads_region_pv_1d_spark"},
        "ads_city_registration_1d": {"ads_city_registration_1d_spark"},
        "ads_traffic_1d": {"ads_traffic_1d_spark"},
    }


def test_the_tutorials_rules_make_the_same_tables_from_the_same_columns(settings, definitions):
    tutorial = build_definitions(settings=settings.model_copy(update={"logic": "tutorial"}))

    def columns(of):
        return {
            spec.key.to_user_string(): [c.name for c in schema.columns]
            for spec in of.resolve_all_asset_specs()
            if (schema := spec.metadata.get("dagster/column_schema"))
        }

    assert columns(tutorial) == columns(definitions)
    assert columns(tutorial)["dwd_log_info_di_spark"][:12] == [
        "ip", "uid", "time", "status", "bytes", "region",
        "method", "url", "protocol", "referer", "device", "identity",
    ]  # fmt: skip
    assert columns(tutorial)["ads_user_info_1d_spark"][:7] == [
        "uid", "region", "device", "pv", "gender", "age_range", "zodiac",
    ]  # fmt: skip


def test_columns_and_their_lineage_come_from_the_sql_file(definitions):
    metadata = spec_of(definitions, "ods_user_info_d_spark").metadata
    schema = metadata["dagster/column_schema"]
    assert [column.name for column in schema.columns] == [
        "uid", "gender", "age_range", "zodiac", "dt",
    ]  # fmt: skip
    assert schema.columns[0].description
    lineage = metadata["dagster/column_lineage"].deps_by_column
    assert lineage["uid"] == [dg.TableColumnDep(dg.AssetKey("user_info_oss"), "uid")]


def test_every_asset_has_an_owner_a_kind_and_a_description(definitions):
    for spec in definitions.resolve_all_asset_specs():
        assert spec.owners == ["team:user-profile"], spec.key
        assert spec.kinds, spec.key
        assert spec.description, spec.key


def test_all_assets_share_one_partitions_definition_and_one_backfill_policy(settings):
    graph = build_definitions(
        settings=settings.model_copy(update={"backfill_days_per_run": 7})
    ).resolve_asset_graph()
    nodes = [graph.get(key) for key in graph.materializable_asset_keys]
    assert {node.partitions_def for node in nodes} == {
        dg.DailyPartitionsDefinition("2024-08-01", timezone="Asia/Shanghai")
    }
    assert {node.backfill_policy for node in nodes} == {dg.BackfillPolicy.multi_run(7)}


def test_the_schedule_fills_yesterday_at_half_past_midnight_and_is_off(definitions):
    schedule = definitions.resolve_schedule_def("workshop_start_spark")
    assert schedule.cron_schedule == "30 0 * * *"
    assert schedule.execution_timezone == "Asia/Shanghai"
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
    midnight = datetime(2024, 8, 8, 0, 30, tzinfo=ZoneInfo("Asia/Shanghai"))
    with dg.build_schedule_context(
        scheduled_execution_time=midnight, repository_def=definitions.get_repository_def()
    ) as context:
        request = schedule.evaluate_tick(context).run_requests[0]
    assert request.partition_key == "2024-08-07"


def test_a_setting_switches_the_schedule_on(settings):
    on = build_definitions(settings=settings.model_copy(update={"schedule_on": True}))
    schedule = on.resolve_schedule_def("workshop_start_spark")
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING


def test_a_secret_of_the_environment_is_an_env_var_of_its_resource(settings, monkeypatch):
    url = "mysql+pymysql://u:canary@db/workshop"
    monkeypatch.setenv("USERPROFILE_MYSQL_URL", url)
    resources = build_resources(settings.model_copy(update={"mysql_url": SecretStr(url)}))
    assert "canary" not in str(resources["mysql"])
    assert resources["mysql"].process_config_and_initialize().url == url


def test_the_url_of_a_digest_is_an_env_var_of_its_resource(settings, monkeypatch):
    url = "https://u:canary@logs.example/a.sha256?sig=canary"
    monkeypatch.setenv("USERPROFILE_LOG_SHA256", url)
    resources = build_resources(settings.model_copy(update={"log_sha256": SecretStr(url)}))
    assert "canary" not in str(resources["http"])
    assert resources["http"].process_config_and_initialize().sha256 == url


def test_a_sql_file_that_reads_what_nothing_produces_stops_the_load(
    settings, project_root, tmp_path
):
    ods = tmp_path / "sql" / "ods"
    ods.mkdir(parents=True)
    for file in (project_root / "sql" / "ods").iterdir():
        (ods / file.name).write_text(file.read_text())
    broken = ods / "ods_raw_log_d_spark.sql"
    broken.write_text(broken.read_text().replace("${log_directory}", "elsewhere/${bizdate}"))
    with pytest.raises(SqlFileError, match=r"ods/ods_raw_log_d_spark.sql"):
        build_definitions(settings=settings, sql_directory=tmp_path / "sql")


def test_definitions_load_without_java_a_connection_or_a_heavy_import(tmp_path):
    code = (
        "import sys; import userprofile_assets.definitions; "
        "heavy = {'pyspark', 'dagster_pyspark', 's3fs', 'fsspec', 'pyarrow', 'pandas', 'pymysql', "
        "'sqlalchemy.dialects.mysql', 'httpx', 'aiohttp', 'botocore'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PATH": "", "JAVA_HOME": "/nonexistent", "PYTHONPATH": ":".join(sys.path)},
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout == "[]\n"
    assert list(tmp_path.iterdir()) == []


def test_loading_warns_of_nothing(settings):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        build_definitions(settings=settings)


def test_a_settings_object_with_one_source_leaves_the_other_embedded(tmp_path):
    resources = build_resources(
        Settings(home=tmp_path, log_url=SecretStr("https://logs.example.org/a.log"))
    )
    assert resources["http"].url == "https://logs.example.org/a.log"
    assert resources["mysql"].url == ""
