"""The tables that results are served from, and the keys of the API."""

from __future__ import annotations

from typing import Any

from alembic import op  # noqa: TID253 - only Alembic loads this file
from sqlalchemy import (  # noqa: TID253 - as above
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

from userprofile_assets.records.exact_text import exact_text
from userprofile_assets.records.migrations.steps import make_tables

revision = "0002"
down_revision = "0001"

_CLUSTERED: dict[str, Any] = {"sqlite_with_rowid": False}


def upgrade() -> None:
    """Make the tables that are missing."""
    metadata = MetaData()
    _make_results(metadata)
    _make_cubes(metadata)
    Table(
        "api_key",
        metadata,
        Column("id", exact_text(16), primary_key=True),
        Column("name", exact_text(191), nullable=False),
        Column("key_hash", exact_text(64), nullable=False),
        Column("scopes", Text, nullable=False),
        Column("rate", Integer),
        Column("created_at", exact_text(32), nullable=False),
        Column("last_used_at", exact_text(32)),
        Column("revoked_at", exact_text(32)),
    )
    make_tables(op.get_bind(), metadata)


def _make_results(metadata: MetaData) -> None:
    Table(
        "serving_day",
        metadata,
        Column("table_name", exact_text(191), nullable=False),
        Column("dt", exact_text(8), nullable=False),
        Column("version", exact_text(64), nullable=False),
        Column("row_count", BigInteger, nullable=False),
        Column("run_id", exact_text(64), nullable=False),
        Column("published_at", exact_text(32), nullable=False),
        PrimaryKeyConstraint("table_name", "dt"),
        Index("serving_day_dt", "dt", "table_name"),
        **_CLUSTERED,
    )
    Table(
        "ads_user_info_1d",
        metadata,
        Column("dt", exact_text(8), nullable=False),
        Column("uid", exact_text(255), nullable=False),
        *_texts("region", "device"),
        Column("pv", BigInteger),
        *_texts("gender", "age_range", "zodiac", "country", "city"),
        Column("is_registered", Boolean),
        PrimaryKeyConstraint("dt", "uid"),
        Index("ads_user_info_1d_pv", "dt", "pv", "uid"),
        Index("ads_user_info_1d_place", "dt", "country", "region", "city"),
        Index("ads_user_info_1d_region", "dt", "country", "region"),
        Index("ads_user_info_1d_device", "dt", "device", "pv"),
        **_CLUSTERED,
    )
    for name, columns, numbers in (
        ("ads_region_pv_1d", ("country", "region", "city"), ("people", "pv")),
        (
            "ads_city_registration_1d",
            ("country", "region", "city"),
            ("registered_users", "city_rank"),
        ),
        ("ads_traffic_1d", ("outcome", "identity", "device"), ("line_count", "pv")),
    ):
        Table(
            name,
            metadata,
            Column("dt", exact_text(8), nullable=False),
            Column("row_no", Integer, nullable=False, autoincrement=False),
            *_texts(*columns),
            *(Column(number, BigInteger) for number in numbers),
            PrimaryKeyConstraint("dt", "row_no"),
            **_CLUSTERED,
        )


def _make_cubes(metadata: MetaData) -> None:
    Table(
        "ads_user_cube_1d",
        metadata,
        Column("dt", exact_text(8), nullable=False),
        Column("cube", exact_text(16), nullable=False),
        Column("row_no", Integer, nullable=False, autoincrement=False),
        *_texts("country", "region", "city", "device", "gender", "age_range", "zodiac"),
        Column("is_registered", Boolean),
        Column("users", BigInteger, nullable=False),
        Column("pv", BigInteger, nullable=False),
        PrimaryKeyConstraint("dt", "cube", "row_no"),
        **_CLUSTERED,
    )


def _texts(*names: str) -> list[Column[str]]:
    return [Column(name, exact_text(191)) for name in names]
