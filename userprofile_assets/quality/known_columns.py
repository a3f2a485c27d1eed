"""The columns that a rule may name, and errors for those that are not there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from userprofile_assets.quality.yaml_nodes import nearest

if TYPE_CHECKING:
    from userprofile_assets.quality.yaml_nodes import Node

Columns: TypeAlias = Mapping[str, Sequence[tuple[str, str]]]

# A view's column may have no type: nothing is known, so anything is allowed.
NUMERIC = re.compile(r"(tinyint|smallint|int|bigint|float|double|decimal.*|unknown)?")
TIME = re.compile(r"(timestamp.*|date|unknown)?")


@dataclass(frozen=True)
class KnownColumns:
    """What one table's rules may name.

    Args:
        table: The table.
        columns: Columns with their types, of all tables.
    """

    table: str
    columns: Columns

    def column(self, name: str, node: Node, *, table: str | None = None) -> str:
        """Return the name of a column that is there.

        Raises:
            QualityFileError: It is not; names the nearest one.
        """
        table = table or self.table
        known = [column for column, _ in self.columns[table]]
        if name not in known:
            raise node.error(
                f"{table} has no column {name!r}{nearest(name, known)}",
                f"its columns: {', '.join(known)}",
            )
        return name

    def type_of(self, column: str, *, table: str | None = None) -> str:
        """Return the type as Spark writes it; empty where it is not known."""
        known = self.columns[table or self.table]
        return next((kind for name, kind in known if name == column), "")

    def check_type(
        self,
        column: str,
        allowed: re.Pattern[str],
        what: str,
        node: Node,
        *,
        table: str | None = None,
    ) -> None:
        """Refuse a column of another type.

        Raises:
            QualityFileError: Its type is not allowed.
        """
        kind = self.type_of(column, table=table)
        if not allowed.fullmatch(kind):
            raise node.error(f"{what}, but {column} is {kind}", "use another column")

    def check_table(self, table: str, node: Node) -> None:
        """Refuse a table that is not there.

        Raises:
            QualityFileError: It is not; names the nearest one.
        """
        if table not in self.columns:
            raise node.error(
                f"there is no table {table!r}{nearest(table, self.columns)}",
                "write a table of sql/",
            )
