"""Small directories `sql/` for tests, and the ingest assets that the tables in them stand on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from userprofile_assets.warehouse.graph import ObjectSource

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

VARIABLES = {
    "spark_uri": "s3a://bucket/prefix",
    "log_directory": "logs/log_${bizdate}",
    "user_directory": "users/user_${bizdate}",
    "field_delimiter": "|",
}
LOG_OBJECT = ObjectSource(asset="log_object", directory="logs/log_${bizdate}", columns=("col",))
USER_OBJECT = ObjectSource(
    asset="user_object",
    directory="users/user_${bizdate}",
    columns=("uid", "sex"),
    columns_setting="USERPROFILE_USER_COLUMNS",
)

LOGS = """\
-- Lines of the log.
CREATE TABLE IF NOT EXISTS logs (col STRING COMMENT 'a line', dt STRING)
USING text OPTIONS (lineSep '\\n') PARTITIONED BY (dt) LOCATION '${spark_uri}/logs';
ALTER TABLE logs ADD IF NOT EXISTS
PARTITION (dt = '${bizdate}') LOCATION '${spark_uri}/${log_directory}';
"""
USERS = """\
-- The users.
CREATE EXTERNAL TABLE IF NOT EXISTS users (uid STRING, gender STRING)
PARTITIONED BY (dt STRING)
ROW FORMAT DELIMITED FIELDS TERMINATED BY '${field_delimiter}' STORED AS TEXTFILE
LOCATION '${spark_uri}/users';
ALTER TABLE users ADD IF NOT EXISTS
PARTITION (dt = '${bizdate}') LOCATION '${spark_uri}/${user_directory}';
"""


def write_sql(root: Path, files: Mapping[str, str]) -> Path:
    """Write files by their path under `root` and return `root`."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def table_of(name: str, columns: str, select: str, *, before: str = "") -> str:
    """Return the text of a table that an INSERT fills; the SELECT begins in line 4."""
    return (
        f"-- The table {name}.\n"
        f"CREATE TABLE IF NOT EXISTS {name} ({columns}) PARTITIONED BY (dt STRING) "
        f"LOCATION '${{spark_uri}}/{name}';\n"
        f"{before}INSERT OVERWRITE TABLE {name} PARTITION (dt = '${{bizdate}}')\n"
        f"{select};\n"
    )
