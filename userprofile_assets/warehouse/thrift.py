"""An `Engine` on a HiveServer2: Spark's own Thrift server, Kyuubi, or a gateway like them.

Belongs here: statements, their end, cancelling. Does not belong here: the address
(`thrift_url.py`), transports and what a broken one means (`thrift_transport.py`).

Every statement runs in the background on the server and is asked after, so that no call takes
long: a server that falls silent is noticed within a minute however long a statement may take.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from userprofile_assets.errors import SparkError, SparkUnavailableError, UserProfileError
from userprofile_assets.warehouse.engine import JAVA_VERSION
from userprofile_assets.warehouse.session_options import SESSION_PREFIX, not_set
from userprofile_assets.warehouse.spark_errors import typed_error
from userprofile_assets.warehouse.thrift_transport import calling, connect, first_sentence
from userprofile_assets.warehouse.thrift_url import ThriftUrl, parse_thrift_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from userprofile_assets.warehouse.engine import Row
    from userprofile_assets.warehouse.session_options import SessionOptions

# A HiveServer2 takes up to 5 s to say that a statement still runs: by
# hive.server2.long.polling.timeout, so that clients do not ask too often.
_ANSWER_SECONDS = 60.0
_CANCEL_SECONDS = 10.0
# Between two questions whether a statement has ended: small statements take 20 to 50 ms.
_FIRST_LOOK_SECONDS, _LAST_LOOK_SECONDS = 0.01, 0.5
_ROWS_PER_CALL = 5_000


@contextmanager
def open_thrift(
    options: SessionOptions, *, log: Callable[[str], None] = lambda _: None
) -> Iterator[ThriftEngine]:
    """Give an engine with a session of its own, which ends with the block.

    Args:
        options: With `remote`: `thrift://user:password@host:port/database`.
        log: Told what of SPARK_CONF the server did not take.

    Raises:
        SettingsError: The address cannot be read, or PyHive is not installed.
        SparkError: The server refuses the login.
        SparkUnavailableError: It does not answer.
    """
    engine = ThriftEngine(
        options.remote or "",
        conf=options.session_conf,
        log=log,
    )
    try:
        engine.reopen()
        yield engine
    finally:
        engine.close()


class ThriftEngine:
    """A session on a HiveServer2; it is opened when it is first used.

    One thread runs statements; `cancel` may be called from any.

    Args:
        url: The server's address, as `parse_thrift_url` reads it. A secret.
        conf: Configuration of the session; keys that a session cannot take are told and left out.
        log: Told what was left out.
        answer_seconds: Seconds that one call to the server may take.

    Raises:
        SettingsError: The address cannot be read.
    """

    def __init__(
        self,
        url: str,
        *,
        conf: Mapping[str, str] | None = None,
        log: Callable[[str], None] = lambda _: None,
        answer_seconds: float = _ANSWER_SECONDS,
    ) -> None:
        self._url: ThriftUrl = parse_thrift_url(url)
        self.address = self._url.address
        self._conf = dict(conf or {})
        self._log = log
        self._answer_seconds = answer_seconds
        self._connection: Any = None
        self._running: Any = None
        self._wake = threading.Event()
        self._cancelled = False

    def execute(self, statement: str) -> list[Row]:
        """See `Engine`."""
        _, rows = self.stream(statement)
        return list(rows)

    def stream(self, statement: str) -> tuple[list[str], Iterator[Row]]:
        """See `Engine`; the server keeps the result until it is fetched."""
        cursor = self._run(statement)
        with self._calling():
            description = cursor.description or []
        return [column[0] for column in description], self._rows(cursor, has_rows=bool(description))

    def table_exists(self, table: str) -> bool:
        """See `Engine`."""
        database, _, name = table.rpartition(".")
        where = f" IN {database}" if database else ""
        shown = self.execute(f"SHOW TABLES{where} LIKE '{name}'")
        # Spark shows namespace, name, temporary; Hive's own form is the name alone.
        return any(name.lower() in (str(value).lower() for value in row[:2]) for row in shown)

    def cancel(self) -> None:
        """See `Engine`."""
        self._cancelled = True
        self._wake.set()
        cursor = self._running
        if cursor is not None:
            self._cancel(cursor)

    def progress(self) -> str | None:
        """See `Engine`; Spark's Thrift server does not tell."""
        return None

    def facts(self) -> dict[str, str]:
        """See `Engine`."""
        facts = {"Spark": str(self.execute("SELECT version()")[0][0]).split()[0]}
        with suppress(SparkError):  # a gateway may forbid it
            facts["Java"] = str(self.execute(JAVA_VERSION)[0][0])
        with suppress(SparkError):
            facts["application"] = str(self.execute("SET spark.app.id")[0][1])
        return facts

    def is_alive(self) -> bool:
        """See `Engine`; a lost session is found out by using it."""
        return True

    def reopen(self) -> None:
        """See `Engine`."""
        self.close()
        self._session()

    def close(self) -> None:
        """End the session on the server, if it can be reached; never an error."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):  # the server ends a session whose connection is gone
                connection.close()

    def _session(self) -> Any:
        if self._connection is None:
            self._connection = connect(self._url, timeout=self._answer_seconds)
            refused = [key for key in self._conf if not self._set(key, self._conf[key])]
            if refused:
                self._log(not_set(refused))
        return self._connection

    def _set(self, key: str, value: str) -> bool:
        if not key.startswith(SESSION_PREFIX):
            return False
        try:
            self.execute(f"SET {key}={value}")
        except SparkUnavailableError:
            raise
        except SparkError:
            return False  # a static key
        return True

    def _run(self, statement: str) -> Any:
        """Run a statement to its end and return its cursor."""
        connection = self._session()
        self._cancelled = False
        self._wake.clear()
        try:
            with self._calling():
                self._running = cursor = connection.cursor(arraysize=_ROWS_PER_CALL)
                cursor.execute(statement, async_=True)
            self._wait(cursor)
        except SparkUnavailableError:
            # Only this connection may be broken; the statement must not go on beside its next try.
            if self._running is not None:
                self._cancel(self._running)
            raise
        except UserProfileError:
            raise
        except BaseException:
            # Interrupted, perhaps in the middle of an answer: nothing more can be read from this
            # connection, and without it the statement would go on.
            if self._running is not None:
                self._cancel(self._running)
            self._drop()
            raise
        finally:
            self._running = None
        return cursor

    def _wait(self, cursor: Any) -> None:
        """Wait for a statement's end.

        Raises:
            SparkError: It failed, or was cancelled.
            SparkUnavailableError: The server does not answer any more.
        """
        from TCLIService.ttypes import TOperationState as State

        pause = _FIRST_LOOK_SECONDS
        told_to_cancel = False
        while True:
            with self._calling():
                status = cursor.poll(get_progress_update=False)
            match status.operationState:
                case State.FINISHED_STATE:
                    return
                case State.CANCELED_STATE | State.CLOSED_STATE | State.TIMEDOUT_STATE:
                    raise SparkError("the statement was cancelled", where=self.address)
                case State.ERROR_STATE:
                    raise self._failed(str(status.errorMessage or ""))
            if self._cancelled and not told_to_cancel:
                # `cancel` came before the server had named the statement.
                told_to_cancel = True
                self._cancel(cursor)
            self._wake.wait(pause)
            self._wake.clear()
            pause = min(pause * 1.5, _LAST_LOOK_SECONDS)

    def _failed(self, said: str) -> UserProfileError:
        """Return the error of a statement that failed on the server."""
        if self._cancelled:
            return SparkError("the statement was cancelled", where=self.address)
        error = typed_error(RuntimeError(said), address=self.address)
        return type(error)(
            first_sentence(said) if type(error) is SparkError and not error.remedy else error.what,
            where=error.where,
            remedy=error.remedy,
        )

    def _rows(self, cursor: Any, *, has_rows: bool) -> Iterator[Row]:
        try:
            while has_rows:
                with self._calling():
                    rows = cursor.fetchmany(_ROWS_PER_CALL)
                if not rows:
                    break
                yield from (tuple(row) for row in rows)
        finally:
            with suppress(UserProfileError), self._calling():
                cursor.close()

    @contextmanager
    def _calling(self) -> Iterator[None]:
        """Call the server; a connection that broke is given up."""
        try:
            with calling(self.address):
                yield
        except SparkUnavailableError:
            self._drop()
            raise

    def _drop(self) -> None:
        """Close the connection without a word: the server then ends its session."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):  # it is broken anyway
                connection._transport.close()  # noqa: SLF001 - `close` would ask the server first

    def _cancel(self, cursor: Any) -> None:
        """Cancel a statement over a connection of its own: the other one may be in a call."""
        from TCLIService.ttypes import TCancelOperationReq

        handle = cursor._operationHandle  # noqa: SLF001 - PyHive cancels over the same connection only
        if handle is None:
            return
        with suppress(Exception):  # what cannot be reached cannot be cancelled either
            other = connect(self._url, timeout=_CANCEL_SECONDS)
            try:
                other.client.CancelOperation(TCancelOperationReq(operationHandle=handle))
            finally:
                other.close()
