"""The records, as databases of before Alembic have them."""

from __future__ import annotations

from alembic import op  # noqa: TID253 - only Alembic loads this file
from sqlalchemy import (  # noqa: TID253 - as above
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

from userprofile_assets.records.migrations.steps import make_tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables that are missing; an old database has them all."""
    metadata = MetaData()
    name, dt, time, run = String(191), String(8), String(32), String(64)
    Table(
        "dq_result",
        metadata,
        Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
        Column("table_name", name, nullable=False),
        Column("dt", dt, nullable=False),
        Column("rule", name, nullable=False),
        Column("metric", name, nullable=False),
        Column("strength", String(8), nullable=False),
        Column("status", String(8), nullable=False),
        Column("value", Float(53)),
        Column("baseline", Float(53)),
        Column("threshold", Text),
        Column("message", Text, nullable=False),
        Column("sql_text", Text),
        Column("run_id", run, nullable=False),
        Column("checked_at", time, nullable=False),
        Index("dq_result_metric", "table_name", "metric", "dt"),
        Index("dq_result_day", "dt", "table_name"),
    )
    Table(
        "partition_record",
        metadata,
        Column("asset", name, primary_key=True),
        Column("dt", dt, primary_key=True),
        Column("row_count", BigInteger),
        Column("byte_count", BigInteger),
        Column("location", Text),
        Column("run_id", run, nullable=False),
        Column("made_at", time, nullable=False),
    )
    Table(
        "source_schema",
        metadata,
        Column("source", name, primary_key=True),
        Column("seen_at", time, primary_key=True),
        Column("run_id", run, nullable=False),
        Column("facts", Text(16_777_215), nullable=False),
    )
    Table(
        "alert",
        metadata,
        Column("cause", String(32), primary_key=True),
        Column("severity", String(8), nullable=False),
        Column("title", Text, nullable=False),
        Column("text", Text, nullable=False),
        Column("link", Text),
        Column("first_at", time, nullable=False),
        Column("last_at", time, nullable=False),
        Column("sent_at", time),
        Column("sent", Integer, nullable=False),
        Column("waiting", Integer, nullable=False),
        Column("held", Boolean, nullable=False),
    )
    make_tables(op.get_bind(), metadata)
