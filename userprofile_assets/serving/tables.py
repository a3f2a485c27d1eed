"""The tables of the serving database, as SQLAlchemy knows them.

Belongs here: columns, keys, indexes. Does not belong here: writing them (`publish.py`), how an
older database gets them (`records/migrations/`).

A row of `serving_day` says that a day of a table is served. Each day of a table changes in one
transaction together with that row, so a reader who takes both in one transaction sees one day
whole. Texts are compared byte by byte on every database: `A` is not `a`, and `a ` is not `a`.
Longer ones are cut (`stored_text.py`).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from userprofile_assets.records.exact_text import exact_text

if TYPE_CHECKING:
    import sqlalchemy

UID_LENGTH = 255
"""Characters of a uid."""

TEXT_LENGTH = 191
"""Characters of every other text; four of them fit the 3,072 bytes of an index of InnoDB."""


class ServingTables(NamedTuple):
    """All tables of the serving database; those of the records are in `records/tables.py`."""

    serving_day: sqlalchemy.Table
    ads_user_info_1d: sqlalchemy.Table
    ads_region_pv_1d: sqlalchemy.Table
    ads_city_registration_1d: sqlalchemy.Table
    ads_traffic_1d: sqlalchemy.Table
    ads_user_cube_1d: sqlalchemy.Table
    api_key: sqlalchemy.Table


@cache
def serving_tables() -> ServingTables:
    """Return the tables; a function, so that a module that needs one does not load SQLAlchemy."""
    from sqlalchemy import (
        BigInteger,
        Boolean,
        Column,
        Index,
        Integer,
        MetaData,
        PrimaryKeyConstraint,
        Table,
        Text,
    )

    metadata = MetaData()
    name, value = exact_text(TEXT_LENGTH), exact_text(TEXT_LENGTH)
    run, time = exact_text(64), exact_text(32)

    def day() -> Column[str]:
        return Column("dt", exact_text(8), nullable=False)

    def texts(*columns: str) -> list[Column[str]]:
        return [Column(column, value) for column in columns]

    def numbers(*columns: str) -> list[Column[int]]:
        return [Column(column, BigInteger) for column in columns]

    def row_no() -> Column[int]:
        return Column("row_no", Integer, nullable=False, autoincrement=False)

    # SQLite keeps the rows in the order of the key, as InnoDB does: one tree less to write.
    clustered: dict[str, Any] = {"sqlite_with_rowid": False}
    return ServingTables(
        serving_day=Table(
            "serving_day",
            metadata,
            Column("table_name", name, nullable=False),
            day(),
            # A new UUID (32 hexadecimal digits) with each publishing.
            Column("version", run, nullable=False),
            Column("row_count", BigInteger, nullable=False),
            Column("run_id", run, nullable=False),
            Column("published_at", time, nullable=False),
            PrimaryKeyConstraint("table_name", "dt"),
            Index("serving_day_dt", "dt", "table_name"),
            **clustered,
        ),
        ads_user_info_1d=Table(
            "ads_user_info_1d",
            metadata,
            day(),
            Column("uid", exact_text(UID_LENGTH), nullable=False),
            *texts("region", "device"),
            *numbers("pv"),
            *texts("gender", "age_range", "zodiac", "country", "city"),
            Column("is_registered", Boolean),
            PrimaryKeyConstraint("dt", "uid"),
            Index("ads_user_info_1d_pv", "dt", "pv", "uid"),
            Index("ads_user_info_1d_place", "dt", "country", "region", "city"),
            # Behind it is the uid, so a region's users are in order; those of the index before it
            # are only in the order of a city.
            Index("ads_user_info_1d_region", "dt", "country", "region"),
            Index("ads_user_info_1d_device", "dt", "device", "pv"),
            **clustered,
        ),
        ads_region_pv_1d=Table(
            "ads_region_pv_1d",
            metadata,
            day(),
            row_no(),
            *texts("country", "region", "city"),
            *numbers("people", "pv"),
            PrimaryKeyConstraint("dt", "row_no"),
            **clustered,
        ),
        ads_city_registration_1d=Table(
            "ads_city_registration_1d",
            metadata,
            day(),
            row_no(),
            *texts("country", "region", "city"),
            *numbers("registered_users", "city_rank"),
            PrimaryKeyConstraint("dt", "row_no"),
            **clustered,
        ),
        ads_traffic_1d=Table(
            "ads_traffic_1d",
            metadata,
            day(),
            row_no(),
            *texts("outcome", "identity", "device"),
            *numbers("line_count", "pv"),
            PrimaryKeyConstraint("dt", "row_no"),
            **clustered,
        ),
        ads_user_cube_1d=Table(
            "ads_user_cube_1d",
            metadata,
            day(),
            Column("cube", exact_text(16), nullable=False),
            row_no(),
            *texts("country", "region", "city", "device", "gender", "age_range", "zodiac"),
            Column("is_registered", Boolean),
            Column("users", BigInteger, nullable=False),
            Column("pv", BigInteger, nullable=False),
            PrimaryKeyConstraint("dt", "cube", "row_no"),
            **clustered,
        ),
        api_key=Table(
            "api_key",
            metadata,
            Column("id", exact_text(16), primary_key=True),
            Column("name", name, nullable=False),
            Column("key_hash", exact_text(64), nullable=False),
            Column("scopes", Text, nullable=False),
            Column("rate", Integer),
            Column("created_at", time, nullable=False),
            Column("last_used_at", time),
            Column("revoked_at", time),
        ),
    )
