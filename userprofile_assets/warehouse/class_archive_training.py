"""The training session of the class archive: runs what a day runs, once, in a JVM of its own.

Run as `python -m userprofile_assets.warehouse.class_archive_training SCRATCH ARCHIVE`. What it
executes decides which classes the archive holds, so it follows the statements of `runner.py`.
"""

from __future__ import annotations

import secrets
import socket
import sys
from dataclasses import replace
from pathlib import Path

from userprofile_assets.warehouse.connect import open_connect
from userprofile_assets.warehouse.connect_home import remote_address
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
    token, port = secrets.token_urlsafe(32), _free_port()
    options = SessionOptions(
        home=Path(scratch),
        master="local[*]",
        timezone="UTC",
        conf={
            "spark.driver.extraJavaOptions": (
                f'"-XX:ArchiveClassesAtExit={archive}" -Xlog:disable -Xlog:all=error'
            ),
            # The same driver as a Spark Connect server, so that one archive serves both.
            "spark.plugins": "org.apache.spark.sql.connect.SparkConnectPlugin",
            "spark.connect.grpc.binding.address": "127.0.0.1",
            "spark.connect.grpc.binding.port": str(port),
            "spark.connect.authenticate.token": token,
        },
    )
    server = replace(options, remote=remote_address(port, token), conf={})
    with open_session(options, stop_seconds=200) as running:
        for statement in _statements(root):
            running.session.sql(statement).collect()
        running.session.catalog.tableExists("a")
        with open_connect(server) as engine:
            for statement in _statements(root):
                engine.execute(statement)
            engine.table_exists("a")


def _statements(root: Path) -> list[str]:
    return [
        statement.format(root=root, table=table)
        for statement in _STATEMENTS
        for table in (("a", "b") if "{table}" in statement else ("",))
    ]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    main(*sys.argv[1:])
