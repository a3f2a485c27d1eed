"""Put a table's definition and its days into Spark.

Belongs here: the statements that a run executes, in which order, and what they are checked against.
Does not belong here: parsing files (`statements.py`), the session's life (`session.py`), where a
run writes (`run_directories.py`, `day_writer.py`).

All methods are idempotent: a run that was killed is repaired by running the same days again. Until
a day is complete, its partition shows the former rows (docs/decisions/0012-atomic-partitions.md).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from userprofile_assets.bizdate import substitute
from userprofile_assets.errors import SparkError
from userprofile_assets.warehouse.count_rows import count_rows
from userprofile_assets.warehouse.day_writer import DayWriter
from userprofile_assets.warehouse.differences import compare
from userprofile_assets.warehouse.literals import string_literal
from userprofile_assets.warehouse.partitions import Partitions
from userprofile_assets.warehouse.places import same_place
from userprofile_assets.warehouse.run_directories import Attempt
from userprofile_assets.warehouse.views import replace_view

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from userprofile_assets.warehouse.differences import Comparison
    from userprofile_assets.warehouse.engine import Row
    from userprofile_assets.warehouse.executor import Executor
    from userprofile_assets.warehouse.table_model import (
        Column,
        Statement,
        StatementKind,
        TableDefinition,
    )


@dataclass(frozen=True)
class ExternalDay:
    """One day of an external table as Spark now has it.

    Args:
        location: Where the partition points.
        corrected_from: Where it pointed before, when that was another place.
    """

    location: str
    corrected_from: str | None = None


@dataclass(frozen=True)
class FilledDay:
    """One day of a filled table as Spark now has it.

    Args:
        rows: Its rows.
        location: Where the partition points.
    """

    rows: int
    location: str


class TableRunner:
    """Runs one table's statements. `close` it, or use it in a `with` block.

    Args:
        executor: Runs a statement.
        table: The table's definition.
        variables: Values of the file's variables, without `bizdate`.
        log: Told what was done, a sentence each.
        run_id: The run, which names the directories that it writes to; None makes a new one.
    """

    def __init__(
        self,
        executor: Executor,
        table: TableDefinition,
        variables: Mapping[str, str],
        log: Callable[[str], None],
        *,
        run_id: str | None = None,
    ) -> None:
        self._executor = executor
        self._table = table
        self._name = table.table
        self._variables = variables
        self._log = log
        self._run_id = run_id or str(uuid.uuid4())
        self._partitions = Partitions(self._name, self._run)
        self._writer = DayWriter(executor, table, variables, run_id=self._run_id, where=self._where)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Drop what only this run needs in the catalogue; never an error."""
        self._writer.close()

    def ensure_table(self) -> tuple[str, ...]:
        """Create the table, or compare the one that is there with its file.

        A table location that moved is corrected, since every partition has a location of its own.
        Columns that the file appended to a filled table are added. A view that differs is
        replaced.

        Returns:
            What was noticed and told, a sentence each; empty when the table is as its file says.

        Raises:
            SparkError: Columns, types, format or options differ. Nothing was changed.
        """
        if self._table.kind == "view":
            return ("replaced the view",) if self.replace_view() else ()
        create = self._statement("create")
        if not self._executor.table_exists(self._name):
            self._run(create.render(self._variables))
            self._log(f"created table {self._name}")
            return ()
        comparison = self._compare()
        told = [str(difference) for difference in comparison.comments]
        if comparison.appended:
            told.append(self._add_columns(comparison.appended))
        if comparison.location is not None:
            place = string_literal(self._table.location or "")
            self._run(f"ALTER TABLE {self._name} SET LOCATION {place}")
            told.append(f"corrected the table's {comparison.location}")
        for sentence in told:
            self._log(f"{self._name}: {sentence}")
        return tuple(told)

    def replace_view(self) -> bool:
        """Make a view what its file says; no statement changes one that is.

        Returns:
            Whether it was made or replaced.

        Raises:
            SparkError: Spark refused, or a table has the view's name.
        """
        replaced = replace_view(self._executor, self._table, self._variables, where=self._where)
        if replaced:
            self._log(f"made the view {self._name} as its file says")
        return replaced

    def add_days(self, bizdates: Sequence[str]) -> dict[str, ExternalDay]:
        """Point the partitions of an external table at the directories of their days.

        `ADD IF NOT EXISTS` is a silent no-op on a partition that exists, so each of those is looked
        at, and one that points elsewhere is corrected.

        Args:
            bizdates: Days as `20240807`.

        Returns:
            For each day, where its partition points now.
        """
        wanted = {bizdate: self._partition_location(bizdate) for bizdate in bizdates}
        existing = self._partitions.days()
        missing = {day: place for day, place in wanted.items() if day not in existing}
        if missing:
            self._partitions.add(missing)
        days = {bizdate: ExternalDay(place) for bizdate, place in missing.items()}
        for bizdate in bizdates:
            if bizdate in existing:
                days[bizdate] = self._correct(bizdate, wanted[bizdate])
        self._partitions.refresh()
        return days

    def fill_day(self, bizdate: str) -> FilledDay:
        """Run the file's INSERT for one day, then let the partition show what it made.

        Until the last statement the day has its former rows, and so it has after an error.

        Raises:
            SparkError: Spark refused a statement.
            SparkUnavailableError: It does not answer.
        """
        location, rows = self._writer.write(self._statement("insert"), bizdate)
        self.point_day(bizdate, location)
        return FilledDay(rows, location)

    def day_location(self, bizdate: str) -> str:
        """Return a new directory for a day of a lookup; nobody else has it, and nothing is made."""
        return Attempt.begin(self._run_id).day(self._table.location or "", bizdate)

    def point_day(self, bizdate: str, location: str) -> None:
        """Let the partition of a day show a directory. Whoever reads the former one goes on."""
        self._partitions.point(bizdate, location)

    def keys(self, bizdate: str) -> Iterator[tuple[object, ...]]:
        """Yield the keys that a lookup's file selects for a day, bit by bit.

        Raises:
            SparkError: Spark refused the statement, also while rows are taken.
            SparkTimeoutError: It took longer than the limit, the work between rows included.
            SparkUnavailableError: It does not answer.
        """
        select = self._statement("keys")
        text = select.render({**self._variables, "bizdate": bizdate})
        with self._executor.stream(text, where=self._where) as (_, rows):
            yield from rows

    def count_rows(self, bizdates: Sequence[str]) -> dict[str, int | SparkError]:
        """Count the rows of days; one scan for all, and one each when that fails.

        Returns:
            For each day its number of rows, or the error that counting it raised.
        """
        return count_rows(self._name, bizdates, self._run)

    @property
    def _where(self) -> str:
        return f"{self._name} (sql/{self._table.file.name})"

    def _compare(self) -> Comparison:
        comparison = compare(self._executor, self._table, where=self._where)
        if comparison.blocking:
            raise SparkError(
                "the table in Spark differs from its file; nothing was changed. "
                + "; ".join(str(difference) for difference in comparison.blocking),
                where=self._where,
                remedy=self._how_to_recreate(comparison),
            )
        return comparison

    def _add_columns(self, columns: Sequence[Column]) -> str:
        """Add columns that the file appended, and say so."""
        declared = ", ".join(
            f"`{c.name}` {c.type}" + (f" COMMENT {string_literal(c.comment)}" if c.comment else "")
            for c in columns
        )
        try:
            self._run(f"ALTER TABLE {self._name} ADD COLUMNS ({declared})")
        except SparkError:
            # Another run was faster; then nothing is missing any more.
            if self._compare().appended:
                raise
        names = ", ".join(c.name for c in columns)
        return f"added {names}; days that were filled before have NULL there until they are rerun"

    def _correct(self, bizdate: str, wanted: str) -> ExternalDay:
        found = self._partitions.location(bizdate)
        if same_place(found, wanted):
            return ExternalDay(wanted)
        self._partitions.move(bizdate, wanted)
        self._log(f"{self._name}: dt={bizdate} pointed to {found}, now to {wanted}")
        return ExternalDay(wanted, corrected_from=found)

    def _statement(self, kind: StatementKind) -> Statement:
        statement = self._table.statement(kind)
        if statement is None:
            raise ValueError(f"{self._where} is of kind {self._table.kind}: it has no {kind}")
        return statement

    def _partition_location(self, bizdate: str) -> str:
        template = self._table.partition_location
        if template is None:
            raise SparkError(
                "the file gives its partitions no LOCATION",
                where=self._where,
                remedy="add ALTER TABLE ... ADD IF NOT EXISTS PARTITION (...) LOCATION '...'",
            )
        return substitute(template, bizdate)

    def _how_to_recreate(self, comparison: Comparison) -> str:
        kind = "VIEW" if any(d.in_spark == "a view" for d in comparison.blocking) else "TABLE"
        if kind == "TABLE" and not self._table.is_external:
            return "correct the file, or move the table's rows to a new one"
        stay = "" if kind == "VIEW" else "; an external table's files stay"
        return (
            f'correct the file, or drop it in Spark (userprofile query "DROP {kind} '
            f'{self._name}"{stay}) and materialize its days again'
        )

    def _run(self, statement: str) -> list[Row]:
        return self._executor.run(statement, where=self._where)
