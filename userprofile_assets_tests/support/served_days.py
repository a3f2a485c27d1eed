"""Days in a serving database, for tests that read them.

Belongs here: rows put there by plain INSERTs, each day in one transaction, as `serving/publish.py`
would. Does not belong here: publishing as it is done for real.
"""

from __future__ import annotations

import uuid
from collections import Counter
from typing import TYPE_CHECKING, Any

from userprofile_assets.serving.cubes import CUBES, cube_table_name
from userprofile_assets.serving.stored_text import stored
from userprofile_assets.serving.tables import UID_LENGTH, serving_tables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import sqlalchemy

    from userprofile_assets.records.database import Records

UNKNOWN: dict[str, Any] = {
    "region": None,
    "device": None,
    "pv": 1,
    "gender": None,
    "age_range": None,
    "zodiac": None,
    "country": None,
    "city": None,
    "is_registered": False,
}


def profile(uid: str, **known: Any) -> dict[str, Any]:
    """Return a profile of which only this is known."""
    return {"uid": uid, **UNKNOWN, **known}


def serve_day(
    records: Records,
    dt: str,
    profiles: Sequence[Mapping[str, Any]],
    *,
    tables: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    cubes: Sequence[str] = tuple(CUBES),
    run_id: str = "run-1",
) -> str:
    """Put a day in place of the one that is there, and return the version of its profiles.

    Args:
        records: The database.
        dt: The day.
        profiles: Rows of `ads_user_info_1d`, from `profile`.
        tables: Rows of other tables by name, without `dt` and `row_no`.
        cubes: The cubes that are made.
        run_id: The run that published it.
    """
    all_rows: dict[str, list[dict[str, Any]]] = {
        "ads_user_info_1d": [
            {**row, "uid": stored(row["uid"], UID_LENGTH), "dt": dt} for row in profiles
        ]
    }
    for name, rows in (tables or {}).items():
        all_rows[name] = [{**row, "dt": dt, "row_no": n} for n, row in enumerate(rows)]
    cells = {cube: _cells(cube, dt, profiles) for cube in cubes}
    versions = {name: uuid.uuid4().hex for name in (*all_rows, *map(cube_table_name, cubes))}
    counts = {name: len(rows) for name, rows in all_rows.items()}
    counts |= {cube_table_name(cube): len(rows) for cube, rows in cells.items()}
    all_rows["ads_user_cube_1d"] = [cell for rows in cells.values() for cell in rows]
    all_rows["serving_day"] = [
        {
            "table_name": name,
            "dt": dt,
            "version": version,
            "row_count": counts[name],
            "run_id": run_id,
            "published_at": "2024-08-08T00:30:00.000000Z",
        }
        for name, version in versions.items()
    ]

    def write(connection: sqlalchemy.Connection) -> None:
        for table in serving_tables():
            if "dt" in table.c:
                connection.execute(table.delete().where(table.c.dt == dt))
            if rows := all_rows.get(table.name):
                connection.execute(table.insert(), rows)

    records.write(write)
    return versions["ads_user_info_1d"]


def _cells(cube: str, dt: str, profiles: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    dimensions = CUBES[cube]
    users: Counter[tuple[Any, ...]] = Counter()
    pv: Counter[tuple[Any, ...]] = Counter()
    for row in profiles:
        key = tuple(row[name] for name in dimensions)
        users[key] += 1
        pv[key] += row["pv"] or 0
    nothing = dict.fromkeys(UNKNOWN) | {"dt": dt, "cube": cube}
    return [
        {
            **{name: value for name, value in nothing.items() if name != "pv"},
            **dict(zip(dimensions, key, strict=True)),
            "row_no": number,
            "users": count,
            "pv": pv[key],
        }
        for number, (key, count) in enumerate(users.items())
    ]
