"""What runs have left behind about one dataset, for `userprofile catalog show`.

Belongs here: opening the database of the records, and doing without when it does not answer. Does
not belong here: what is asked (`catalog/dataset_facts.py`), printing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from userprofile_assets.catalog.dataset_facts import DatasetFacts, read_facts
from userprofile_assets.catalog.environment import home_of
from userprofile_assets.errors import PermanentError, RecordsUnavailableError
from userprofile_assets.settings.names import PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from userprofile_assets.catalog.model import Dataset
    from userprofile_assets.records.database import Records


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
            return read_facts(records, dataset, days)
    except (PermanentError, RecordsUnavailableError) as error:
        log(f"partitions and their quality are not known: {error}")
        return DatasetFacts()
