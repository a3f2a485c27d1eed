"""A driver's JVM that ends, without Spark: what is raised, whatever py4j leaks on the way."""

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from userprofile_assets.errors import SparkEndedError, SparkError, SparkUnavailableError
from userprofile_assets.warehouse.classic import ClassicEngine
from userprofile_assets.warehouse.driver_jvm import Driver
from userprofile_assets.warehouse.executor import Executor


def py4j_error(text):
    from py4j.protocol import Py4JError

    return Py4JError(text)


LEAKED = [
    lambda: ConnectionRefusedError(111, "Connection refused"),
    lambda: ConnectionResetError(104, "Connection reset by peer"),
    EOFError,
    lambda: KeyError("p"),
    AssertionError,
    lambda: py4j_error("py4j does not exist in the JVM"),
    lambda: py4j_error("An error occurred while calling o29.sql"),
    # What Spark itself still says while the JVM's shutdown hooks run.
    lambda: py4j_error("Job 3 cancelled because SparkContext was shut down"),
]


class Session:
    """A session that raises an error at each call.

    Args:
        error: The error.
        is_stopped: What its JVM says of Spark; an exception is raised.
    """

    def __init__(self, error, is_stopped):
        self._error = error
        self._is_stopped = is_stopped
        java = SimpleNamespace(sc=lambda: SimpleNamespace(isStopped=self._asked))
        self.sparkContext = SimpleNamespace(master="local[2]", _jsc=java)
        self.catalog = SimpleNamespace(tableExists=self.sql)

    def sql(self, _):
        raise self._error

    def _asked(self):
        if isinstance(self._is_stopped, Exception):
            raise self._is_stopped
        return self._is_stopped


@pytest.fixture
def driver(tmp_path):
    """A process that lives until its standard input is closed, and prints its last words then."""
    log = tmp_path / "driver.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", "input(); print('the last words'); raise SystemExit(143)"],
            stdin=subprocess.PIPE,
            stdout=output,
        )
    yield Driver(process, log)
    process.kill()
    process.communicate()


@pytest.fixture
def engine_of(driver):
    def make(error, is_stopped):
        session: Any = Session(error, is_stopped)
        return ClassicEngine(session, driver=driver)

    return make


def end(driver):
    driver.process.stdin.write(b"\n")
    driver.process.stdin.close()


@pytest.mark.parametrize("leaked", LEAKED, ids=lambda leaked: repr(leaked()))
@pytest.mark.parametrize(
    "use",
    [
        lambda engine: engine.execute("SELECT 1"),
        lambda engine: engine.stream("SELECT 1"),
        lambda engine: engine.table_exists("t"),
    ],
    ids=["execute", "stream", "table_exists"],
)
def test_whatever_is_leaked_the_error_names_the_jvm_how_it_ended_and_its_last_words(
    engine_of, driver, leaked, use
):
    end(driver)
    engine = engine_of(leaked(), is_stopped=ConnectionRefusedError())
    with pytest.raises(SparkUnavailableError) as caught:
        use(engine)
    assert caught.value.what == "Spark's JVM ended with code 143\nIts last words:\nthe last words"
    assert not engine.is_alive()
    with pytest.raises(SparkUnavailableError, match="Spark's JVM ended with code 143"):
        engine.reopen()


def test_the_statement_is_not_to_blame_while_shutdown_hooks_run(engine_of, driver):
    engine = engine_of(py4j_error("no such table"), is_stopped=True)
    driver.process.kill()
    with pytest.raises(SparkUnavailableError, match="Spark's JVM ended by SIGKILL"):
        engine.execute("SELECT 1")


def test_a_statement_is_not_tried_once_more_on_a_jvm_that_ended(engine_of, driver):
    end(driver)
    told: list[str] = []
    executor = Executor(engine_of(EOFError(), is_stopped=EOFError()), told.append)
    with pytest.raises(SparkUnavailableError, match="rules of t: Spark's JVM ended with code 143"):
        executor.run("SELECT 1", where="rules of t")
    assert told == []


def test_an_error_of_the_statement_stays_one(engine_of):
    engine = engine_of(py4j_error("[DIVIDE_BY_ZERO] Division by zero"), is_stopped=False)
    with pytest.raises(SparkError, match="Division by zero"):
        engine.execute("SELECT 1 / 0")
    assert engine.is_alive()


@pytest.mark.parametrize(
    ("printed", "shared", "said"),
    [
        (b"java.lang.OutOfMemoryError: Java heap space\n", False, "Spark's JVM ran out of memory"),
        (b"", True, "Spark's JVM ended by SIGKILL"),
    ],
    ids=["out of memory", "shared with others"],
)
def test_what_another_try_does_not_mend_is_permanent(driver, printed, shared, said):
    driver.process.kill()
    driver.log_file.write_bytes(printed)
    session: Any = Session(EOFError(), is_stopped=EOFError())
    engine = ClassicEngine(
        session, driver=Driver(driver.process, driver.log_file, is_shared=shared)
    )
    with pytest.raises(SparkEndedError, match=said):
        engine.execute("SELECT 1")
