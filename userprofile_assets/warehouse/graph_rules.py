"""Rules between the files of `sql/`, the ingest assets and the lookups.

Belongs here: one LOCATION a table, the columns of a lookup. Does not belong here: edges and order
(`graph.py`), rules that one file keeps by itself (`ddl.py`).
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING

from userprofile_assets.errors import SqlFileError
from userprofile_assets.warehouse.places import is_under, normal_place, same_place

if TYPE_CHECKING:
    from userprofile_assets.warehouse.table_model import TableDefinition

LookupColumns = Sequence[tuple[str, str]]
"""The columns of a lookup in order: name, and type as Spark's simpleString."""


def check_locations(tables: Sequence[TableDefinition], objects: Mapping[str, str]) -> None:
    """Refuse a table that writes where another table or an ingest asset does.

    Runs write below the LOCATION of their table, and `userprofile gc` removes there.

    Args:
        tables: The definitions.
        objects: Where each ingest asset writes a day, by its name, with `${bizdate}`.

    Raises:
        SqlFileError: Two places are the same, or one lies in the other.
    """
    writers = _Places()
    for table in tables:
        if table.location is None or table.kind == "external":
            continue
        place = table.location
        others = writers.overlapping(place)
        # An object's directory holds `${bizdate}`, so no table can be below it.
        others += [
            asset
            for asset, directory in objects.items()
            if same_place(directory, place) or is_under(directory, place)
        ]
        if others:
            line = next(s.line for s in table.statements if s.kind == "create")
            raise SqlFileError(
                f"{table.table} and {others[0]} would write to one place",
                where=table.file.at(line),
                remedy="give each table a LOCATION of its own, such as "
                f"'${{spark_uri}}/{table.table}'",
            )
        writers.add(place, table.table)


class _Places:
    """Places that have a writer; comparing each with each takes half a minute for 1,000 tables."""

    def __init__(self) -> None:
        self._at: dict[str, str] = {}
        self._below: dict[str, str] = {}

    def add(self, place: str, writer: str) -> None:
        """Note who writes to a place."""
        normal = normal_place(place)
        self._at[normal] = writer
        for above in _above(normal):
            self._below.setdefault(above, writer)

    def overlapping(self, place: str) -> list[str]:
        """Return who writes there, above or below."""
        normal = normal_place(place)
        found = [self._at.get(normal), self._below.get(normal)]
        found += [self._at.get(above) for above in _above(normal)]
        return [writer for writer in found if writer is not None]


def _above(place: str) -> list[str]:
    """Return the places that a normal one is below of."""
    return [place[:end] for end, character in enumerate(place) if character == "/"]


def check_lookup(table: TableDefinition, lookups: Mapping[str, LookupColumns]) -> None:
    """Compare the columns of a table with those of the lookup that fills it.

    Raises:
        SqlFileError: There is no such lookup, or names, order or types differ.
    """
    line = next(s.line for s in table.statements if s.kind == "create")
    where = table.file.at(line)
    name = table.lookup or ""
    if name not in lookups:
        near = difflib.get_close_matches(name, lookups, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise SqlFileError(
            f"there is no lookup {name!r}",
            where=where,
            remedy=f"{hint}The lookups there are: {', '.join(sorted(lookups)) or '(none)'}",
        )
    wanted = [f"{column} {kind}" for column, kind in lookups[name]]
    declared = [f"{column.name} {column.type}" for column in table.columns]
    for number, (want, have) in enumerate(zip_longest(wanted, declared), 1):
        if want != have:
            raise SqlFileError(
                f"column {number} of {table.table} is {have or 'missing'}, that of the lookup "
                f"{name!r} is {want or 'none'}",
                where=where,
                remedy=f"declare the lookup's columns, in this order, then dt: {', '.join(wanted)}",
            )
