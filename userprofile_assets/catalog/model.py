"""What the data map knows: datasets, their columns, and where each column comes from.

Belongs here: plain values and the two directions of their edges. Does not belong here: where they
come from (`contributions.py`), the file they are kept in (`index_file.py`).
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple

from userprofile_assets.errors import NotInCatalogError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DatasetKind = Literal["source", "object", "table", "view", "lookup", "serving", "api"]
"""What holds the data: where it starts, a copy in the object storage, a table of Spark, a view, a
table that the driver looked up, a table of the serving database, or the fields of an answer."""

GROUPS = ("sources", "ingest", "ods", "dim", "dwd", "dws", "ads", "serving", "api")
"""The layers in the order of the data; others come behind, by name."""

DEFAULT_OWNER = "team:user-profile"
"""Who owns a dataset that names nobody."""


class Place(NamedTuple):
    """A dataset, or one column of it."""

    dataset: str
    column: str | None = None

    def __str__(self) -> str:
        """Write it as commands take it: `table` or `table.column`."""
        return self.dataset if self.column is None else f"{self.dataset}.{self.column}"


class Column(NamedTuple):
    """One column or field.

    Attributes:
        name: Its name.
        type: As its owner writes it: Spark's simpleString, MySQL's type; empty where not known.
        comment: What it means.
        pii: Whether its values are personal data.
        tags: Words of its YAML file.
        partition: Whether it is the day of a table.
        sources: The columns its values come from; those that only filter or join do not count.
    """

    name: str
    type: str = ""
    comment: str | None = None
    pii: bool = False
    tags: tuple[str, ...] = ()
    partition: bool = False
    sources: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A source, an object, a table, a view, or what serves them.

    Attributes:
        name: Unique; that of the asset in Dagster.
        kind: What holds the data.
        group: Its layer.
        description: What a row is.
        owner: Who answers for it.
        tags: Words of its YAML file.
        file: The file that defines it, relative to the project, or None.
        columns: In order.
        dependencies: The datasets it is made from, sorted.
    """

    name: str
    kind: DatasetKind
    group: str
    description: str = ""
    owner: str | None = None
    tags: tuple[str, ...] = ()
    file: str | None = None
    columns: tuple[Column, ...] = ()
    dependencies: tuple[str, ...] = ()

    def column(self, name: str) -> Column:
        """Return a column by its name, in any case.

        Raises:
            NotInCatalogError: There is none; names the nearest.
        """
        for column in self.columns:
            if column.name.lower() == name.lower():
                return column
        raise not_there(f"column {name}", name, [c.name for c in self.columns], where=self.name)


class Catalog:
    """All datasets, with their edges in both directions.

    Args:
        datasets: Each with a name of its own.
    """

    def __init__(self, datasets: Iterable[Dataset]) -> None:
        self._datasets = {dataset.name: dataset for dataset in datasets}

    @property
    def datasets(self) -> tuple[Dataset, ...]:
        """All of them, by layer and name."""
        return tuple(sorted(self._datasets.values(), key=lambda d: (group_order(d.group), d.name)))

    def find(self, name: str) -> Dataset:
        """Return a dataset by its name.

        Raises:
            NotInCatalogError: There is none; names the nearest.
        """
        found = self._datasets.get(name) or self._datasets.get(name.lower())
        if found is None:
            raise not_there(f"dataset {name}", name, list(self._datasets))
        return found

    def place(self, text: str) -> Place:
        """Read `table` or `table.column`.

        Raises:
            NotInCatalogError: There is no such dataset or column; names the nearest.
        """
        dataset, dot, column = text.partition(".")
        found = self.find(dataset)
        return Place(found.name, found.column(column).name if dot else None)

    def upstream(self, place: Place) -> list[Place]:
        """Return what a dataset or column is made from."""
        dataset = self._datasets.get(place.dataset)
        if dataset is None:
            return []
        if place.column is None:
            return [Place(name) for name in dataset.dependencies]
        return [Place(*source) for source in dataset.column(place.column).sources]

    def downstream(self, place: Place) -> list[Place]:
        """Return what is made from a dataset or column."""
        return self._readers.get(place, [])

    @cached_property
    def _readers(self) -> Mapping[Place, list[Place]]:
        readers: dict[Place, list[Place]] = {}
        for dataset in self.datasets:
            for name in dataset.dependencies:
                readers.setdefault(Place(name), []).append(Place(dataset.name))
            for column in dataset.columns:
                reader = Place(dataset.name, column.name)
                for source in column.sources:
                    readers.setdefault(Place(*source), []).append(reader)
        return readers


def group_order(group: str) -> tuple[int, str]:
    """Return what layers are sorted by: from the sources to what serves them."""
    return (GROUPS.index(group) if group in GROUPS else len(GROUPS), group)


def not_there(
    what: str, name: str, names: list[str], *, where: str = "the catalogue"
) -> NotInCatalogError:
    """Return the error for a name that nothing has, with the nearest that something has."""
    by_lower = {known.lower(): known for known in names}
    near = difflib.get_close_matches(name.lower(), by_lower, n=3, cutoff=0.5)
    near = near or sorted(lower for lower in by_lower if name and name.lower() in lower)[:3]
    shown = ", ".join(by_lower[lower] for lower in near)
    return NotInCatalogError(
        f"there is no {what}" + (f"; near names: {shown}" if shown else ""),
        where=where,
        remedy="`userprofile catalog` lists the datasets, `userprofile catalog search WORDS` finds "
        "them by what they hold",
    )
