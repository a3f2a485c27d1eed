"""Statements on real Spark: logged, limited, cancelled."""

import signal
import threading

import pytest

from userprofile_assets.errors import SparkError, SparkTimeoutError
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


def test_work_of_a_terminated_run_stops_in_spark(engine, told, spark):
    """Dagster ends a run by SIGINT, which Python raises in the middle of the wait for Spark."""
    executor = Executor(engine, told.append)
    main = threading.get_ident()

    def interrupt_once_it_runs():
        wait_until(lambda: active_jobs(spark), "Spark to begin the job")
        signal.pthread_kill(main, signal.SIGINT)

    thread = threading.Thread(target=interrupt_once_it_runs)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        executor.run(ENDLESS, where="here")
    thread.join()
    wait_until(lambda: not active_jobs(spark), "Spark to end the job")
    assert executor.run("SELECT 1", where="here") == [(1,)]


def test_statements_carry_the_tag_of_their_run(engine, spark):
    engine.execute("SELECT 1")
    assert "userprofile-test" in spark.getTags()


def test_facts_name_versions_and_application(engine, spark):
    facts = engine.facts()
    assert facts["Spark"] == spark.version
    assert facts["Java"].split(".")[0].isdecimal()
    assert facts["application"] == spark.sparkContext.applicationId
