"""What each ingest asset reads and writes, declared once.

The edges of the graph follow from it: from the source to the ingest asset, and from the ingest
asset to the table whose LOCATION is the directory of its object.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from userprofile_assets.bizdate import substitute
from userprofile_assets.warehouse.graph import ObjectSource

if TYPE_CHECKING:
    from userprofile_assets.settings import Settings

LOG_SOURCE = "user_log_httpfile"
USER_SOURCE = "ods_user_info_d_mysql"
RAW_LOG = "raw_log_oss"
USER_INFO = "user_info_oss"


@dataclass(frozen=True)
class IngestSpec:
    """One ingest asset: its name, its source, the object it writes and that object's columns."""

    name: str
    source: str
    object_template: str
    columns: tuple[str, ...]
    columns_setting: str | None = None

    @property
    def directory(self) -> str:
        """The directory of the object, with `${bizdate}` in it."""
        return self.object_template.rpartition("/")[0]

    def key_of(self, bizdate: str) -> str:
        """Return the key of a day's object."""
        return substitute(self.object_template, bizdate)

    def as_object_source(self) -> ObjectSource:
        """Return it as the warehouse's graph wants it."""
        return ObjectSource(
            asset=self.name,
            directory=self.directory,
            columns=self.columns,
            columns_setting=self.columns_setting,
        )


def ingest_specs(settings: Settings) -> dict[str, IngestSpec]:
    """Return all ingest assets by name."""
    specs = (
        IngestSpec(RAW_LOG, LOG_SOURCE, settings.log_object, ("col",)),
        IngestSpec(
            USER_INFO,
            USER_SOURCE,
            settings.user_object,
            settings.user_columns,
            "USERPROFILE_USER_COLUMNS",
        ),
    )
    return {spec.name: spec for spec in specs}
