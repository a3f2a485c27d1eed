"""Make the records of `catalog`: days of many tables, each with the results of some rules.

`python benchmarks/catalog_records.py HOME TABLE...`
"""

from __future__ import annotations

import sys
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from userprofile_assets.bizdate import to_bizdate
from userprofile_assets.records.database import open_records
from userprofile_assets.records.partitions import PartitionRecord, record_partitions
from userprofile_assets.records.tables import tables

if TYPE_CHECKING:
    from collections.abc import Iterator

DAYS = 30
_RULES = 5
_FIRST_DAY = date(2024, 8, 1)


def main(home: Path, names: list[str]) -> None:
    """Put them into the database under a home."""
    days = [to_bizdate(_FIRST_DAY + timedelta(days=number)) for number in range(DAYS)]
    made = [
        PartitionRecord(
            asset=name,
            dt=dt,
            row_count=1000,
            byte_count=100_000,
            location=f"file:/storage/{name}/run=1/dt={dt}",
            run_id="0f8fad5b-d9cb-469f-a165-70867728950e",
            made_at="2024-09-01T00:30:00.000000Z",
        )
        for name in names
        for dt in days
    ]
    with open_records(None, home) as records:
        record_partitions(records, made)
        results = list(_results(made))
        records.write(lambda connection: connection.execute(tables().dq_result.insert(), results))


def _results(made: list[PartitionRecord]) -> Iterator[dict[str, object]]:
    for partition in made:
        for rule in range(_RULES):
            yield {
                "table_name": partition.asset,
                "dt": partition.dt,
                "rule": f"rule {rule}",
                "metric": f"metric {rule}",
                "strength": "soft",
                "status": "passed",
                "value": 1.0,
                "message": "1 is more than 0",
                "run_id": partition.run_id,
                "checked_at": partition.made_at,
            }


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
