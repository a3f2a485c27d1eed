"""Runs statements on an engine: watched, logged, limited, retried, cancelled.

Belongs here: what is true of every statement, whatever it does. Does not belong here: which
statements a table needs (`runner.py`).

A statement is repeated after a transient error, in a new session where the old one was lost. That
is right for all statements of this project: CREATE IF NOT EXISTS, ALTER, REFRESH and SELECT give
the same when they run twice. An INSERT goes to another directory each time: the former one, of
which nothing is known any more, may still be writing on the server.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from itertools import chain, islice
from typing import TYPE_CHECKING

import stamina

from userprofile_assets.errors import (
    SparkEndedError,
    SparkError,
    SparkTimeoutError,
    SparkUnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from userprofile_assets.warehouse.engine import Engine, Row

_ATTEMPTS = 3
_SPARKS_ERRORS = (SparkUnavailableError, SparkEndedError, SparkTimeoutError, SparkError)
_RETRY_SECONDS = 300.0
_PROGRESS_SECONDS = 10.0
_CANCEL_AGAIN_SECONDS = 2.0
_SHOWN_CHARACTERS = 160


class Executor:
    """Runs statements on one engine.

    Args:
        engine: The engine.
        log: Told each statement with its time, and how far a long one is.
        limit_seconds: After which a statement is cancelled; None: never.
    """

    def __init__(
        self, engine: Engine, log: Callable[[str], None], *, limit_seconds: float | None = None
    ) -> None:
        self.engine = engine
        self._log = log
        self._limit = limit_seconds

    def run(
        self, statement: str, *, where: str, again: Callable[[], str] | None = None
    ) -> list[Row]:
        """Run a statement and return its rows.

        Args:
            statement: The statement.
            where: The table and file that it belongs to, for errors.
            again: Gives the statement of another try, in the session that it will run in; without
                it that is the same one.

        Raises:
            SparkEndedError: Its JVM ended, and there is no other.
            SparkError: Spark refused it.
            SparkTimeoutError: It took longer than the limit, and was cancelled on the server too.
            SparkUnavailableError: Spark, or the storage behind it, did not answer, on every try.
        """
        shown = " ".join(statement.split())
        lost = False
        try:
            for attempt in stamina.retry_context(
                on=self._is_worth_another_try, attempts=_ATTEMPTS, timeout=_RETRY_SECONDS
            ):
                with attempt:
                    if lost:
                        self.engine.reopen()
                        if again is not None:
                            shown = " ".join((statement := again()).split())
                    lost = True
                    return self._executed(statement, shown)
        except _SPARKS_ERRORS as error:
            what = "Spark refused a statement: " if type(error) is SparkError else ""
            raise type(error)(
                f"{what}{error.what}",
                where=where,
                remedy="; ".join(filter(None, (error.remedy, f"the statement was: {shown[:300]}"))),
            ) from error
        raise AssertionError("retry_context ends by return or raise")

    @contextmanager
    def stream(
        self, statement: str, *, where: str, attempts: int = _ATTEMPTS
    ) -> Iterator[tuple[list[str], Iterator[Row]]]:
        """Run a statement, and give the names of its columns and its rows, bit by bit.

        The limit counts until the last row is taken. Nothing is repeated once there is a row.

        Args:
            statement: The statement.
            where: What it belongs to, for errors.
            attempts: How often it is tried at most; 1 for one that may not run twice.

        Raises:
            SparkEndedError: As for `run`.
            SparkError: As for `run`, also while the rows are taken.
            SparkTimeoutError: As for `run`.
            SparkUnavailableError: As for `run`.
        """
        shown = " ".join(statement.split())
        with self._watched(shown) as watch:
            try:
                names, rows = self._begun(statement, watch, attempts)
                yield names, self._until_over(rows, watch)
            except _SPARKS_ERRORS as error:
                told = self._over() if watch.over else error
                raise type(told)(told.what, where=where, remedy=told.remedy) from error

    def _begun(
        self, statement: str, watch: _Watch, attempts: int
    ) -> tuple[list[str], Iterator[Row]]:
        """Begin a statement, and wait for its first row: until then another try gives the same."""
        lost = False
        for attempt in stamina.retry_context(
            on=lambda error: not watch.over and self._is_worth_another_try(error),
            attempts=attempts,
            timeout=_RETRY_SECONDS,
        ):
            with attempt:
                if lost:
                    self.engine.reopen()
                lost = True
                names, rows = self.engine.stream(statement)
                return names, chain(list(islice(rows, 1)), rows)
        raise AssertionError("retry_context ends by return or raise")

    def _until_over(self, rows: Iterator[Row], watch: _Watch) -> Iterator[Row]:
        for row in rows:
            if watch.over:
                raise self._over()
            yield row

    def _over(self) -> SparkTimeoutError:
        return SparkTimeoutError(
            f"a statement was cancelled after {self._limit:g} seconds",
            remedy="raise USERPROFILE_SPARK_STATEMENT_SECONDS if it may take that long",
        )

    def table_exists(self, table: str) -> bool:
        """Tell whether the catalogue has a table of this name; see `Engine`."""
        return self.engine.table_exists(table)

    def _is_worth_another_try(self, error: Exception) -> bool:
        # One that is not alive is opened anew by its owner only.
        worth = isinstance(error, SparkUnavailableError) and self.engine.is_alive()
        if worth:
            self._log(f"trying once more: {error}")
        return worth

    def _executed(self, statement: str, shown: str) -> list[Row]:
        with self._watched(shown) as watch:
            try:
                return self.engine.execute(statement)
            except Exception as error:
                if watch.over:
                    raise self._over() from error
                raise

    @contextmanager
    def _watched(self, shown: str) -> Iterator[_Watch]:
        """Watch a statement, and log it if it ends well."""
        watch = _Watch(self.engine, self._log, shown, self._limit)
        watch.start()
        try:
            yield watch
        except _SPARKS_ERRORS:
            raise
        except BaseException:
            # Nobody waits for it any more: its work on the server would go on.
            self.engine.cancel()
            raise
        finally:
            watch.stop()
        self._log(f"{watch.seconds:.2f} s: {shown[:_SHOWN_CHARACTERS]}")


class _Watch:
    """Looks at one running statement from a thread of its own."""

    def __init__(
        self, engine: Engine, log: Callable[[str], None], shown: str, limit: float | None
    ) -> None:
        self.over = False
        self._engine = engine
        self._log = log
        self._shown = shown
        self._limit = limit
        self._done = threading.Event()
        self._started = time.monotonic()
        self._thread = threading.Thread(target=self._look, name="spark-watch", daemon=True)

    @property
    def seconds(self) -> float:
        """How long the statement has been running."""
        return time.monotonic() - self._started

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._done.wait(self._until_next_look()):
            if self._limit is not None and self.seconds >= self._limit:
                self.over = True
                # Again and again: a job that begins just then is not among those cancelled before.
                self._engine.cancel()
                continue
            how_far = self._progress()
            known = f", {how_far}" if how_far else ""
            shown = self._shown[:_SHOWN_CHARACTERS]
            self._log(f"still running after {self.seconds:.0f} s{known}: {shown}")

    def _progress(self) -> str | None:
        try:
            return self._engine.progress()
        except Exception:  # noqa: BLE001 - what is wrong with Spark, the statement itself will say
            return None

    def _until_next_look(self) -> float:
        if self._limit is None:
            return _PROGRESS_SECONDS
        if self.over:
            return _CANCEL_AGAIN_SECONDS
        return max(0.01, min(_PROGRESS_SECONDS, self._limit - self.seconds))
