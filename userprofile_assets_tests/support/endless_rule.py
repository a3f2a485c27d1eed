"""A day of a table with a rule that never ends; then, if its JVM ended, once more without the rule.

A process of its own: its Spark is killed. It prints what became of each run, a line of JSON.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import dagster as dg
from pydantic import SecretStr

from userprofile_assets.assets import table_specs
from userprofile_assets.project_files import sql_directory
from userprofile_assets.records.database import open_records
from userprofile_assets.records.partitions import read_quality
from userprofile_assets.settings import Settings
from userprofile_assets_tests.support.runs import Project, failure_of
from userprofile_assets_tests.support.statements import ENDLESS

DAY = "2024-08-05"
TABLE = "ods_raw_log_d_spark"
RULE = f'  - {{name: endless, sql: "{ENDLESS}", expect: "= 0"}}\n'


def main(root: Path) -> None:
    """Make the day in a directory that has a home with a class archive."""
    log = root / "log.txt"
    log.write_text("a line of the log\n")
    sql = shutil.copytree(sql_directory(), root / "sql")
    (rules,) = sql.rglob(f"{TABLE}.yml")
    good = rules.read_text()
    rules.write_text(good + RULE)
    # The minute until a step is tried once more adds nothing here.
    vars(table_specs)["RETRY_POLICY"] = dg.RetryPolicy(max_retries=0)
    settings = Settings(home=root / "home", log_url=SecretStr(log.as_uri()))
    project = Project(settings, sql=sql)
    sys.stdout.write(f"{json.dumps(_made(project))}\n")
    rules.write_text(good)
    sys.stdout.write(f"{json.dumps(_made(project))}\n")


def _made(project: Project) -> dict[str, object]:
    result = project.materialize("raw_log_oss", TABLE, day=DAY)
    with open_records(None, project.settings.home) as records:
        quality = read_quality(records, TABLE, ["20240805"])["20240805"]
    return {
        "success": result.success,
        "said": "" if result.success else failure_of(result, TABLE),
        "checks": sorted({e.check_name for e in result.get_asset_check_evaluations()}),
        "quality": quality.state,
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
