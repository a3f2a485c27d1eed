"""What a lookup is: keys in, one row of knowledge for each key out.

Belongs here: the interface between the SQL driver, which knows tables, and the lookups, which know
agents, addresses or lines. Does not belong here: any knowledge.

A file of `sql/` names its lookup by TBLPROPERTIES ('userprofile.lookup' = '<name>') and selects the
keys. The driver writes the rows as the day's object of that table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class LookupColumn(NamedTuple):
    """A column of a lookup's table.

    Args:
        name: Its name in Spark.
        type: Spark's simpleString: string, bigint or boolean.
        comment: What it holds, as shown in the catalogue.
    """

    name: str
    type: str
    comment: str


class Lookup(Protocol):
    """Knowledge about keys."""

    @property
    def name(self) -> str:
        """As in TBLPROPERTIES."""
        ...

    @property
    def columns(self) -> tuple[LookupColumn, ...]:
        """All columns of the table but `dt`, the key's first."""
        ...

    @property
    def version(self) -> str:
        """Changes when the row of a key may change; shown in the asset's metadata."""
        ...

    @property
    def attribution(self) -> str | None:
        """What must stand where the rows are shown; None if nothing must."""
        ...

    def rows(self, keys: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
        """Yield rows of `columns`: one for each key, in their order, or one for each line found.

        Args:
            keys: The values of the key's columns; read lazily, batch by batch.
        """
        ...
