"""Choose how Spark is reached, and open it, at once or in the background.

Belongs here: which engine an address means. Does not belong here: the engines themselves.

The order: USERPROFILE_SPARK_REMOTE; a server that `userprofile up` runs on this home, since it
holds the embedded metastore; a driver's JVM of our own.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from userprofile_assets.errors import SettingsError, SparkError
from userprofile_assets.warehouse.classic import ClassicEngine
from userprofile_assets.warehouse.connect import SETTING, open_connect
from userprofile_assets.warehouse.connect_server import running_server
from userprofile_assets.warehouse.session import SessionFactory, build_session, open_session
from userprofile_assets.warehouse.thrift import open_thrift

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from userprofile_assets.warehouse.engine import Engine
    from userprofile_assets.warehouse.session_options import SessionOptions


def effective_remote(options: SessionOptions) -> str | None:
    """Return the address of the server that is used, or None for a JVM of our own.

    A secret: it may hold a token.
    """
    if options.remote:
        return options.remote
    if options.is_local and options.uses_embedded_metastore:
        return running_server(options.home)
    return None


@contextmanager
def open_engine(
    options: SessionOptions,
    *,
    make_session: SessionFactory = build_session,
    on_wait: Callable[[str], None] = lambda _: None,
    stop_event: threading.Event | None = None,
) -> Iterator[Engine]:
    """Give an engine; what was started for it ends with the block.

    Args:
        options: Where and how Spark runs.
        make_session: Makes the session in a JVM of our own.
        on_wait: Told in a sentence what is waited for, or not done as asked.
        stop_event: Set by another thread to give up waiting for the metastore.

    Raises:
        SettingsError: The address cannot be read.
        SparkEndedError: This process has a session whose JVM ended.
        SparkError: Spark did not start, or refused.
        SparkUnavailableError: The server does not answer.
        LockTimeoutError: Another process had the embedded metastore open for too long.
    """
    remote = effective_remote(options)
    if remote is None:
        with open_session(
            options, make_session=make_session, on_wait=on_wait, stop_event=stop_event
        ) as running:
            yield ClassicEngine(running.session, tag=options.tag, driver=running.driver)
        return
    options = replace(options, remote=remote)
    scheme = urlsplit(remote).scheme
    if scheme == "sc":
        with open_connect(options, log=on_wait) as engine:
            yield engine
    elif scheme == "thrift":
        with open_thrift(options, log=on_wait) as engine:
            yield engine
    else:
        raise SettingsError(
            f"{scheme or 'this'} is no protocol that Spark is reached by",
            where=SETTING,
            remedy="write sc://host:15002/;token=... or thrift://user:password@host:10000/database",
        )


class BackgroundEngine:
    """An engine that opens in a thread while other work goes on.

    Starting Spark costs seconds; copying the day's objects does not need it.

    Args:
        options: Where and how Spark runs.
        make_session: As in `open_engine`.
    """

    def __init__(
        self, options: SessionOptions, *, make_session: SessionFactory = build_session
    ) -> None:
        self.options = options
        self._make_session = make_session
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._engine: Engine | None = None

    def start(self) -> None:
        """Begin; returns at once."""
        self._ready = threading.Event()
        self._stop = threading.Event()
        self._waiting: str | None = None
        self._engine = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="spark-session", daemon=True)
        self._thread.start()

    def get(self, log: Callable[[str], None]) -> Engine:
        """Wait until the engine is there and return it.

        After a start that failed, and when it was lost since, it is opened anew first.

        Args:
            log: Told when another process has the metastore open.

        Raises:
            UserProfileError: See `open_engine`.
        """
        if self._engine is not None and not self._engine.is_alive():
            self.close()
        if self._thread is None:
            self.start()
        told = None
        while not self._ready.wait(0.05):
            told = self._tell(told, log)
        self._tell(told, log)
        if self._engine is None:
            # The next call starts anew: a retried step must not get the same error for ever.
            self._thread = None
            raise self._error or SparkError("Spark did not start", where=self.options.master)
        return self._engine

    def close(self) -> None:
        """Close the engine and wait for the end; a start that is going on is waited for."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        try:
            with open_engine(
                self.options,
                make_session=self._make_session,
                on_wait=self._note_wait,
                stop_event=self._stop,
            ) as engine:
                # Opens the metastore: the first statement that touches it costs 2 cold seconds.
                engine.table_exists("userprofile_warm_up")
                self._engine = engine
                self._ready.set()
                self._stop.wait()
        except BaseException as error:  # noqa: BLE001 - handed to whoever calls get()
            self._error = error
        finally:
            self._ready.set()

    def _tell(self, told: str | None, log: Callable[[str], None]) -> str | None:
        if self._waiting is not None and self._waiting != told:
            log(self._waiting)
        return self._waiting

    def _note_wait(self, sentence: str) -> None:
        self._waiting = sentence
