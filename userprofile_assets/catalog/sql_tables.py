"""The tables of `sql/`, read with this project's variables.

Belongs here: the values of the variables, and what the tables stand on. Does not belong here: how a
file is read (`warehouse/`), which asset a table gets (`assets/warehouse.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from userprofile_assets.catalog.ingest_specs import ingest_specs
from userprofile_assets.enrichment.columns import LOOKUP_COLUMNS
from userprofile_assets.project_files import sql_directory
from userprofile_assets.warehouse.graph import Warehouse, build_graph

if TYPE_CHECKING:
    from pathlib import Path

    from userprofile_assets.settings import Settings
    from userprofile_assets.warehouse.known_tables import KnownTables


def sql_variables(settings: Settings) -> dict[str, str]:
    """Return the variables that files of `sql/` may use, besides `${bizdate}`."""
    return {
        "spark_uri": settings.effective_spark_uri,
        "log_directory": settings.log_object.rpartition("/")[0],
        "user_directory": settings.user_object.rpartition("/")[0],
        "field_delimiter": settings.field_delimiter,
        "log_format": settings.log_format,
        "log_day_filter": settings.log_day_filter,
        "anonymous": settings.anonymous,
        "inactive_users": str(settings.inactive_users).lower(),
    }


def load_warehouse(
    settings: Settings, directory: Path | None = None, *, known: KnownTables | None = None
) -> Warehouse:
    """Parse the SQL files and connect them with each other and with the ingest assets.

    Args:
        settings: The settings.
        directory: Where the files are; the project's own `sql/` if None.
        known: What was found before; files that have not changed are not parsed again.

    Raises:
        SqlFileError: A file does not parse, or reads what nothing produces.
    """
    return build_graph(
        directory or sql_directory(),
        sql_variables(settings),
        [spec.as_object_source() for spec in ingest_specs(settings).values()],
        logic=settings.logic,
        lookups={
            name: [(column.name, column.type) for column in columns]
            for name, columns in LOOKUP_COLUMNS.items()
        },
        known=known,
    )
