"""Statements on a session of pyspark, of either kind.

Belongs here: what a driver's own session and one of Spark Connect have in common. Does not belong
here: making the session (`session.py`, `connect.py`).
"""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from userprofile_assets.warehouse.spark_errors import spark_exceptions, typed_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

    from userprofile_assets.warehouse.engine import Row

_CANCEL_SECONDS = 20.0


class SessionEngine:
    """An `Engine` on a session of pyspark.

    Args:
        session: The session.
        address: Where Spark is, without secrets.
        tag: Put on every statement, for Spark's UI and event log.
    """

    def __init__(self, session: SparkSession, address: str, *, tag: str | None = None) -> None:
        self.session = session
        self.address = address
        self._tag = tag

    def execute(self, statement: str) -> list[Row]:
        """See `Engine`."""
        with self.typed_errors():
            self._mark()
            return [tuple(row) for row in self.session.sql(statement).collect()]

    def stream(self, statement: str) -> tuple[list[str], Iterator[Row]]:
        """See `Engine`; fetches partition by partition, so a result may exceed the memory."""
        with self.typed_errors():
            self._mark()
            frame = self.session.sql(statement)
            return list(frame.columns), self._rows(frame)

    def table_exists(self, table: str) -> bool:
        """See `Engine`."""
        with self.typed_errors():
            return bool(self.session.catalog.tableExists(table))

    def cancel(self) -> None:
        """See `Engine`."""
        # On a thread of its own: py4j gives each thread a connection, and the one of a thread that
        # was interrupted in the middle of an answer would return that answer to the next call.
        thread = threading.Thread(target=self._interrupt, name="spark-cancel", daemon=True)
        thread.start()
        thread.join(_CANCEL_SECONDS)

    @contextmanager
    def typed_errors(self) -> Iterator[None]:
        """Turn what pyspark raises into errors of this project."""
        try:
            yield
        except spark_exceptions() as error:
            raise typed_error(error, address=self.address) from error

    def _rows(self, frame: Any) -> Iterator[Row]:
        with self.typed_errors():
            for row in frame.toLocalIterator():
                yield tuple(row)

    def _mark(self) -> None:
        # Tags belong to a thread, so each statement sets its own.
        if self._tag is not None:
            self.session.addTag(self._tag)

    def _interrupt(self) -> None:
        with suppress(Exception):  # what cannot be reached cannot be cancelled either
            self.session.interruptAll()
