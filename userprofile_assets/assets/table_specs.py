"""What Dagster is told about a table before any of its days exists.

Belongs here: arguments of `dg.asset` that follow from a table's file. Does not belong here: what a
step does (`external_tables.py`, `day_tables.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dagster as dg

from userprofile_assets.assets.common import OWNERS, RETRY_POLICY, SPARK_POOL, Daily
from userprofile_assets.quality.table_file import ColumnDoc, TableDoc
from userprofile_assets.warehouse.graph import Warehouse
from userprofile_assets.warehouse.table_model import Column, TableDefinition

AssetDecorator = Callable[[Callable[..., Any]], dg.AssetsDefinition]

# For what a view's column is when its SELECT does not tell.
_UNKNOWN_TYPE = "unknown"


def table_arguments(
    table: TableDefinition, doc: TableDoc, daily: Daily, warehouse: Warehouse
) -> dict[str, Any]:
    """Return the arguments of `dg.asset` that every table has."""
    columns = [*table.columns, *table.partition_columns]
    lineage = {
        column: [dg.TableColumnDep(dg.AssetKey(asset), name) for asset, name in sources]
        for column, sources in table.column_lineage.items()
        if sources
    }
    return {
        "name": table.table,
        "deps": list(warehouse.dependencies(table.table)),
        "partitions_def": daily.partitions,
        "backfill_policy": daily.policy,
        "group_name": table.layer,
        "kinds": {"spark", "sql"},
        "owners": [doc.owner] if doc.owner else OWNERS,
        "tags": dict.fromkeys(doc.tags, ""),
        "pool": SPARK_POOL,
        "retry_policy": RETRY_POLICY,
        "description": doc.description or table.description,
        "code_version": table.code_version,
        "metadata": {
            "dagster/table_name": table.table,
            "dagster/storage_kind": "spark",
            "dagster/column_schema": dg.TableSchema(
                columns=[_column(column, doc.columns.get(column.name)) for column in columns]
            ),
            "dagster/column_lineage": dg.TableColumnLineage(lineage),
            "file": f"sql/{table.file.name}",
        },
    }


def _column(column: Column, doc: ColumnDoc | None) -> dg.TableColumn:
    tags = dict.fromkeys(doc.tags, "") if doc else {}
    if doc and doc.pii:
        tags["pii"] = ""
    return dg.TableColumn(
        column.name,
        column.type or _UNKNOWN_TYPE,
        description=(doc.comment if doc else None) or column.comment,
        tags=tags,
    )
