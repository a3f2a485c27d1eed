"""Aggregates of the profiles that are kept ready: what they are by, and which answers a question.

Belongs here: names and dimensions. Does not belong here: making them (`cube_maker.py`).

A cube is `users` and `pv` for each combination of some columns of `ads_user_info_1d`. All cubes of
a day are in `ads_user_cube_1d`, made in the transaction that publishes the profiles. A column that
a cube is not by is NULL there; in one that it is by, NULL means that the value is not known.

A cube that has more than `MOST_CELLS` on a day, or more than 10,000 and a quarter of the profiles,
would be no quicker than the profiles, and is left out on that day. A row of `serving_day` with
`cube_table_name(cube)` says that a cube is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

CUBES: dict[str, tuple[str, ...]] = {
    "totals": ("is_registered",),
    "devices": ("device", "is_registered"),
    "people": ("gender", "age_range", "zodiac", "is_registered"),
    "places": ("country", "region", "city", "device", "is_registered"),
    "device_people": ("device", "gender", "age_range", "zodiac", "is_registered"),
    "city_zodiac": ("country", "region", "city", "zodiac", "is_registered"),
    "city_people": ("country", "region", "city", "gender", "age_range", "is_registered"),
    "region_people": ("country", "region", "gender", "age_range", "zodiac", "is_registered"),
    "city_devices": (
        "country",
        "region",
        "city",
        "device",
        "gender",
        "age_range",
        "is_registered",
    ),
    "all": ("country", "region", "device", "gender", "age_range", "zodiac", "is_registered"),
}
"""The columns that each cube is by; the smallest cube first."""

MOST_CELLS = 200_000
"""Rows that a cube may have on a day."""


def cube_table_name(cube: str) -> str:
    """Return the `table_name` by which `serving_day` says that a cube of a day is there."""
    return f"ads_user_cube_1d/{cube}"


def pick_cube(needed: Collection[str], among: Collection[str] = tuple(CUBES)) -> str | None:
    """Return the smallest cube that is by all columns that a question needs.

    Args:
        needed: Columns that the question groups or filters by.
        among: The cubes that the day has.

    Returns:
        Its name; None: read `ads_user_info_1d`.
    """
    wanted = set(needed)
    for cube, dimensions in CUBES.items():
        if cube in among and wanted <= set(dimensions):
            return cube
    return None
