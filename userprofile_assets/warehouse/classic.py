"""An `Engine` on a driver's JVM of our own.

Belongs here: what only such a JVM can tell: tasks, versions, whether it lives. Does not belong
here: starting and ending it (`session.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from userprofile_assets.errors import SparkError
from userprofile_assets.warehouse.driver_log import last_lines
from userprofile_assets.warehouse.session_engine import SessionEngine

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from pyspark.sql import SparkSession

    from userprofile_assets.warehouse.engine import Row


class ClassicEngine(SessionEngine):
    """A session inside of this process.

    Args:
        session: The session.
        tag: Put on every statement.
        process: The JVM, where it was started here.
        log_file: What the JVM prints, where it was started here.
    """

    def __init__(
        self,
        session: SparkSession,
        *,
        tag: str | None = None,
        process: subprocess.Popen[bytes] | None = None,
        log_file: Path | None = None,
    ) -> None:
        super().__init__(session, str(session.sparkContext.master), tag=tag)
        self._process = process
        self._log_file = log_file

    def execute(self, statement: str) -> list[Row]:
        """See `Engine`.

        Raises:
            SparkError: Also when the JVM ended; shows the end of its log.
        """
        try:
            return super().execute(statement)
        except Exception as error:
            if not self.is_alive():
                raise self._ended() from error
            raise

    def progress(self) -> str | None:
        """See `Engine`."""
        tracker = self.session.sparkContext.statusTracker()
        stages = [tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds()]
        done = sum(stage.numCompletedTasks for stage in stages if stage)
        all_tasks = sum(stage.numTasks for stage in stages if stage)
        return f"{done} of {all_tasks} tasks" if all_tasks else None

    def facts(self) -> dict[str, str]:
        """See `Engine`."""
        context = self.session.sparkContext
        java = context._jvm.java.lang.System.getProperty("java.version")  # type: ignore[union-attr] # noqa: SLF001 - pyspark shows it nowhere else
        return {
            "Spark": self.session.version,
            "Java": str(java),
            "application": str(context.applicationId),
        }

    def is_alive(self) -> bool:
        """See `Engine`."""
        return self._process is None or self._process.poll() is None

    def reopen(self) -> None:
        """See `Engine`; a JVM that ended is started anew by the owner, not here.

        Raises:
            SparkError: The JVM ended.
        """
        if not self.is_alive():
            raise self._ended()

    def _ended(self) -> SparkError:
        tail = "" if self._log_file is None else last_lines(self._log_file)
        memory = "OutOfMemoryError" in tail
        return SparkError(
            "Spark's JVM ran out of memory and ended"
            if memory
            else f"Spark's JVM ended; its last words:\n{tail}",
            where=self.address,
            remedy="raise spark.driver.memory in USERPROFILE_SPARK_CONF"
            if memory
            else f"read {self._log_file}",
        )
