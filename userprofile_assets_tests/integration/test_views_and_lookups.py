"""Views, and tables that the driver fills by looking keys up, in a real Spark."""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path

import pytest

from userprofile_assets.errors import SparkError
from userprofile_assets.warehouse.classic import ClassicEngine
from userprofile_assets_tests.support.spark_tables import LONG_WORDS, MEANINGS, Scratch, Watched

DAY = "20240807"


@pytest.fixture
def scratch(tmp_path):
    return Scratch(tmp_path / "it's 100% # a ? 用户")


@pytest.fixture
def engine(spark):
    yield Watched(ClassicEngine(spark))
    spark.sql("DROP VIEW IF EXISTS long_words")


@pytest.fixture
def runner_of(scratch, engine):
    return partial(scratch.runner, engine)


@pytest.fixture
def words(scratch, runner_of):
    """The table of words with one day in it."""
    scratch.write_lines(DAY, "a", "bcd", "bcd", "efg")
    with runner_of("lines") as lines, runner_of("words") as runner:
        lines.ensure_table()
        lines.add_days([DAY])
        runner.ensure_table()
        runner.fill_day(DAY)


def test_a_view_is_made_and_then_left_alone(spark, words, runner_of, engine):
    runner = runner_of("long_words")
    assert runner.replace_view() is True
    assert runner.count_rows([DAY]) == {DAY: 3}
    assert spark.table("long_words").schema["word"].metadata["comment"] == "it's long"
    engine.statements.clear()
    assert runner.replace_view() is False
    assert runner.ensure_table() == ()
    assert {statement.split()[0] for statement in engine.statements} == {"DESCRIBE"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (">= 3", ">= 1"),
        ("COMMENT 'day'", "COMMENT 'business date'"),
        ("'Long words'", "'Words'"),
        ("SELECT\n", "WITH w AS (SELECT 1) SELECT\n"),
    ],
    ids=["text", "comment of a column", "comment", "in front of the former text"],
)
def test_a_view_whose_file_has_changed_is_replaced(words, runner_of, old, new):
    runner_of("long_words").replace_view()
    changed = {"dwd/long_words.sql": LONG_WORDS.replace(old, new)}
    assert runner_of("long_words", files=changed).replace_view() is True
    assert runner_of("long_words", files=changed).replace_view() is False


def test_two_runs_that_make_one_view_at_once_both_go_on(words, runner_of, engine):
    other = runner_of("long_words")
    made: list[object] = []

    def overtake(statement):
        if statement.startswith("CREATE OR REPLACE VIEW") and not made:
            made.append(None)
            made.append(other.replace_view())

    engine.before = overtake
    runner_of("long_words").replace_view()
    assert made == [None, True]


def test_a_view_that_another_run_drops_while_it_is_looked_at_is_made(
    spark, words, runner_of, engine
):
    """Spark replaces a view by dropping and creating it."""
    runner_of("long_words").replace_view()
    dropped: list[str] = []

    def drop(statement):
        if statement.startswith("DESCRIBE") and not dropped:
            dropped.append(statement)
            spark.sql("DROP VIEW long_words")

    engine.before = drop
    assert runner_of("long_words").replace_view() is True
    assert dropped == ["DESCRIBE EXTENDED long_words AS JSON"]
    assert spark.table("long_words").count() == 3


def test_many_threads_that_make_one_view_leave_it_as_its_file_says(words, runner_of):
    runners = [runner_of("long_words") for _ in range(8)]
    errors = []

    def work(runner):
        try:
            runner.replace_view()
        except BaseException as error:  # noqa: BLE001 - shown below
            errors.append(error)

    threads = [threading.Thread(target=work, args=(runner,)) for runner in runners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert runners[0].replace_view() is False


def test_a_table_in_the_place_of_a_view_is_refused(spark, words, runner_of):
    spark.sql("CREATE TABLE long_words (word STRING) USING parquet")
    with pytest.raises(SparkError, match="Spark has a table of this name") as caught:
        runner_of("long_words").replace_view()
    assert 'userprofile query "DROP TABLE long_words"' in str(caught.value)
    assert spark.table("long_words").columns == ["word"]
    spark.sql("DROP TABLE long_words")


def write_meanings(runner, location):
    """Write what a lookup would: one row for each key."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [(word, f"the meaning of {word}", len(word)) for (word,) in runner.keys(DAY)]
    directory = Path(location.removeprefix("file://"))
    directory.mkdir(parents=True)
    names = ("word", "meaning", "letters")
    columns = [[row[number] for row in rows] for number in range(3)]
    pq.write_table(pa.table(dict(zip(names, columns, strict=True))), directory / "part-0.parquet")


def test_a_lookup_is_filled_by_the_driver_and_shown_by_one_act(spark, words, runner_of):
    with runner_of("meanings") as runner:
        runner.ensure_table()
        assert list(runner.keys(DAY)) == [("a",), ("bcd",), ("efg",)]
        location = runner.day_location(DAY)
        assert runner.day_location(DAY) != location
        write_meanings(runner, location)
        assert runner.count_rows([DAY]) == {DAY: 0}
        runner.point_day(DAY, location)
        assert runner.count_rows([DAY]) == {DAY: 3}
    rows = spark.sql("SELECT * FROM meanings ORDER BY word").collect()
    assert tuple(rows[1]) == ("bcd", "the meaning of bcd", 3, DAY)


def test_the_keys_of_a_day_are_refused_with_table_and_file(words, runner_of):
    bad = MEANINGS.replace("SELECT DISTINCT word", "SELECT raise_error(word)")
    runner = runner_of("meanings", files={"dim/meanings.sql": bad})
    with pytest.raises(SparkError, match=r"meanings \(sql/dim/meanings.sql\)"):
        list(runner.keys(DAY))


def test_keys_that_nobody_takes_are_cancelled(words, runner_of, engine, monkeypatch):
    cancelled = []
    monkeypatch.setattr(engine, "cancel", lambda: cancelled.append(True))
    keys = runner_of("meanings").keys(DAY)
    next(keys)
    keys.close()
    assert cancelled == [True]
    list(runner_of("meanings").keys(DAY))
    assert cancelled == [True]
