"""Rules that cannot be measured in time: the days are published, recorded and named."""

import json
import shutil

import pytest
from pydantic import SecretStr

from userprofile_assets.project_files import sql_directory
from userprofile_assets.records.database import open_records
from userprofile_assets.records.partitions import read_partitions, read_quality
from userprofile_assets.settings import Settings
from userprofile_assets_tests.support.runs import Project, failure_of
from userprofile_assets_tests.support.statements import ENDLESS

DAYS = ("2024-08-05", "2024-08-06", "2024-08-07")
LOG = "ods_raw_log_d_spark"
LINES = "dwd_log_line_spark"
VALUES = "dwd_log_value_di_spark"
A_LINE = "192.0.2.1##@@u1##@@{} 10:00:00##@@GET / HTTP/1.1##@@200##@@5##@@-##@@Mozilla/5.0\n"


def never_measured(project, table):
    """Give a table a rule that never ends."""
    (path,) = project.sql.rglob(f"{table}.yml")
    path.write_text(f'{path.read_text()}  - {{name: endless, sql: "{ENDLESS}", expect: "= 0"}}\n')
    return path


@pytest.fixture
def project(tmp_path, spark):
    for day in DAYS:
        (tmp_path / f"{day.replace('-', '')}.txt").write_text(A_LINE.format(day))
    sql = shutil.copytree(sql_directory(), tmp_path / "sql")
    settings = Settings(
        home=tmp_path / "home",
        log_url=SecretStr(f"{tmp_path.as_uri()}/${{bizdate}}.txt"),
        backfill_days_per_run="all",
        spark_statement_seconds=8,
    )
    return Project(settings, sql=sql)


def recorded(project, asset):
    with open_records(None, project.settings.home) as records:
        return {record.dt for record in read_partitions(records, asset)}


def test_days_of_an_external_table_are_recorded_though_their_rules_were_not_measured(project):
    never_measured(project, LOG)
    project.materialize("raw_log_oss", days=(DAYS[0], DAYS[-1]))
    path = project.settings.home / "storage/ods_raw_log_d/log_20240806/_manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"rows": 51}))
    result = project.materialize(LOG, days=(DAYS[0], DAYS[-1]))
    said = failure_of(result, LOG)
    assert said.startswith("3 of 3 days failed; the others are published and recorded.\n")
    assert "2024-08-06: ods_raw_log_d_spark, 2024-08-06: Spark counts 1 rows" in said
    assert "2024-08-05: rules of ods_raw_log_d_spark: published, but its rules were not " in said
    assert "2024-08-07: rules of ods_raw_log_d_spark: published, but its rules were not " in said
    assert project.materialized(LOG) == {"2024-08-05", "2024-08-07"}
    assert recorded(project, LOG) == {"20240805", "20240807"}
    with open_records(None, project.settings.home) as records:
        assert read_quality(records, LOG, ["20240806"])["20240806"].state == "failed"


def test_days_of_a_filled_table_are_recorded_though_their_rules_were_not_measured(project):
    never_measured(project, VALUES)
    days = (DAYS[0], DAYS[1])
    project.materialize("raw_log_oss", days=days)
    project.materialize(LOG, days=days)
    project.materialize("dwd_log_line_spark", days=days)
    result = project.materialize(VALUES, days=days)
    assert "2024-08-06: rules of dwd_log_value_di_spark: published, but its rules were not " in (
        failure_of(result, VALUES)
    )
    assert project.materialized(VALUES) == {"2024-08-05", "2024-08-06"}
    assert recorded(project, VALUES) == {"20240805", "20240806"}


def test_nothing_is_built_on_a_day_whose_rules_were_not_measured_until_they_are(project):
    (day, *_) = DAYS
    good = (project.sql / "ods" / f"{LOG}.yml").read_text()
    path = never_measured(project, LOG)
    project.materialize("raw_log_oss", day=day)
    project.materialize(LOG, day=day)
    result = project.materialize(LINES, day=day)
    assert f"{LOG} breaks rules_measured (a statement was cancelled after 8 seconds)" in (
        failure_of(result, LINES)
    )
    path.write_text(good)
    assert project.materialize(LOG, LINES, day=day).success
