"""Statements on real Spark: logged, limited, cancelled."""

import signal
import threading
from typing import Any

import pytest

from userprofile_assets.cli.query import run_query
from userprofile_assets.cli.spark import background_engine, command_executor
from userprofile_assets.errors import SparkError, SparkTimeoutError, SparkUnavailableError
from userprofile_assets.warehouse import executor as executor_module
from userprofile_assets.warehouse.classic import ClassicEngine
from userprofile_assets.warehouse.executor import Executor
from userprofile_assets_tests.support.project import wait_until
from userprofile_assets_tests.support.statements import ENDLESS


@pytest.fixture
def engine(spark):
    return ClassicEngine(spark, tag="userprofile-test")


@pytest.fixture
def told():
    return []


def active_jobs(spark):
    return list(spark.sparkContext.statusTracker().getActiveJobsIds())


def test_each_statement_is_logged_with_its_seconds_on_one_line(engine, told):
    rows = Executor(engine, told.append).run("SELECT 1,\n  'x'", where="here")
    assert rows == [(1, "x")]
    assert told[-1].partition(" s: ")[2] == "SELECT 1, 'x'"
    assert float(told[-1].partition(" s: ")[0]) > 0


def test_a_refused_statement_names_where_it_belongs_and_itself(engine, told):
    with pytest.raises(SparkError) as caught:
        Executor(engine, told.append).run("SELECT no_such_column", where="table t (sql/t.sql)")
    assert str(caught.value).startswith("table t (sql/t.sql): Spark refused a statement: ")
    assert "the statement was: SELECT no_such_column" in str(caught.value)
    assert not [line for line in told if "still running" not in line]


def test_a_statement_over_its_limit_is_cancelled_in_spark_too(engine, told, spark):
    with pytest.raises(SparkTimeoutError) as caught:
        Executor(engine, told.append, limit_seconds=1).run(ENDLESS, where="here")
    assert "cancelled after 1 seconds" in str(caught.value)
    assert "USERPROFILE_SPARK_STATEMENT_SECONDS" in str(caught.value)
    wait_until(lambda: not active_jobs(spark), "Spark to end the job")
    assert Executor(engine, told.append).run("SELECT 1", where="here") == [(1,)]


def test_a_long_statement_tells_how_far_it_is(engine, told, monkeypatch):
    monkeypatch.setattr(executor_module, "_PROGRESS_SECONDS", 0.2)
    with pytest.raises(SparkTimeoutError):
        Executor(engine, told.append, limit_seconds=2).run(ENDLESS, where="here")
    assert any(" of 64 tasks: SELECT COUNT(*)" in line for line in told)


def test_rows_of_a_statement_come_bit_by_bit_and_it_is_logged_once(engine, told):
    executor = Executor(engine, told.append, limit_seconds=60)
    with executor.stream("SELECT id FROM RANGE(3)", where="here") as (names, rows):
        assert names == ["id"]
        assert list(rows) == [(0,), (1,), (2,)]
    (line,) = told
    assert line.partition(" s: ")[2] == "SELECT id FROM RANGE(3)"


def test_a_stream_over_its_limit_is_cancelled_in_spark_too(engine, told, spark):
    executor = Executor(engine, told.append, limit_seconds=1)
    with pytest.raises(SparkTimeoutError) as caught:  # noqa: SIM117 - the block is what is tested
        with executor.stream(ENDLESS, where="here"):
            pass
    assert str(caught.value).startswith("here: a statement was cancelled after 1 seconds")
    wait_until(lambda: not active_jobs(spark), "Spark to end the job")
    assert executor.run("SELECT 1", where="here") == [(1,)]


def test_a_stream_whose_rows_are_taken_for_too_long_ends_there(engine, told):
    executor = Executor(engine, told.append, limit_seconds=2)
    # Spark holds a whole partition while its rows are taken, so these are small and many.
    statement = "SELECT id FROM RANGE(0, 10000000, 1, 10000)"
    with pytest.raises(SparkTimeoutError):  # noqa: SIM117 - as above
        with executor.stream(statement, where="here") as (_, rows):
            for _ in rows:
                pass


class Lost:
    """An engine whose connection is lost when a statement begins, or behind its first row."""

    address = "here"

    def __init__(self, *, rows):
        self.rows = rows
        self.tries = 0

    def stream(self, statement):
        self.tries += 1
        return ["n"], self.taken(broken=self.tries == 1)

    def taken(self, *, broken):
        if self.rows:
            yield (1,)
        if broken:
            raise SparkUnavailableError("lost")
        yield (2,)

    def is_alive(self):
        return True

    def reopen(self):
        pass

    def cancel(self):
        pass


def test_a_stream_that_is_lost_before_its_first_row_is_tried_once_more(told):
    lost: Any = Lost(rows=False)
    with Executor(lost, told.append).stream("SELECT n", where="here") as (_, rows):
        assert list(rows) == [(2,)]
    assert lost.tries == 2


def test_a_stream_that_is_lost_behind_a_row_or_may_run_only_once_is_not_repeated(told):
    behind: Any = Lost(rows=True)
    once: Any = Lost(rows=False)
    with pytest.raises(SparkUnavailableError, match="here: lost"):  # noqa: SIM117 - as above
        with Executor(behind, told.append).stream("SELECT n", where="here") as (_, rows):
            list(rows)
    with pytest.raises(SparkUnavailableError, match="here: lost"):  # noqa: SIM117 - as above
        with Executor(once, told.append).stream("INSERT", where="here", attempts=1):
            pass
    assert (behind.tries, once.tries) == (1, 1)


class Terminated(BaseException):
    """As Dagster's own: no KeyboardInterrupt, which is the one that py4j knows."""


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, Terminated])
def test_work_of_a_terminated_run_stops_in_spark(engine, told, spark, interrupt):
    """Dagster ends a run by a signal, which Python raises in the middle of the wait for Spark."""

    def raises(*_):
        raise interrupt

    executor = Executor(engine, told.append)
    main = threading.get_ident()
    former = signal.signal(signal.SIGINT, raises)

    def interrupt_once_it_runs():
        wait_until(lambda: active_jobs(spark), "Spark to begin the job")
        signal.pthread_kill(main, signal.SIGINT)

    thread = threading.Thread(target=interrupt_once_it_runs)
    thread.start()
    try:
        with pytest.raises(interrupt):
            executor.run(ENDLESS, where="here")
        thread.join()
    finally:
        signal.signal(signal.SIGINT, former)
    wait_until(lambda: not active_jobs(spark), "Spark to end the job")
    assert executor.run("SELECT 1", where="here") == [(1,)]


def test_the_commands_query_and_gc_keep_the_limit_too(spark, settings):
    limited = settings.model_copy(update={"spark_statement_seconds": 1})
    with pytest.raises(SparkTimeoutError, match="the statement: a statement was cancelled after 1"):
        run_query(limited, ENDLESS, output="csv", limit=1)
    with background_engine(limited, "gc") as background, pytest.raises(SparkTimeoutError):
        command_executor(limited, background).run(ENDLESS, where="gc")


def test_statements_carry_the_tag_of_their_run(engine, spark, monkeypatch):
    seen = []

    def sql(statement):
        # Tags belong to the thread that runs the statement.
        seen.append(spark.getTags())
        return run(statement)

    run = spark.sql
    monkeypatch.setattr(spark, "sql", sql)
    engine.execute("SELECT 1")
    assert seen == [{"userprofile-test"}]


def test_facts_name_versions_and_application(engine, spark):
    facts = engine.facts()
    assert facts["Spark"] == spark.version
    assert facts["Java"].split(".")[0].isdecimal()
    assert facts["application"] == spark.sparkContext.applicationId
