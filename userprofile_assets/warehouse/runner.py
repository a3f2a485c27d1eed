"""Put a table's definition and its days into Spark.

Belongs here: the statements that a run executes, in which order, and what they are checked against.
Does not belong here: parsing files (`statements.py`), the session's life (`session.py`).

All methods are idempotent: a run that was killed is repaired by running the same days again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from userprofile_assets.bizdate import substitute
from userprofile_assets.errors import SparkError
from userprofile_assets.warehouse.differences import compare, same_place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from userprofile_assets.warehouse.engine import Row
    from userprofile_assets.warehouse.executor import Executor
    from userprofile_assets.warehouse.table_model import TableDefinition


@dataclass(frozen=True)
class ExternalDay:
    """One day of an external table as Spark now has it.

    Args:
        location: Where the partition points.
        corrected_from: Where it pointed before, when that was another place.
    """

    location: str
    corrected_from: str | None = None


class TableRunner:
    """Runs one table's statements.

    Args:
        executor: Runs a statement.
        table: The table's definition.
        variables: Values of the file's variables, without `bizdate`.
        log: Told what was done, a sentence each.
    """

    def __init__(
        self,
        executor: Executor,
        table: TableDefinition,
        variables: Mapping[str, str],
        log: Callable[[str], None],
    ) -> None:
        self._executor = executor
        self._table = table
        self._name = table.table
        self._variables = variables
        self._log = log

    def ensure_table(self) -> tuple[str, ...]:
        """Create the table, or compare the one that is there with its file.

        A table location that moved is corrected, since every partition has a location of its own.

        Returns:
            What was noticed and told, a sentence each; empty when the table is as its file says.

        Raises:
            SparkError: Columns, types, format or options differ. Nothing was changed.
        """
        create = self._table.statement("create")
        if create is not None and not self._executor.table_exists(self._name):
            self._run(create.render(self._variables))
            self._log(f"created table {self._name}")
            return ()
        comparison = compare(self._executor, self._table, where=self._where)
        if comparison.blocking:
            raise SparkError(
                "the table in Spark differs from its file; nothing was changed. "
                + "; ".join(str(difference) for difference in comparison.blocking),
                where=self._where,
                remedy=self._how_to_recreate(),
            )
        told = [str(difference) for difference in comparison.comments]
        if comparison.location is not None:
            self._run(
                f"ALTER TABLE {self._name} SET LOCATION {_literal(self._table.location or '')}"
            )
            told.append(f"corrected the table's {comparison.location}")
        for sentence in told:
            self._log(f"{self._name}: {sentence}")
        return tuple(told)

    def add_days(self, bizdates: Sequence[str]) -> dict[str, ExternalDay]:
        """Point the partitions of an external table at the directories of their days.

        `ADD IF NOT EXISTS` is a silent no-op on a partition that exists, so each of those is looked
        at, and one that points elsewhere is corrected.

        Args:
            bizdates: Days as `20240807`.

        Returns:
            For each day, where its partition points now.
        """
        name = self._name
        wanted = {bizdate: self._partition_location(bizdate) for bizdate in bizdates}
        shown = self._run(f"SHOW PARTITIONS {name}")
        existing = {row[0].removeprefix("dt=") for row in shown}
        missing = [bizdate for bizdate in bizdates if bizdate not in existing]
        if missing:
            clauses = " ".join(
                f"PARTITION (dt = '{bizdate}') LOCATION {_literal(wanted[bizdate])}"
                for bizdate in missing
            )
            self._run(f"ALTER TABLE {name} ADD IF NOT EXISTS {clauses}")
        days = {bizdate: ExternalDay(wanted[bizdate]) for bizdate in missing}
        for bizdate in bizdates:
            if bizdate in existing:
                days[bizdate] = self._correct(bizdate, wanted[bizdate])
        self._run(f"REFRESH TABLE {name}")
        return days

    def fill_day(self, bizdate: str) -> int:
        """Run the file's INSERT for one day and return the day's rows.

        Raises:
            SparkError: Spark refused a statement.
        """
        insert = self._table.statement("insert")
        if insert is not None:
            self._run(insert.render({**self._variables, "bizdate": bizdate}))
        counted = self.count_rows([bizdate])[bizdate]
        if isinstance(counted, SparkError):
            raise counted
        return counted

    def count_rows(self, bizdates: Sequence[str]) -> dict[str, int | SparkError]:
        """Count the rows of days; one scan for all, and one each when that fails.

        Returns:
            For each day its number of rows, or the error that counting it raised.
        """
        try:
            counted = self._count(bizdates)
        except SparkError as error:
            if len(bizdates) == 1:
                return {bizdates[0]: self._unreadable(bizdates[0], error)}
            return {
                day: result
                for bizdate in bizdates
                for day, result in self.count_rows([bizdate]).items()
            }
        return {bizdate: counted.get(bizdate, 0) for bizdate in bizdates}

    @property
    def _where(self) -> str:
        return f"{self._name} (sql/{self._table.file.name})"

    def _count(self, bizdates: Sequence[str]) -> Mapping[str, int]:
        days = ", ".join(f"'{bizdate}'" for bizdate in bizdates)
        rows = self._run(
            f"SELECT dt, COUNT(*) FROM {self._name} WHERE dt IN ({days}) GROUP BY dt"  # noqa: S608 - eight digits and a table name from the parsed file
        )
        return {row[0]: row[1] for row in rows}

    def _unreadable(self, bizdate: str, error: SparkError) -> SparkError:
        problem = SparkError(
            f"the rows cannot be read: {error.what}",
            where=f"{self._name}, dt={bizdate}",
            remedy="materialize the object of that day again, then this table",
        )
        problem.__cause__ = error
        return problem

    def _correct(self, bizdate: str, wanted: str) -> ExternalDay:
        partition = f"{self._name} PARTITION (dt = '{bizdate}')"
        described = self._run(f"DESCRIBE EXTENDED {partition} AS JSON")
        found = json.loads(described[0][0])["location"]
        if same_place(found, wanted):
            return ExternalDay(wanted)
        self._run(f"ALTER TABLE {partition} SET LOCATION {_literal(wanted)}")
        self._log(f"{self._name}: dt={bizdate} pointed to {found}, now to {wanted}")
        return ExternalDay(wanted, corrected_from=found)

    def _partition_location(self, bizdate: str) -> str:
        template = self._table.partition_location
        if template is None:
            raise SparkError(
                "the file gives its partitions no LOCATION",
                where=self._where,
                remedy="add ALTER TABLE ... ADD IF NOT EXISTS PARTITION (...) LOCATION '...'",
            )
        return substitute(template, bizdate)

    def _how_to_recreate(self) -> str:
        if not self._table.is_external:
            return "correct the file, or move the table's rows to a new one"
        return (
            f'correct the file, or drop the table (userprofile query "DROP TABLE '
            f"{self._name}\"; an external table's files stay) and materialize its days again"
        )

    def _run(self, statement: str) -> list[Row]:
        return self._executor.run(statement, where=self._where)


def _literal(text: str) -> str:
    """Write a text as a Spark string literal; Spark reads backslashes inside one."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
