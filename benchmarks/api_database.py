"""A serving database of many profiles on many days, made quickly.

Run as `python -m benchmarks.api_database HOME USERS DAYS` in a project. Belongs here: rows that are
spread like those of a website. Does not belong here: publishing as it is done for real, which
`benchmarks.publish` measures.

The days have the same profiles, so the first is made once and copied by SQL. The tables and indexes
are those of the records' migrations; the indexes are dropped meanwhile, which takes a third of the
time.
"""

from __future__ import annotations

import random
import sqlite3
import sys
import uuid
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.rounds import tell
from userprofile_assets.bizdate import to_bizdate
from userprofile_assets.records.database import default_path, open_records
from userprofile_assets.records.tables import tables
from userprofile_assets.serving.cubes import CUBES, MOST_CELLS, cube_table_name
from userprofile_assets.serving.tables import serving_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

FIRST_DAY = date(2024, 7, 9)
_COLUMNS = "uid, region, device, pv, gender, age_range, zodiac, country, city, is_registered"
_DEVICES = ("android", "iphone", "windows_pc", "macintosh", "ipad", "linux_pc", "windows_phone")
_ZODIAC = (
    *("Aries", "Taurus", "Gemini", "Cancer", "Leo", "Virgo"),
    *("Libra", "Scorpio", "Sagittarius", "Capricorn", "Aquarius", "Pisces"),
)
_AGES = ("<20", "20-30", "30-40", "40-50", "50-60", ">60")


def bizdates(days: int) -> list[str]:
    """Return the days of a database, the oldest first."""
    return [to_bizdate(FIRST_DAY + timedelta(days=number)) for number in range(days)]


def uid_of(number: int) -> str:
    """Return the uid of a user by its number."""
    return f"user{number:09}"


def main(home: Path, users: int, days: int) -> None:
    """Make the database."""
    with open_records(None, home) as records:
        records.read(tables().dq_result.select().limit(1))  # makes the tables
    database = sqlite3.connect(default_path(home), isolation_level=None)
    for pragma in ("synchronous = OFF", "journal_mode = OFF", "cache_size = -500000"):
        database.execute(f"PRAGMA {pragma}")
    indexes = database.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL "
        "AND tbl_name = 'ads_user_info_1d'"
    ).fetchall()
    for name, _ in indexes:
        database.execute(f"DROP INDEX {name}")
    database.execute("BEGIN")
    first, *others = bizdates(days)
    tell(f"making {users:,} profiles")
    database.executemany(
        f"INSERT INTO ads_user_info_1d (dt, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - constants
        _profiles(first, users),
    )
    _aggregate(database, first)
    for dt in others:
        tell(f"copying the profiles to {dt}")
        _copy(database, first, dt)
    database.execute("COMMIT")
    for name, sql in indexes:
        tell(f"making the index {name}")
        database.execute(sql)
    database.execute("PRAGMA journal_mode = WAL")
    database.close()


def _profiles(dt: str, users: int) -> Iterator[tuple[Any, ...]]:
    chance = random.Random(1)  # noqa: S311 - no secret
    # Most people live in few places: the n-th largest has 1/n of the largest.
    places = [("China", f"province{n % 31:02}", f"city{n:03}") for n in range(330)]
    places += [(f"country{n:02}", f"state{n}", f"town{n}") for n in range(70)]
    weights = [1 / (1 + n) for n in range(len(places))]
    for start in range(0, users, 10_000):
        some = range(start, min(start + 10_000, users))
        where = chance.choices(places, weights, k=len(some))
        devices = chance.choices(_DEVICES, (40, 25, 20, 6, 5, 3, 1), k=len(some))
        views = [int(chance.paretovariate(1.2)) for _ in some]
        for number, (country, region, city), device, pv in zip(
            some, where, devices, views, strict=True
        ):
            gender, age, sign = number % 3, number // 3 % 6, number // 18 % 12
            yield (
                *(dt, uid_of(number), region, device, min(pv, 10**6)),
                *((None, "male", "female")[gender], _AGES[age], _ZODIAC[sign]),
                *(country, city, number % 5 != 0),
            )


def _aggregate(database: sqlite3.Connection, dt: str) -> None:
    """Make the other tables of a day from its profiles."""
    for cube, dimensions in CUBES.items():
        by = ", ".join(dimensions)
        database.execute(
            f"INSERT INTO ads_user_cube_1d (dt, cube, row_no, {by}, users, pv) "  # noqa: S608 - constants
            f"SELECT dt, '{cube}', row_number() OVER (), {by}, count(*), sum(pv) "
            f"FROM ads_user_info_1d WHERE dt = '{dt}' GROUP BY {by}"
        )
        condition = f"FROM ads_user_cube_1d WHERE dt = '{dt}' AND cube = '{cube}'"
        (cells,) = database.execute(f"SELECT count(*) {condition}").fetchone()
        tell(f"cube {cube}: {cells:,} cells")
        if cells > MOST_CELLS:
            database.execute(f"DELETE {condition}")
        else:
            _served(database, cube_table_name(cube), dt, cells)
    made = {
        "ads_region_pv_1d": ("country, region, city, people, pv", "count(*), sum(pv)", ""),
        "ads_city_registration_1d": (
            "country, region, city, registered_users, city_rank",
            "count(*), rank() OVER (ORDER BY count(*) DESC)",
            "AND is_registered",
        ),
    }
    for table, (columns, numbers, where) in made.items():
        done = database.execute(
            f"INSERT INTO {table} (dt, row_no, {columns}) SELECT dt, row_number() OVER (), "  # noqa: S608 - constants
            f"country, region, city, {numbers} FROM ads_user_info_1d WHERE dt = '{dt}' {where} "
            "GROUP BY country, region, city"
        )
        _served(database, table, dt, done.rowcount)
    done = database.execute(
        "INSERT INTO ads_traffic_1d (dt, row_no, outcome, identity, device, line_count, pv) "  # noqa: S608 - constants
        "SELECT dt, row_number() OVER (), 'parsed', 'user', device, sum(pv), sum(pv) "
        f"FROM ads_user_info_1d WHERE dt = '{dt}' GROUP BY device"
    )
    _served(database, "ads_traffic_1d", dt, done.rowcount)
    (count,) = database.execute(
        "SELECT count(*) FROM ads_user_info_1d WHERE dt = ?", (dt,)
    ).fetchone()
    _served(database, "ads_user_info_1d", dt, count)


def _copy(database: sqlite3.Connection, source: str, target: str) -> None:
    for table in serving_tables():
        if "dt" in table.c and table.name != "serving_day":
            columns = ", ".join(column.name for column in table.c if column.name != "dt")
            database.execute(
                f"INSERT INTO {table.name} (dt, {columns}) "  # noqa: S608 - constants
                f"SELECT '{target}', {columns} FROM {table.name} WHERE dt = '{source}'"
            )
    rows = database.execute(
        "SELECT table_name, row_count FROM serving_day WHERE dt = ?", (source,)
    ).fetchall()
    for name, count in rows:
        _served(database, name, target, count)


def _served(database: sqlite3.Connection, table: str, dt: str, rows: int) -> None:
    database.execute(
        "INSERT INTO serving_day (table_name, dt, version, row_count, run_id, published_at) "
        "VALUES (?, ?, ?, ?, 'benchmark', '2024-08-08T00:30:00.000000Z')",
        (table, dt, uuid.uuid4().hex, rows),
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
