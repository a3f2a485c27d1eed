"""What runs have left behind about one dataset: days, their quality, how a source looked.

Belongs here: reading it from the records. Does not belong here: opening them
(`cli/catalog_facts.py`), showing it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from userprofile_assets.catalog.model import Dataset
    from userprofile_assets.records.database import Records
    from userprofile_assets.records.partitions import DayQuality, PartitionRecord
    from userprofile_assets.records.source_schemas import SeenSchema


@dataclass(frozen=True)
class DatasetFacts:
    """What the records say of a dataset.

    Attributes:
        partitions: Its newest days, the newest first.
        more_partitions: Whether there are older ones.
        quality: What the rules said, by business date.
        source: How a source looked last; None for another kind, or before the first run.
    """

    partitions: tuple[PartitionRecord, ...] = ()
    more_partitions: bool = False
    quality: Mapping[str, DayQuality] = field(default_factory=dict)
    source: SeenSchema | None = None


def read_facts(records: Records, dataset: Dataset, days: int) -> DatasetFacts:
    """Ask the records about a dataset.

    Args:
        records: The database.
        dataset: The dataset.
        days: Most partitions.

    Raises:
        RecordsError: The database refuses.
        RecordsUnavailableError: It does not answer.
    """
    # Where nothing is asked SQLAlchemy is not loaded either.
    from userprofile_assets.records.partitions import (  # noqa: PLC0415 - see above
        read_partitions,
        read_quality,
    )
    from userprofile_assets.records.source_schemas import last_seen  # noqa: PLC0415 - see above

    if dataset.kind == "source":
        return DatasetFacts(source=last_seen(records, dataset.name))
    found = read_partitions(records, dataset.name, limit=days + 1)
    shown = tuple(found[:days])
    return DatasetFacts(
        partitions=shown,
        more_partitions=len(found) > days,
        quality=read_quality(records, dataset.name, [partition.dt for partition in shown]),
    )
