"""What the YAML files beside the tables say of them.

Does not belong here: how such a file is read (`quality/table_file.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from userprofile_assets.quality.table_file import read_table_docs

if TYPE_CHECKING:
    from pathlib import Path

    from userprofile_assets.quality.table_file import TableDoc
    from userprofile_assets.warehouse.graph import Warehouse
    from userprofile_assets.warehouse.sql_files import Logic


def read_docs(directory: Path, warehouse: Warehouse, logic: Logic) -> dict[str, TableDoc]:
    """Return what the YAML files say, by table.

    Raises:
        QualityFileError: One of them cannot be used.
    """
    columns = {
        table.table: [(c.name, c.type) for c in (*table.columns, *table.partition_columns)]
        for table in warehouse.tables
    }
    return dict(read_table_docs(directory, columns, logic))
