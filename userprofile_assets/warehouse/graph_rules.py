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
from userprofile_assets.warehouse.places import is_under, same_place

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
    writers: dict[str, str] = {}
    for table in tables:
        if table.location is None or table.kind == "external":
            continue
        place = table.location
        others = [name for name, other in writers.items() if _overlap(place, other)]
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
        writers[table.table] = place


def _overlap(one: str, other: str) -> bool:
    return same_place(one, other) or is_under(one, other) or is_under(other, one)


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
