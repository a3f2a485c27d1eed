"""What the cubes say of a day, in memory: how many profiles are where and with what.

Belongs here: reading it once for each version, and estimating from it. Does not belong here: what
follows for a query (`read_plan.py`).
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from userprofile_assets.serving.cubes import CUBES, cube_table_name
from userprofile_assets.serving.read_days import PROFILES
from userprofile_assets.serving.read_filters import Filters, lookups
from userprofile_assets.serving.tables import TEXT_LENGTH, serving_tables

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    import sqlalchemy

    from userprofile_assets.serving.read_days import Versions

PLACES = ("country", "region", "city")

# Places of a day that are kept; of more nothing is known, and the database decides.
_MOST_PLACES = 20_000

# Places that a query may name instead of a region or city.
_MOST_NAMED = 50

# A version never changes, so what was read in it stays right. 64 days of 400 places are 3 MB.
_kept: OrderedDict[str, DayFacts | None] = OrderedDict()
_MOST_KEPT = 64


@dataclass(frozen=True)
class DayFacts:
    """Numbers of profiles of one day.

    Attributes:
        total: All of them.
        places: By country, region and city.
        devices: By device class.
        people: By the dimensions of the cube `people`.
    """

    total: int
    places: list[tuple[tuple[Any, ...], int]]
    devices: list[tuple[tuple[Any, ...], int]]
    people: list[tuple[tuple[Any, ...], int]]

    def users_at(self, filters: Filters, names: Collection[str]) -> int:
        """Return how many profiles are at the places that some of the filters name."""
        return _matching(self.places, PLACES, filters, names)

    def users_with_device(self, values: Sequence[str | bool | None]) -> int:
        """Return how many profiles have one of some device classes."""
        return _matching(self.devices, ("device",), Filters((("device", tuple(values)),)))

    def share(self, filters: Filters) -> float:
        """Estimate which share of the profiles the filters let through.

        As if place, device and what is known of people had nothing to do with each other.
        """
        if not self.total:
            return 0.0
        found = 1.0
        for cells, names in (
            (self.places, PLACES),
            (self.devices, ("device",)),
            (self.people, CUBES["people"]),
        ):
            found *= _matching(cells, names, filters) / self.total
        return found

    def with_whole_places(self, filters: Filters) -> Filters:
        """Name country and region of each region or city, so that the index of places can be used.

        All places of the day are known, so no profile is lost.
        """
        names = [name for name in PLACES if name in filters.names]
        if not names or names == list(PLACES[: len(names)]):
            return filters
        wanted = _tests(PLACES, filters)
        found = [key for key, _ in _fitting(self.places, wanted)]
        values = dict(filters.values)
        for position, name in enumerate(PLACES[: PLACES.index(names[-1])]):
            named = {key[position] for key in found}
            if not 0 < len(named) <= _MOST_NAMED:
                return filters
            values.setdefault(name, tuple(sorted(named, key=lambda one: (one is None, str(one)))))
        return Filters(tuple(sorted(values.items())))


def day_facts(connection: sqlalchemy.Connection, dt: str, versions: Versions) -> DayFacts | None:
    """Return what is known of a day; None if it has too many places, or its cubes are not there.

    Args:
        connection: Of a snapshot.
        dt: The day.
        versions: What is served of it, read on the same snapshot.
    """
    version = versions[PROFILES]
    if version not in _kept:
        _kept[version] = _read(connection, dt, versions)
        while len(_kept) > _MOST_KEPT:
            _kept.popitem(last=False)
    return _kept.get(version)


def _read(connection: sqlalchemy.Connection, dt: str, versions: Versions) -> DayFacts | None:
    if any(cube_table_name(cube) not in versions for cube in ("places", "devices", "people")):
        return None
    places = _cells(connection, dt, "places", PLACES)
    if len(places) > _MOST_PLACES:
        return None
    devices = _cells(connection, dt, "devices", ("device",))
    people = _cells(connection, dt, "people", CUBES["people"])
    return DayFacts(sum(users for _, users in devices), places, devices, people)


def _cells(
    connection: sqlalchemy.Connection, dt: str, cube: str, names: Iterable[str]
) -> list[tuple[tuple[Any, ...], int]]:
    import sqlalchemy

    table = serving_tables().ads_user_cube_1d
    columns = [table.c[name] for name in names]
    select = (
        sqlalchemy.select(*columns, sqlalchemy.func.sum(table.c.users))
        .where(table.c.dt == dt, table.c.cube == cube)
        .group_by(*columns)
        .limit(_MOST_PLACES + 1)
    )
    return [(tuple(row[:-1]), int(row[-1])) for row in connection.execute(select).all()]


def _matching(
    cells: list[tuple[tuple[Any, ...], int]],
    names: Sequence[str],
    filters: Filters,
    among: Collection[str] | None = None,
) -> int:
    return sum(users for _, users in _fitting(cells, _tests(names, filters, among)))


def _tests(
    names: Sequence[str], filters: Filters, among: Collection[str] | None = None
) -> list[tuple[int, set[Any]]]:
    """Return positions of a key with the values that they may have."""
    found = []
    for name, values in filters.values:
        if name in names and (among is None or name in among):
            known: set[Any] = set()
            for value in values:
                known |= set(lookups(value, TEXT_LENGTH)) if isinstance(value, str) else {value}
            found.append((names.index(name), known))
    return found


def _fitting(
    cells: list[tuple[tuple[Any, ...], int]], wanted: list[tuple[int, set[Any]]]
) -> list[tuple[tuple[Any, ...], int]]:
    # A list for each test, not all tests for each cell: a third of the time, and each new list
    # that is asked for looks at some thousand cells.
    for position, values in wanted:
        cells = [cell for cell in cells if cell[0][position] in values]
    return cells
