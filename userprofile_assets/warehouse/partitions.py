"""The days of a table in Spark's catalogue: which there are, and where each points.

Belongs here: SHOW PARTITIONS, ADD PARTITION, SET LOCATION. Does not belong here: what lies in a
day's directory, and which directory that is.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from userprofile_assets.errors import SparkError
from userprofile_assets.warehouse.literals import string_literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from userprofile_assets.warehouse.engine import Row


class Partitions:
    """The partitions of one table.

    Args:
        table: Name of the table.
        run: Runs a statement.
    """

    def __init__(self, table: str, run: Callable[[str], list[Row]]) -> None:
        self._table = table
        self._run = run
        self._known: set[str] | None = None

    def days(self) -> set[str]:
        """Return the bizdates that have a partition now."""
        shown = self._run(f"SHOW PARTITIONS {self._table}")
        self._known = {row[0].removeprefix("dt=") for row in shown}
        return set(self._known)

    def location(self, bizdate: str) -> str:
        """Return where a partition that exists points."""
        return str(self._describe(bizdate)["location"])

    def pointed_at(self, bizdate: str) -> datetime | None:
        """Return when a partition was changed last, in whole seconds; None if nobody knows."""
        changed = self._describe(bizdate).get("partition_parameters", {})
        seconds = changed.get("transient_lastDdlTime")
        return datetime.fromtimestamp(int(seconds), UTC) if seconds else None

    def add(self, locations: Mapping[str, str]) -> None:
        """Add partitions; those that exist stay as they are, without a word."""
        clauses = " ".join(
            f"PARTITION (dt = '{bizdate}') LOCATION {string_literal(location)}"
            for bizdate, location in locations.items()
        )
        self._run(f"ALTER TABLE {self._table} ADD IF NOT EXISTS {clauses}")
        if self._known is not None:
            self._known |= locations.keys()

    def move(self, bizdate: str, location: str) -> None:
        """Let a partition that exists point elsewhere: one act, seen whole or not at all."""
        self._run(f"ALTER TABLE {self._partition(bizdate)} SET LOCATION {string_literal(location)}")

    def point(self, bizdate: str, location: str) -> None:
        """Let a day point to a directory, whether it has a partition or not.

        ADD without IF NOT EXISTS refuses a partition that another run has added in between, or a
        try of its own whose answer was lost; then SET follows.
        """
        if self._known is None:
            self.days()
        if bizdate in (self._known or ()) or not self._add_new(bizdate, location):
            self.move(bizdate, location)
        self.refresh()

    def _add_new(self, bizdate: str, location: str) -> bool:
        """Add a partition with its place; False if it cannot be added, such as one that exists."""
        try:
            self._run(
                f"ALTER TABLE {self._table} ADD PARTITION (dt = '{bizdate}') "
                f"LOCATION {string_literal(location)}"
            )
        except SparkError:
            return False
        if self._known is not None:
            self._known.add(bizdate)
        return True

    def refresh(self) -> None:
        """Let this session forget what it knows of the table's files."""
        self._run(f"REFRESH TABLE {self._table}")

    def _describe(self, bizdate: str) -> dict[str, Any]:
        described = self._run(f"DESCRIBE EXTENDED {self._partition(bizdate)} AS JSON")
        found: dict[str, Any] = json.loads(described[0][0])
        return found

    def _partition(self, bizdate: str) -> str:
        return f"{self._table} PARTITION (dt = '{bizdate}')"
