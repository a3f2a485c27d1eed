"""One asset per file of `sql/`.

Belongs here: which asset a table gets. Does not belong here: reading the files
(`catalog/sql_tables.py`), what a step does (`external_tables.py`, `day_tables.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from userprofile_assets.assets.day_tables import day_asset
from userprofile_assets.assets.external_tables import external_asset
from userprofile_assets.assets.table_specs import table_arguments
from userprofile_assets.catalog.ingest_specs import RAW_LOG, ingest_specs
from userprofile_assets.catalog.sql_tables import sql_variables
from userprofile_assets.checks.line_accounts import LINE_VALUES

if TYPE_CHECKING:
    from collections.abc import Mapping

    import dagster as dg

    from userprofile_assets.assets.common import Daily
    from userprofile_assets.assets.step_events import LineageEvents
    from userprofile_assets.quality.table_file import TableDoc
    from userprofile_assets.settings import Settings
    from userprofile_assets.warehouse.graph import Warehouse


def build_table_assets(
    settings: Settings,
    daily: Daily,
    warehouse: Warehouse,
    docs: Mapping[str, TableDoc],
    events: LineageEvents,
) -> list[dg.AssetsDefinition]:
    """Return an asset for every table.

    Args:
        settings: The settings.
        daily: The partitions and the backfill policy.
        warehouse: The tables.
        docs: What their YAML files say, by table.
        events: What OpenLineage events are made of.
    """
    specs = ingest_specs(settings)
    variables = sql_variables(settings)
    accounts = any(table.table == LINE_VALUES for table in warehouse.tables)
    assets = []
    for table in warehouse.tables:
        doc = docs[table.table]
        arguments = table_arguments(table, doc, daily, warehouse)
        if table.kind == "external":
            (producer,) = warehouse.dependencies(table.table)
            assets.append(
                external_asset(
                    table, arguments, variables, doc, producer=specs[producer], events=events
                )
            )
        else:
            assets.append(
                day_asset(
                    table,
                    arguments,
                    variables,
                    doc,
                    log_spec=specs[RAW_LOG],
                    upstream=warehouse.stored_upstream(table.table),
                    events=events,
                    accounts=accounts,
                )
            )
    return assets
