"""The statements of a run on every way to Spark: a JVM of our own, Connect, a Thrift server.

One sentence each, said of all three. What only one of them has is in `test_connect.py` and
`test_thrift.py`.
"""

from __future__ import annotations

import threading

import pytest

from userprofile_assets.errors import SparkError, SparkTimeoutError
from userprofile_assets.warehouse.classic import ClassicEngine
from userprofile_assets.warehouse.executor import Executor
from userprofile_assets.warehouse.open_engine import open_engine
from userprofile_assets.warehouse.runner import ExternalDay, TableRunner
from userprofile_assets.warehouse.thrift import ThriftEngine
from userprofile_assets_tests.support.external_tables import RAW, USERS
from userprofile_assets_tests.support.project import wait_until
from userprofile_assets_tests.support.spark_tables import Scratch
from userprofile_assets_tests.support.statements import ENDLESS, SHORT

ENGINES = [
    pytest.param("classic", marks=pytest.mark.xdist_group("spark")),
    pytest.param("connect", marks=pytest.mark.xdist_group("spark-remote")),
    pytest.param("thrift", marks=pytest.mark.xdist_group("spark-remote")),
]


@pytest.fixture(params=ENGINES)
def engine(request, tmp_path):
    """An engine of each kind with an empty catalogue."""
    if request.param == "classic":
        yield ClassicEngine(request.getfixturevalue("spark"), tag="tests")
        return
    server = request.getfixturevalue(f"{request.param}_server")
    with open_engine(server.options(tmp_path / "home")) as engine:
        yield engine
        for table in (RAW, USERS, "logs", "types", "lines", "words", "meanings"):
            engine.execute(f"DROP TABLE IF EXISTS {table}")


@pytest.fixture
def lines():
    return []


@pytest.fixture
def executor(engine, lines):
    return Executor(engine, lines.append)


@pytest.mark.parametrize("table", [RAW, USERS])
def test_a_new_table_is_as_its_file_says_when_it_is_looked_at_again(runner_of, engine, table):
    assert not engine.table_exists(table)
    assert runner_of(table).ensure_table() == ()
    assert engine.table_exists(table)
    assert runner_of(table).ensure_table() == ()


def test_days_are_added_corrected_and_counted(runner_of, day_directory, engine, tmp_path):
    right = day_directory("log", "20240807", b"a\nb\nc")
    day_directory("log", "20240808", b"")
    stale = tmp_path / "stale"
    stale.mkdir()
    (stale / "old.txt").write_text("old\n")
    runner = runner_of(RAW)
    runner.ensure_table()
    engine.execute(f"ALTER TABLE {RAW} ADD PARTITION (dt = '20240807') LOCATION '{stale.as_uri()}'")
    assert runner.count_rows(["20240807"]) == {"20240807": 1}
    days = runner.add_days(["20240807", "20240808"])
    assert days["20240807"].location == right.as_uri()
    assert days["20240807"].corrected_from.endswith("/stale")
    assert days["20240808"].corrected_from is None
    assert runner.count_rows(["20240807", "20240808"]) == {"20240807": 3, "20240808": 0}
    assert runner.add_days(["20240807"]) == {"20240807": ExternalDay(right.as_uri())}


def test_an_object_that_was_replaced_is_read_anew(runner_of, day_directory):
    directory = day_directory("log", "20240807", b"a\n")
    runner = runner_of(RAW)
    runner.ensure_table()
    runner.add_days(["20240807"])
    assert runner.count_rows(["20240807"]) == {"20240807": 1}
    (directory / "log_20240807.txt").write_bytes(b"a\nb\n")
    runner.add_days(["20240807"])
    assert runner.count_rows(["20240807"]) == {"20240807": 2}


def test_the_dialect_of_the_users_reads_back(runner_of, day_directory, engine):
    day_directory("user", "20240807", b"u\\|1|\\N|a\\\\b\\n|\xe7\x94\xa8\n")
    runner = runner_of(USERS)
    runner.ensure_table()
    runner.add_days(["20240807"])
    rows = engine.execute(f"SELECT * FROM {USERS}")
    assert rows == [("u|1", None, "a\\b\n", "用", "20240807")]


def test_a_filled_day_a_view_and_keys_are_the_same_everywhere(engine, executor, tmp_path):
    scratch = Scratch(tmp_path)
    warehouse = scratch.warehouse()

    def runner(table):
        definition = warehouse.table(table)
        return TableRunner(executor, definition, scratch.variables, lambda _: None, run_id="run")

    scratch.write_lines("20240807", "a", "bcd")
    with runner("lines") as lines, runner("words") as words:
        lines.ensure_table()
        lines.add_days(["20240807"])
        words.ensure_table()
        first = words.fill_day("20240807")
        second = words.fill_day("20240807")
        assert (first.rows, second.rows) == (2, 2)
        assert first.location != second.location
        assert words.ensure_table() == ()
    assert engine.execute("SHOW TABLES LIKE 'words__*'") == []
    try:
        assert runner("long_words").replace_view() is True
        assert runner("long_words").replace_view() is False
        assert runner("long_words").count_rows(["20240807"]) == {"20240807": 1}
    finally:
        engine.execute("DROP VIEW IF EXISTS long_words")
    with runner("meanings") as meanings:
        meanings.ensure_table()
        assert list(meanings.keys("20240807")) == [("a",), ("bcd",)]


def test_the_names_and_the_rows_of_a_result_arrive_bit_by_bit(engine):
    names, rows = engine.stream("SELECT id AS number, id % 2 = 0 AS is_even FROM RANGE(12000)")
    assert names == ["number", "is_even"]
    found = sorted(rows)
    assert found[:3] == [(0, True), (1, False), (2, True)]
    assert len(found) == 12_000


def test_a_session_has_the_projects_time_zone_and_overwrites_partition_by_partition(engine):
    assert engine.execute("SELECT current_timezone()") == [("Asia/Shanghai",)]
    ((_, mode),) = engine.execute("SET spark.sql.sources.partitionOverwriteMode")
    assert mode.lower() == "dynamic"


def test_versions_are_known(engine):
    facts = engine.facts()
    assert facts["Spark"].startswith("4.")
    assert int(facts["Java"].partition(".")[0]) >= 17
    assert facts["application"]


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("SELECT * FROM no_such_table", r"\[TABLE_OR_VIEW_NOT_FOUND\] .*no_such_table"),
        ("SELEC 1", r"\[PARSE_SYNTAX_ERROR\]"),
        ("SELECT 1 / 0", r"\[DIVIDE_BY_ZERO\] Division by zero"),
        ("SELECT raise_error('on a worker') FROM RANGE(3)", "on a worker"),
    ],
    ids=["no table", "no SQL", "at run time", "in a task"],
)
def test_a_refused_statement_is_permanent_and_says_why(executor, statement, said):
    with pytest.raises(SparkError, match=said) as caught:
        executor.run(statement, where="sql/x.sql")
    assert str(caught.value).startswith("sql/x.sql: ")
    assert "Exception" not in str(caught.value).splitlines()[0]


def test_after_an_error_the_same_session_goes_on(executor):
    with pytest.raises(SparkError):
        executor.run("SELECT * FROM no_such_table", where="x")
    assert executor.run("SELECT 1", where="x") == [(1,)]


def test_a_running_statement_is_cancelled_from_another_thread(engine, executor):
    caught = []

    def run():
        try:
            engine.execute(ENDLESS)
        except SparkError as error:
            caught.append(error)

    engine.execute(SHORT)
    thread = threading.Thread(target=run)
    thread.start()
    if not isinstance(engine, ThriftEngine):  # that protocol tells no progress
        wait_until(engine.progress, "the statement's tasks")

    def cancelled():
        # Again and again: the first may come before there is anything to cancel.
        engine.cancel()
        return not thread.is_alive()

    wait_until(cancelled, "the end of the statement", seconds=600)
    assert len(caught) == 1
    assert executor.run("SELECT 1", where="x") == [(1,)]


def test_a_statement_over_its_limit_is_cancelled_and_the_next_one_runs(engine, lines):
    engine.execute(SHORT)
    with pytest.raises(SparkTimeoutError, match="cancelled after 2 seconds"):
        Executor(engine, lines.append, limit_seconds=2).run(ENDLESS, where="sql/x.sql")
    assert engine.execute("SELECT 1") == [(1,)]


def test_a_stream_over_its_limit_is_cancelled_and_the_next_one_runs(engine, lines):
    executor = Executor(engine, lines.append, limit_seconds=1)
    with pytest.raises(SparkTimeoutError, match="here: a statement was cancelled after 1 seconds"):  # noqa: SIM117 - the block is what is tested
        with executor.stream(ENDLESS, where="here"):
            pass
    assert executor.run("SELECT 1", where="here") == [(1,)]


def test_cancelling_when_nothing_runs_is_no_error(engine):
    engine.cancel()
    assert engine.execute("SELECT 1") == [(1,)]


def test_a_session_can_be_opened_anew(engine):
    engine.reopen()
    assert engine.execute("SELECT current_timezone()") == [("Asia/Shanghai",)]
