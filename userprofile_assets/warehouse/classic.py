"""An `Engine` on a driver's JVM of our own.

Belongs here: what only such a JVM can tell: tasks, versions, whether it lives. Does not belong
here: starting and ending it (`session.py`), what is said of one that ended (`driver_jvm.py`).
"""

from __future__ import annotations

from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING

from userprofile_assets.warehouse.aside import Aside
from userprofile_assets.warehouse.driver_jvm import ended_error
from userprofile_assets.warehouse.session_engine import SessionEngine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

    from userprofile_assets.errors import UserProfileError
    from userprofile_assets.warehouse.driver_jvm import Driver
    from userprofile_assets.warehouse.engine import Row

_ROWS_PER_CALL = 1000
# A JVM that was told to end stops Spark first and is a process for seconds after that.
_END_SECONDS = 10.0


class ClassicEngine(SessionEngine):
    """A session inside of this process.

    Args:
        session: The session.
        tag: Put on every statement.
        driver: The JVM, where it was started by this process.
    """

    def __init__(
        self, session: SparkSession, *, tag: str | None = None, driver: Driver | None = None
    ) -> None:
        super().__init__(session, str(session.sparkContext.master), tag=tag)
        self._driver = driver
        self._aside = Aside()
        self._is_lost = False

    def execute(self, statement: str) -> list[Row]:
        """See `Engine`.

        Raises:
            SparkEndedError: The JVM ended, and this process gets no other.
            SparkUnavailableError: Also when the JVM ended; shows the end of its log.
        """
        execute = super().execute
        return self._aside.call(lambda: execute(statement))

    def stream(self, statement: str) -> tuple[list[str], Iterator[Row]]:
        """See `Engine`; errors as for `execute`."""
        stream = super().stream
        names, rows = self._aside.call(lambda: stream(statement))
        return names, self._taken(rows)

    def table_exists(self, table: str) -> bool:
        """See `Engine`; errors as for `execute`."""
        table_exists = super().table_exists
        return self._aside.call(lambda: table_exists(table))

    def progress(self) -> str | None:
        """See `Engine`."""
        tracker = self.session.sparkContext.statusTracker()
        stages = [tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds()]
        done = sum(stage.numCompletedTasks for stage in stages if stage)
        all_tasks = sum(stage.numTasks for stage in stages if stage)
        return f"{done} of {all_tasks} tasks" if all_tasks else None

    def facts(self) -> dict[str, str]:
        """See `Engine`."""
        return self._aside.call(self._facts)

    def is_alive(self) -> bool:
        """See `Engine`."""
        return not self._is_lost and (self._driver is None or not self._driver.has_ended())

    def reopen(self) -> None:
        """See `Engine`; a JVM that ended is started anew by the owner, not here.

        Raises:
            SparkEndedError: As for `execute`.
            SparkUnavailableError: As for `execute`.
        """
        if not self.is_alive():
            raise self._ended()

    @contextmanager
    def typed_errors(self) -> Iterator[None]:
        """Turn what pyspark raises into errors of this project.

        What a JVM raises that ends is not the statement's, whatever it looks like: py4j passes on
        errors of its socket, words that it cannot read, and names that it does not find.
        """
        try:
            with super().typed_errors():
                yield
        except Exception as error:
            if not self.is_alive() or self._is_stopped():
                raise self._ended() from error
            raise

    def _taken(self, rows: Iterator[Row]) -> Iterator[Row]:
        while some := self._aside.call(lambda: list(islice(rows, _ROWS_PER_CALL))):
            yield from some

    def _facts(self) -> dict[str, str]:
        with self.typed_errors():
            context = self.session.sparkContext
            java = context._jvm.java.lang.System.getProperty("java.version")  # type: ignore[union-attr] # noqa: SLF001 - pyspark shows it nowhere else
            return {
                "Spark": self.session.version,
                "Java": str(java),
                "application": str(context.applicationId),
            }

    def _is_stopped(self) -> bool:
        """Ask the JVM whether Spark was stopped; one that does not answer is as good as that."""
        try:
            stopped = self.session.sparkContext._jsc.sc().isStopped()  # noqa: SLF001 - pyspark asks Java nowhere else
        except Exception:  # noqa: BLE001 - what py4j raises on a JVM that is gone is of many kinds
            stopped = True
        self._is_lost = bool(stopped)
        return self._is_lost

    def _ended(self) -> UserProfileError:
        return ended_error(self._driver, address=self.address, seconds=_END_SECONDS)
