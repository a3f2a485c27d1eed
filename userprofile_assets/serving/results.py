"""Which tables of Spark are served, and what their columns are called and hold.

Belongs here: plain texts, for the data map and Dagster, which load no SQLAlchemy. Does not belong
here: keys and indexes (`tables.py`; a test compares both).
"""

from __future__ import annotations

PROFILES = "ads_user_info_1d"
"""The table that cubes are made of."""

_TEXT = "varchar(191)"
_PLACE = {"country": _TEXT, "region": _TEXT, "city": _TEXT}
_DAY = {"dt": "varchar(8)"}
_NUMBER = {"row_no": "integer"}

RESULTS: dict[str, dict[str, str]] = {
    PROFILES: {
        **_DAY,
        "uid": "varchar(255)",
        "region": _TEXT,
        "device": _TEXT,
        "pv": "bigint",
        "gender": _TEXT,
        "age_range": _TEXT,
        "zodiac": _TEXT,
        "country": _TEXT,
        "city": _TEXT,
        "is_registered": "boolean",
    },
    "ads_region_pv_1d": {**_DAY, **_NUMBER, **_PLACE, "people": "bigint", "pv": "bigint"},
    "ads_city_registration_1d": {
        **_DAY,
        **_NUMBER,
        **_PLACE,
        "registered_users": "bigint",
        "city_rank": "bigint",
    },
    "ads_traffic_1d": {
        **_DAY,
        **_NUMBER,
        "outcome": _TEXT,
        "identity": _TEXT,
        "device": _TEXT,
        "line_count": "bigint",
        "pv": "bigint",
    },
}
"""The columns of each table, with their types in SQL."""

COMMENTS = {
    "dt": "Business date, yyyymmdd",
    "row_no": "Number of the row within its day, from 1",
}
"""What columns mean that Spark's table has not, or not as a column."""


def spark_table(result: str) -> str:
    """Return the table of Spark that a table of the serving database is made from."""
    return f"{result}_spark"
