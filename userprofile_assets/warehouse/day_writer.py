"""Write days of a filled table beside what its partitions show.

Belongs here: the table of the same DDL through which an attempt writes. Does not belong here: names
of directories (`run_directories.py`), pointing the partition to what was written
(`partitions.py`).

Why a table and not INSERT OVERWRITE DIRECTORY: that one names columns by the aliases of the SELECT,
and a differing alias reads back as NULL.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from userprofile_assets.errors import UserProfileError
from userprofile_assets.warehouse.literals import string_literal
from userprofile_assets.warehouse.run_directories import Attempt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from userprofile_assets.warehouse.executor import Executor
    from userprofile_assets.warehouse.table_model import Statement, TableDefinition


class DayWriter:
    """Writes days of one table for one run. Nobody sees them there.

    Args:
        executor: Runs the statements.
        table: A filled table, which exists in Spark.
        variables: Values of the file's variables, without `bizdate`.
        run_id: The run.
        where: The table and its file, for errors.
    """

    def __init__(
        self,
        executor: Executor,
        table: TableDefinition,
        variables: Mapping[str, str],
        *,
        run_id: str,
        where: str,
    ) -> None:
        self._executor = executor
        self._table = table
        self._variables = variables
        self._run_id = run_id
        self._where = where
        self._attempt: Attempt | None = None
        self._begun: set[str] = set()
        self._made: list[str] = []

    def write(self, insert: Statement, bizdate: str) -> tuple[str, int]:
        """Run the file's INSERT for a day into a directory of this run.

        A day that was begun before, by a call that failed or one whose rows are shown now, gets a
        new directory; and so does a try after a lost connection, since the former statement may
        still be writing.

        Returns:
            The directory of the day, and the rows in it.

        Raises:
            SparkError: Spark refused.
            SparkUnavailableError: It does not answer, on every try.
        """
        if bizdate in self._begun:
            self._attempt = None

        def statement() -> str:
            into = insert.into(self._writer())
            self._begun.add(bizdate)
            return into.render({**self._variables, "bizdate": bizdate})

        def again() -> str:
            self._attempt = None
            return statement()

        self._executor.run(statement(), where=self._where, again=again)
        attempt = self._attempt
        if attempt is None:
            raise AssertionError("the statement ran without an attempt")
        name = attempt.writer(self._table.table)
        rows = self._executor.run(
            f"SELECT COUNT(*) FROM {name} WHERE dt = '{bizdate}'",  # noqa: S608 - eight digits and a name of our own
            where=self._where,
        )
        return attempt.day(self._table.location or "", bizdate), int(rows[0][0])

    def close(self) -> None:
        """Drop the tables that were written through; never an error. Their files stay.

        What is left over, `userprofile gc` drops.
        """
        made, self._made = self._made, []
        self._attempt = None
        for name in made:
            # One try: a server that is gone must not hold up the end of a run.
            with suppress(UserProfileError):
                self._executor.engine.execute(f"DROP TABLE IF EXISTS {name}")

    def _writer(self) -> str:
        """Return the name of the table to write through, made first if need be."""
        if self._attempt is None:
            attempt = Attempt.begin(self._run_id)
            name = attempt.writer(self._table.table)
            self._made.append(name)
            place = string_literal(attempt.directory(self._table.location or ""))
            # IF NOT EXISTS: the statement may run twice, and nobody else uses this name.
            self._executor.run(
                f"CREATE TABLE IF NOT EXISTS {name} LIKE {self._table.table} LOCATION {place}",
                where=self._where,
            )
            self._attempt = attempt
            self._begun = set()
        return self._attempt.writer(self._table.table)
