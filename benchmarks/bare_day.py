"""The other side of `day`: one day by a plain PySpark script, without Dagster and our package.

Run as `python bare_day.py JOB`, a JSON file with the Spark configuration and the paths; prints the
two counts as JSON. It does what the assets do (copy with hash and line count, table to delimited
text, CREATE TABLE, ADD PARTITION, count) and nothing else: no manifest, no locks, no comparison of
the table with its definition, no history.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

_CHUNK = 1 << 20
_TABLES = {
    "raw": (
        "CREATE TABLE IF NOT EXISTS ods_raw_log_d_spark (col STRING, dt STRING) USING text "
        "OPTIONS (lineSep '\\n') PARTITIONED BY (dt) LOCATION '{root}/ods_raw_log_d'",
        "ods_raw_log_d_spark",
    ),
    "user": (
        "CREATE EXTERNAL TABLE IF NOT EXISTS ods_user_info_d_spark (uid STRING, gender STRING, "
        "age_range STRING, zodiac STRING) PARTITIONED BY (dt STRING) ROW FORMAT DELIMITED "
        "FIELDS TERMINATED BY '|' ESCAPED BY '\\\\' LINES TERMINATED BY '\\n' "
        "NULL DEFINED AS '\\\\N' STORED AS TEXTFILE LOCATION '{root}/ods_user_info_d'",
        "ods_user_info_d_spark",
    ),
}


def copy_log(source: Path, target: Path) -> tuple[str, int]:
    """Copy a file; return the SHA-256 and the number of its lines."""
    digest, lines = hashlib.sha256(), 0
    target.parent.mkdir(parents=True)
    with source.open("rb") as incoming, target.open("wb") as outgoing:
        while chunk := incoming.read(_CHUNK):
            digest.update(chunk)
            lines += chunk.count(b"\n")
            outgoing.write(chunk)
    return digest.hexdigest(), lines


def export_users(database: Path, target: Path) -> int:
    """Write the user table as delimited text; return the number of rows."""
    rows = 0
    target.parent.mkdir(parents=True)
    with (
        closing(sqlite3.connect(database)) as connection,
        target.open("w", encoding="utf-8", newline="") as outgoing,
    ):
        query = "SELECT uid, gender, age_range, zodiac FROM ods_user_info_d ORDER BY uid"
        for row in connection.execute(query):
            outgoing.write("|".join(map(_escape, row)) + "\n")
            rows += 1
    return rows


def _escape(value: str | None) -> str:
    if value is None:
        return "\\N"
    escaped = value.replace("\\", "\\\\").replace("|", "\\|")
    return escaped.replace("\n", "\\n").replace("\r", "\\r")


def main(job: dict[str, Any]) -> None:
    """Do the four steps."""
    storage, bizdate = Path(job["storage"]), job["bizdate"]
    raw = storage / f"ods_raw_log_d/log_{bizdate}/log_{bizdate}.txt"
    user = storage / f"ods_user_info_d/user_{bizdate}/user_{bizdate}.txt"
    _, lines = copy_log(Path(job["log"]), raw)
    rows = export_users(Path(job["database"]), user)

    from pyspark.sql import SparkSession

    builder = SparkSession.builder
    for key, value in job["conf"].items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    counted = {}
    for kind, directory in (("raw", raw.parent), ("user", user.parent)):
        create, name = _TABLES[kind]
        session.sql(create.format(root=storage.as_uri()))
        session.sql(
            f"ALTER TABLE {name} ADD IF NOT EXISTS PARTITION (dt = '{bizdate}') "
            f"LOCATION '{directory.as_uri()}'"
        )
        found = session.sql(
            f"SELECT COUNT(*) FROM {name} WHERE dt = '{bizdate}'"  # noqa: S608 - names of ours
        )
        counted[kind] = found.collect()[0][0]
    session.stop()
    if counted != {"raw": lines, "user": rows}:
        sys.exit(f"copied {lines} and {rows}, but Spark counts {counted}")
    sys.stdout.write(json.dumps(counted) + "\n")


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
