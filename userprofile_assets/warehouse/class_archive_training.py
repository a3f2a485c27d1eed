"""The training session of the class archive: runs what a day runs, once, in a JVM of its own.

Run as `python -m userprofile_assets.warehouse.class_archive_training SCRATCH ARCHIVE`. What it
executes decides which classes the archive holds, so it follows the statements of `runner.py`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from userprofile_assets.warehouse.session import open_session
from userprofile_assets.warehouse.session_options import SessionOptions

_STATEMENTS = (
    "CREATE TABLE IF NOT EXISTS a (col STRING COMMENT 'c', dt STRING) USING text "
    "OPTIONS (lineSep '\\n') PARTITIONED BY (dt) COMMENT 'c' LOCATION '{root}/a'",
    "CREATE EXTERNAL TABLE IF NOT EXISTS b (x STRING COMMENT 'c', y STRING) COMMENT 'c' "
    "PARTITIONED BY (dt STRING) ROW FORMAT DELIMITED FIELDS TERMINATED BY '|' ESCAPED BY '\\\\' "
    "LINES TERMINATED BY '\\n' NULL DEFINED AS '\\\\N' STORED AS TEXTFILE LOCATION '{root}/b'",
    "SHOW PARTITIONS {table}",
    "ALTER TABLE {table} ADD IF NOT EXISTS PARTITION (dt = '1') LOCATION '{root}/{table}/1'",
    "DESCRIBE EXTENDED {table} AS JSON",
    "DESCRIBE EXTENDED {table} PARTITION (dt = '1') AS JSON",
    "ALTER TABLE {table} PARTITION (dt = '1') SET LOCATION '{root}/{table}/1'",
    "REFRESH TABLE {table}",
    "SELECT dt, COUNT(*) FROM {table} WHERE dt IN ('1') GROUP BY dt",
    "SELECT * FROM {table} WHERE dt = '1' LIMIT 5",
)


def main(scratch: str, archive: str) -> None:
    """Run the training statements and let the JVM write its archive when it ends."""
    root = Path(scratch, "data")
    for table, line in (("a", "one\ntwo\n"), ("b", "1|x\n2|\\N\n")):
        directory = root / table / "1"
        directory.mkdir(parents=True)
        (directory / "data.txt").write_text(line, encoding="utf-8")
    options = SessionOptions(
        home=Path(scratch),
        master="local[*]",
        timezone="UTC",
        conf={
            "spark.driver.extraJavaOptions": (
                f'"-XX:ArchiveClassesAtExit={archive}" -Xlog:disable -Xlog:all=error'
            )
        },
    )
    with open_session(options, stop_seconds=200) as session:
        for statement in _STATEMENTS:
            for table in ("a", "b") if "{table}" in statement else ("",):
                session.sql(statement.format(root=root, table=table)).collect()
        session.catalog.tableExists("a")


if __name__ == "__main__":
    main(*sys.argv[1:])
