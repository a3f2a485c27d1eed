"""What runs have left behind about one dataset, for `userprofile catalog show`.

Belongs here: asking the database of the records, and doing without when it does not answer. Does
not belong here: printing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from userprofile_assets.catalog.environment import home_of
from userprofile_assets.errors import PermanentError, RecordsUnavailableError
from userprofile_assets.settings.names import PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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


def open_known_records(variables: Mapping[str, str]) -> Records | None:
    """Open the database of the records, or return None if no run has made the embedded one.

    Raises:
        SettingsError: Its URL cannot be used.
    """
    from userprofile_assets.records.database import default_path, open_records

    url = variables.get(f"{PREFIX}SERVING_URL")
    home = home_of(variables)
    # Looking at the catalogue makes no database.
    if url is None and not default_path(home).exists():
        return None
    return open_records(
        url,
        home,
        tls=variables.get(f"{PREFIX}SERVING_TLS"),
        ca=variables.get(f"{PREFIX}SERVING_CA"),
    )


def facts_of(
    dataset: Dataset, variables: Mapping[str, str], *, days: int, log: Callable[[str], None]
) -> DatasetFacts:
    """Ask the records; if they cannot be asked, say so and know nothing.

    Args:
        dataset: The dataset.
        variables: The `USERPROFILE_*` variables that are set.
        days: Most partitions.
        log: Told when the database cannot be asked.
    """
    try:
        records = open_known_records(variables)
        if records is None:
            return DatasetFacts()
        with records:
            return _ask(records, dataset, days)
    except (PermanentError, RecordsUnavailableError) as error:
        log(f"partitions and their quality are not known: {error}")
        return DatasetFacts()


def _ask(records: Records, dataset: Dataset, days: int) -> DatasetFacts:
    from userprofile_assets.records.partitions import read_partitions, read_quality
    from userprofile_assets.records.source_schemas import last_seen

    if dataset.kind == "source":
        return DatasetFacts(source=last_seen(records, dataset.name))
    found = read_partitions(records, dataset.name, limit=days + 1)
    shown = tuple(found[:days])
    return DatasetFacts(
        partitions=shown,
        more_partitions=len(found) > days,
        quality=read_quality(records, dataset.name, [partition.dt for partition in shown]),
    )
