"""Start a Spark session, and end with it everything that was started.

Belongs here: the driver's JVM and the metastore's lock. Does not belong here: the configuration
(`session_options.py`), statements (`session_engine.py`), servers elsewhere (`connect.py`).

Life of an embedded session: take the metastore's lock; start the JVM, which inherits the lock's
descriptor; make the session. At the end: stop Spark, end the JVM, release the lock. Derby keeps
its own lock file until its JVM ends, so Spark's `stop()` alone would leave the next process
outside. kill -9 of Python closes the JVM's standard input, on which it exits, and only then is the
lock free.

The JVM is in a session of its own: a signal to Python's group (`timeout`, a terminal that closes)
is for Python, which ends its work in Spark first.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from userprofile_assets.errors import SparkError
from userprofile_assets.locks import exclusive_lock
from userprofile_assets.warehouse.driver_jvm import Driver, ended_error
from userprofile_assets.warehouse.driver_log import last_lines, open_log
from userprofile_assets.warehouse.java import find_java
from userprofile_assets.warehouse.session_options import SessionOptions, launch_conf, spark_conf
from userprofile_assets.warehouse.spark_errors import first_line

if TYPE_CHECKING:
    import threading

    from pyspark.sql import SparkSession

SessionFactory = Callable[[Mapping[str, str]], "SparkSession"]

_DRIVER = "userprofile_driver"


@dataclass(frozen=True)
class RunningSession:
    """A session, and the JVM it runs in where this process started that here."""

    session: SparkSession
    driver: Driver | None = None


def build_session(conf: Mapping[str, str]) -> SparkSession:
    """Make a session with pyspark's own builder."""
    from pyspark.sql import SparkSession

    builder = SparkSession.builder
    for key, value in conf.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def running_session() -> RunningSession | None:
    """Return the session that this process already has, if any.

    Raises:
        SparkEndedError: Its JVM has ended.
    """
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    context = SparkContext._active_spark_context  # noqa: SLF001 - pyspark offers no other way to ask without starting one
    if context is None:
        return None
    # Not by getattr: what a gateway does not have itself, it looks for in the JVM.
    driver: Driver | None = vars(context._gateway).get(_DRIVER)  # noqa: SLF001 - beside pyspark's own `proc`
    if driver is not None:
        driver = replace(driver, is_shared=True)
        if driver.has_ended():
            raise ended_error(driver, address=str(context.master))
    session = SparkSession.getActiveSession() or SparkSession.builder.getOrCreate()
    return RunningSession(session, driver)


@contextmanager
def open_session(
    options: SessionOptions,
    *,
    make_session: SessionFactory = build_session,
    on_wait: Callable[[str], None] | None = None,
    stop_event: threading.Event | None = None,
    stop_seconds: float = 30,
) -> Iterator[RunningSession]:
    """Give a Spark session; what was started for it ends with the block.

    A session that this process already has is used as it is and left running.

    Args:
        options: Where and how Spark runs.
        make_session: Makes the session in a JVM that is up (the Dagster resource passes
            dagster-pyspark's).
        on_wait: Called with a sentence when another process has the metastore open.
        stop_event: Set by another thread to give up waiting for the metastore.
        stop_seconds: Seconds the JVM gets to end before it is killed.

    Raises:
        SparkEndedError: The process has a session whose JVM ended.
        SparkError: Java is missing or too old, or Spark did not start.
        LockTimeoutError: Another process had the metastore open for too long.
    """
    running = running_session()
    if running is not None:
        yield running
        return
    conf = spark_conf(options, find_java())
    with ExitStack() as stack:
        inherited: tuple[int, ...] = ()
        if options.uses_embedded_metastore:
            lock = exclusive_lock(
                options.metastore_lock,
                purpose="the embedded Spark metastore",
                timeout=options.lock_seconds,
                on_wait=on_wait,
                stop_event=stop_event,
            )
            inherited = (stack.enter_context(lock).fd,)
        gateway = _launch(options, conf, inherited)
        stack.callback(_end, gateway, stop_seconds)
        driver = Driver(gateway.proc, options.log_file)
        vars(gateway)[_DRIVER] = driver
        try:
            _adopt(gateway, conf)
            session = make_session(conf)
        except Exception as error:
            raise SparkError(
                f"Spark did not start: {first_line(error)}",
                where=options.master,
                remedy=f"read {options.log_file}; `userprofile doctor` tests the parts one by one",
            ) from error
        stack.callback(_stop, session)
        yield RunningSession(session, driver)


def _stop(session: SparkSession) -> None:
    """Stop Spark; a JVM that has ended already cannot be told to, and it ends anyway."""
    with suppress(Exception):
        session.stop()


def _launch(options: SessionOptions, conf: Mapping[str, str], inherited: tuple[int, ...]) -> Any:
    from pyspark import SparkConf
    from pyspark.errors import PySparkException
    from pyspark.java_gateway import launch_gateway

    if options.is_local:
        # Otherwise Spark looks the host's name up and warns when that is a loopback address.
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    launched = SparkConf(loadDefaults=False).setAll(list(launch_conf(conf).items()))
    try:
        with open_log(options.log_file) as log:
            return launch_gateway(  # type: ignore[no-untyped-call] # pyspark leaves it untyped
                launched,
                popen_kwargs={
                    "pass_fds": inherited,
                    "stdout": log,
                    "stderr": log,
                    "start_new_session": True,
                },
            )
    except (PySparkException, OSError) as error:
        raise SparkError(
            f"the driver's JVM did not start; the end of {options.log_file}:\n"
            f"{last_lines(options.log_file)}",
            where=options.master,
            remedy="SPARK_CONF may hold an option that this Java does not know",
        ) from error


def _adopt(gateway: Any, conf: Mapping[str, str]) -> None:
    """Make the Spark context of this process in the JVM that was launched here."""
    from pyspark import SparkConf, SparkContext

    SparkContext(
        conf=SparkConf(loadDefaults=False).setAll(list(conf.items())),
        gateway=gateway,
    )


def _end(gateway: Any, stop_seconds: float) -> None:
    """End the JVM and make pyspark forget it, so that this process may start another."""
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    with SparkContext._lock:  # noqa: SLF001 - pyspark has no public way to let a JVM go
        SparkContext._gateway = None  # noqa: SLF001
        SparkContext._jvm = None  # noqa: SLF001
        # Still there when Spark could not be told to stop.
        SparkContext._active_spark_context = None  # noqa: SLF001
        SparkSession._instantiatedSession = None  # noqa: SLF001
        SparkSession._activeSession = None  # noqa: SLF001
    with suppress(Exception):  # a JVM that has ended cannot be told to
        gateway.shutdown()
    process: subprocess.Popen[bytes] = gateway.proc
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(timeout=stop_seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
