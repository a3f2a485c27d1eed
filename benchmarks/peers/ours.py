"""Our side: one copy in a bare process, by the library that the assets call.

Argument: `table` or `log`. Everything else comes by environment, since URL and keys are secrets:
BENCH_SOURCE (URL), BENCH_STORE (URI), BENCH_LOCKS (folder), and for `s3://` the
BENCH_S3_* and AWS_* of `servers.py`.

Prints what happens, and as its last line a JSON object with `copy` (seconds of the copy alone), and
`rows`, `bytes` and `reader` of what it published.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.peers.database import COLUMNS, TABLE
from userprofile_assets.ingestion.log_copy import LogOptions, copy_log
from userprofile_assets.ingestion.open_store import open_store
from userprofile_assets.ingestion.publish import Publisher, Target
from userprofile_assets.ingestion.store import S3Options
from userprofile_assets.ingestion.table_copy import TableOptions, copy_table
from userprofile_assets.ingestion.table_engine import engine_for

if TYPE_CHECKING:
    from userprofile_assets.ingestion.manifest import Manifest

KEY = "bench/day_20240807/day_20240807.txt"


def _publisher() -> Publisher:
    options = S3Options(
        endpoint=os.environ.get("BENCH_S3_ENDPOINT"),
        region=os.environ.get("BENCH_S3_REGION"),
        addressing="path",
        access_key_id=os.environ.get("AWS_ACCESS_KEY_ID"),
        access_key_secret=os.environ.get("AWS_SECRET_ACCESS_KEY"),
    )
    store = open_store(os.environ["BENCH_STORE"], options)
    return Publisher(store=store, locks=Path(os.environ["BENCH_LOCKS"]))


def _copy(what: str) -> Manifest:
    source = os.environ["BENCH_SOURCE"]
    target = Target(asset=f"bench_{what}", key=KEY, bizdate="20240807", run_id="benchmark")
    if what == "log":
        return copy_log(
            source, publisher=_publisher(), target=target, options=LogOptions(), log=print
        )
    options = TableOptions(
        table=TABLE,
        columns=COLUMNS,
        where=None,
        split_key=None,
        delimiter="|",
    )
    engine = engine_for(source)
    try:
        return copy_table(engine, publisher=_publisher(), target=target, options=options, log=print)
    finally:
        engine.dispose()


def main() -> None:
    """Copy, and print what it took."""
    if sys.argv[1] == "table":
        # A Dagster process has it already, for its own history; so it is no part of the copy.
        import sqlalchemy  # noqa: F401
    started = time.perf_counter()
    done = _copy(sys.argv[1])
    copy = time.perf_counter() - started
    said = {"copy": copy, "rows": done.rows, "bytes": done.bytes, "sha256": done.sha256}
    print(json.dumps(said | {"reader": done.source.get("reader")}))


if __name__ == "__main__":
    main()
