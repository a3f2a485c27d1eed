"""The tables of the records, as SQLAlchemy knows them.

Belongs here: columns, keys, indexes. Does not belong here: reading and writing them, which each has
a module of its own.

Times are texts, ISO 8601 in UTC with microseconds and `Z` at the end: they sort, and they mean the
same on every database.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import sqlalchemy


class Tables(NamedTuple):
    """All tables of the records."""

    dq_result: sqlalchemy.Table
    partition_record: sqlalchemy.Table
    source_schema: sqlalchemy.Table
    alert: sqlalchemy.Table


@cache
def tables() -> Tables:
    """Return the tables; a function, so that a module that needs one does not load SQLAlchemy."""
    from sqlalchemy import (
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

    metadata = MetaData()
    # Names of tables and rules are ours and ASCII; 191 characters fit an index of MySQL's utf8mb4.
    name, dt, time, run = String(191), String(8), String(32), String(64)
    dq_result = Table(
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
    partition_record = Table(
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
    source_schema = Table(
        "source_schema",
        metadata,
        Column("source", name, primary_key=True),
        Column("seen_at", time, primary_key=True),
        Column("run_id", run, nullable=False),
        # JSON: columns, keys, row estimate, size. A TEXT of MySQL ends at 64 KB, 500 columns.
        Column("facts", Text(16_777_215), nullable=False),
    )
    alert = Table(
        "alert",
        metadata,
        Column("cause", String(32), primary_key=True),  # hash of the cause's text
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
    return Tables(dq_result, partition_record, source_schema, alert)
