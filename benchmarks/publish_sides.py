"""Our side of `publish`, and the rows that both sides get.

Run as `python -m benchmarks.publish_sides HOME STORE`; BENCH_SOURCE is the URL of the database,
empty for SQLite under HOME. Prints as its last line a JSON object with `publish`, the seconds of
the publishing alone, and `rows`.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from functools import partial
from pathlib import Path

from userprofile_assets.ingestion.open_store import open_store
from userprofile_assets.records.database import open_records
from userprofile_assets.serving.parquet_day import parquet_batches
from userprofile_assets.serving.publish import publish_day
from userprofile_assets.serving.results import PROFILES, RESULTS
from userprofile_assets.serving.row_counts import count_served

DAY = "20240807"
DIRECTORY = "ads_user_info_1d_spark/dt=20240807"
COLUMNS = [name for name in RESULTS[PROFILES] if name != "dt"]
_FILES = 4
_DEVICES = ("android", "iphone", "windows_pc", "macintosh", "ipad", "linux_pc", "windows_phone")


def write_rows(store: Path, text: Path, rows: int) -> None:
    """Write the same profiles as Parquet in several files, and as tab-separated text.

    Args:
        store: Directory of the object storage.
        text: The text; the day is its first field, NULL is a backslash and N.
        rows: How many profiles.
    """
    import pyarrow as pa
    from pyarrow import parquet

    directory = store / DIRECTORY
    directory.mkdir(parents=True)
    chance = random.Random(1)  # noqa: S311 - no secret
    # A log's uids come in no order.
    numbers = chance.sample(range(rows), rows)
    places = [("中国", f"省{n % 31:02}", f"市{n:03}") for n in range(330)]
    places += [(f"country{n:02}", f"state{n}", f"town{n}") for n in range(70)]
    weights = [1 / (1 + n) for n in range(len(places))]
    with text.open("w", encoding="utf-8", newline="\n") as lines:
        for part in range(_FILES):
            some = numbers[part::_FILES]
            where = chance.choices(places, weights, k=len(some))
            table = {
                "uid": [f"user{n:09}" for n in some],
                "region": [place[1] for place in where],
                "device": chance.choices(_DEVICES, (40, 25, 20, 6, 5, 3, 1), k=len(some)),
                "pv": [min(int(chance.paretovariate(1.2)), 10**6) for _ in some],
                "gender": [("男", "女", None)[n % 3] for n in some],
                "age_range": [
                    ("20岁以下", "20-30岁", "30-40岁", "40-50岁", "50岁以上")[n % 5] for n in some
                ],
                "zodiac": [f"星座{n // 15 % 12}" for n in some],
                "country": [place[0] for place in where],
                "city": [place[2] for place in where],
                "is_registered": [n % 3 != 2 for n in some],
            }
            parquet.write_table(pa.table(table), directory / f"part-{part}.parquet")
            for row in zip(*(table[name] for name in COLUMNS), strict=True):
                fields = ("\\N" if value is None else _text(value) for value in row)
                lines.write("\t".join((DAY, *fields)) + "\n")


def _text(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def main() -> None:
    """Publish the day, and print what it took."""
    home, store = map(Path, sys.argv[1:])
    # A Dagster process has it already, for its own history; so it is no part of the publishing.
    import sqlalchemy  # noqa: F401

    with open_records(os.environ["BENCH_SOURCE"] or None, home, read_timeout=600) as records:
        # Makes the tables, which the other side has too.
        count_served(records, PROFILES, [DAY])
        begin = time.perf_counter()
        done = publish_day(
            records,
            PROFILES,
            DAY,
            partial(parquet_batches, open_store(store.as_uri()), DIRECTORY, COLUMNS, home / "tmp"),
            run_id="benchmark",
            log=print,
        )
        seconds = time.perf_counter() - begin
    print(json.dumps({"publish": seconds, "rows": done.rows, "cells": done.cells}))


if __name__ == "__main__":
    main()
