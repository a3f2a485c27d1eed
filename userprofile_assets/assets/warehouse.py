"""One asset per file of `sql/`.

Belongs here: reading the files with this project's variables, and which asset a table gets. Does
not belong here: what a step does (`external_tables.py`, `day_tables.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from userprofile_assets.assets.day_tables import day_asset
from userprofile_assets.assets.external_tables import external_asset
from userprofile_assets.assets.ingest_specs import RAW_LOG, ingest_specs
from userprofile_assets.assets.line_accounts import LINE_VALUES
from userprofile_assets.assets.table_specs import table_arguments
from userprofile_assets.enrichment.columns import LOOKUP_COLUMNS
from userprofile_assets.project_files import sql_directory
from userprofile_assets.warehouse.graph import Warehouse, build_graph

if TYPE_CHECKING:
    from pathlib import Path

    import dagster as dg

    from userprofile_assets.assets.common import Daily
    from userprofile_assets.settings import Settings


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


def load_warehouse(settings: Settings, directory: Path | None = None) -> Warehouse:
    """Parse the SQL files and connect them with each other and with the ingest assets.

    Args:
        settings: The settings.
        directory: Where the files are; the project's own `sql/` if None.

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
    )


def build_table_assets(
    settings: Settings, daily: Daily, warehouse: Warehouse
) -> list[dg.AssetsDefinition]:
    """Return an asset for every table."""
    specs = ingest_specs(settings)
    variables = sql_variables(settings)
    accounts = any(table.table == LINE_VALUES for table in warehouse.tables)
    assets = []
    for table in warehouse.tables:
        arguments = table_arguments(table, daily, warehouse)
        if table.kind == "external":
            (producer,) = warehouse.dependencies(table.table)
            assets.append(external_asset(table, arguments, variables, specs[producer]))
        else:
            assets.append(day_asset(table, arguments, variables, specs[RAW_LOG], accounts=accounts))
    return assets
