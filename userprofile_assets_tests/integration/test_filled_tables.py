"""Days of filled tables: written beside the former rows, shown by one act, whatever goes wrong."""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from userprofile_assets.errors import SparkError, SparkUnavailableError
from userprofile_assets.warehouse.classic import ClassicEngine
from userprofile_assets_tests.support.spark_tables import (
    WORDS,
    Killed,
    Scratch,
    Watched,
)

DAY, NEXT = "20240807", "20240808"
RUN = "5f0c1f1e-6f6b-4c0e-9a3e-8f1f4d0f6a11"


@pytest.fixture
def scratch(tmp_path):
    return Scratch(tmp_path / "it's 100% # a ? 用户")


@pytest.fixture
def engine(spark):
    return Watched(ClassicEngine(spark))


@pytest.fixture
def runner_of(scratch, engine):
    return partial(scratch.runner, engine, run_id=RUN)


@pytest.fixture
def show_lines(scratch, runner_of):
    """Write a day's lines and let the table show them."""

    def write(bizdate, *lines):
        scratch.write_lines(bizdate, *lines)
        runner = runner_of("lines")
        runner.ensure_table()
        runner.add_days([bizdate])

    return write


@pytest.fixture
def words(spark):
    def read(bizdate=DAY):
        rows = spark.sql(f"SELECT word, size FROM words WHERE dt = '{bizdate}'").collect()
        return sorted(tuple(row) for row in rows)

    return read


def fill(runner, bizdate=DAY):
    with runner:
        runner.ensure_table()
        return runner.fill_day(bizdate)


def files_of(location):
    return sorted(Path(location.removeprefix("file://")).glob("part-*"))


def writers(spark):
    return [row[1] for row in spark.sql("SHOW TABLES LIKE 'words__*'").collect()]


def test_a_day_is_written_by_position_into_a_directory_of_its_run(
    spark, scratch, runner_of, show_lines, words
):
    show_lines(DAY, "a", "bcd")
    day = fill(runner_of("words"))
    assert day.rows == 2
    assert words() == [("a", 1), ("bcd", 3)]
    root = f"{scratch.variables['spark_uri']}/words/run={RUN}."
    assert day.location.startswith(root)
    assert day.location.endswith(f"/dt={DAY}")
    assert files_of(day.location)
    assert writers(spark) == []


def test_a_day_without_rows_is_an_empty_day(runner_of, show_lines, words):
    show_lines(DAY, "a")
    fill(runner_of("words"))
    show_lines(DAY)
    assert fill(runner_of("words")).rows == 0
    assert words() == []


def test_the_days_of_a_run_share_a_directory_and_cost_few_statements(
    runner_of, show_lines, words, engine
):
    show_lines(DAY, "a")
    show_lines(NEXT, "b")
    with runner_of("words") as runner:
        runner.ensure_table()
        first = runner.fill_day(DAY)
        engine.statements.clear()
        second = runner.fill_day(NEXT)
        assert [statement.split()[0] for statement in engine.statements] == [
            "INSERT", "SELECT", "ALTER", "REFRESH",
        ]  # fmt: skip
    assert first.location.rpartition("/")[0] == second.location.rpartition("/")[0]
    assert (words(DAY), words(NEXT)) == ([("a", 1)], [("b", 1)])
    with runner_of("words") as runner:
        runner.fill_day(DAY)
        engine.statements.clear()
        runner.fill_day(NEXT)
        assert [statement.split()[0] for statement in engine.statements] == [
            "INSERT", "SELECT", "ALTER", "REFRESH",
        ]  # fmt: skip


@pytest.mark.parametrize("same_runner", [True, False], ids=["one process", "two processes"])
def test_a_day_that_a_run_fills_again_gets_another_directory(
    runner_of, show_lines, words, same_runner
):
    show_lines(DAY, "a")
    runner = runner_of("words")
    runner.ensure_table()
    first = runner.fill_day(DAY)
    before = {path: path.read_bytes() for path in files_of(first.location)}
    show_lines(DAY, "b", "c")
    again = runner if same_runner else runner_of("words")
    second = again.fill_day(DAY)
    runner.close()
    again.close()
    assert second.location != first.location
    assert words() == [("b", 1), ("c", 1)]
    assert {path: path.read_bytes() for path in files_of(first.location)} == before


def test_a_run_that_is_killed_before_any_of_its_statements_leaves_a_whole_day(
    spark, runner_of, show_lines, words, engine
):
    show_lines(DAY, "a", "b")
    fill(runner_of("words"))
    show_lines(DAY, "c", "d", "e")
    former, new = [("a", 1), ("b", 1)], [("c", 1), ("d", 1), ("e", 1)]
    seen = []
    for number in range(1, 20):
        left = number

        def kill(statement, number=number):
            nonlocal left
            left -= 1
            if left <= 0:
                raise Killed(f"before statement {number}: {statement}")

        engine.before = kill
        runner = runner_of("words", run_id=f"killed-{number}")
        try:
            runner.ensure_table()
            runner.fill_day(DAY)
        except Killed:
            pass
        else:
            break
        finally:
            engine.before = lambda _: None
        seen.append(words())
        assert seen[-1] in (former, new), number
        # The next number starts from the former rows again.
        if seen[-1] == new:
            break
    # DESCRIBE, CREATE, INSERT, COUNT, SHOW PARTITIONS and SET LOCATION come before it is shown.
    assert seen[:6] == [former] * 6
    assert seen[6] == new
    assert writers(spark)  # nobody was left to drop them
    assert fill(runner_of("words")).rows == 3
    assert words() == new


def test_a_partition_that_another_run_adds_in_between_is_pointed_to_the_new_rows(
    spark, runner_of, show_lines, words, engine
):
    show_lines(DAY, "a")

    def add_first(statement):
        if statement.startswith("ALTER TABLE words ADD PARTITION"):
            engine.before = lambda _: None
            spark.sql(f"ALTER TABLE words ADD PARTITION (dt = '{DAY}') LOCATION '/nowhere'")

    engine.before = add_first
    assert fill(runner_of("words")).rows == 1
    assert words() == [("a", 1)]


def test_an_insert_that_fails_half_way_leaves_the_former_rows(spark, runner_of, show_lines, words):
    show_lines(DAY, "a")
    fill(runner_of("words"))
    bad = WORDS.replace("length(col)", "IF(col = 'z', raise_error('half way'), length(col))")
    show_lines(DAY, *[f"line {number}" for number in range(1000)], "z")
    with pytest.raises(SparkError, match=r"words \(sql/dwd/words.sql\): .*half way"):
        fill(runner_of("words", files={"dwd/words.sql": bad}))
    assert words() == [("a", 1)]
    assert writers(spark) == []


def test_a_day_that_failed_is_filled_by_the_same_runner(runner_of, show_lines, words, engine):
    show_lines(DAY, "a")
    broken = iter([SparkError("the disk is full"), None])

    def refuse(statement):
        error = next(broken, None) if statement.lstrip().startswith("INSERT") else None
        if error:
            raise error

    engine.after = refuse
    with runner_of("words") as runner:
        runner.ensure_table()
        with pytest.raises(SparkError, match="the disk is full"):
            runner.fill_day(DAY)
        assert runner.fill_day(DAY).rows == 1
    assert words() == [("a", 1)]


def test_an_insert_whose_answer_is_lost_is_run_again_in_another_directory(
    runner_of, show_lines, words, engine, scratch
):
    show_lines(DAY, "a", "b")
    lost = iter([SparkUnavailableError("the connection was lost", where="Spark")])

    def lose(statement):
        error = next(lost, None) if statement.lstrip().startswith("INSERT") else None
        if error:
            raise error

    engine.after = lose
    day = fill(runner_of("words"))
    assert day.rows == 2
    assert words() == [("a", 1), ("b", 1)]
    written = sorted(scratch.storage.glob("words/run=*/dt=*"))
    assert len(written) == 2
    assert written[1] == Path(day.location.removeprefix("file://"))


def test_whoever_reads_the_former_rows_reads_them_to_the_end(spark, runner_of, show_lines):
    show_lines(DAY, *[f"former {number}" for number in range(20_000)])
    # Several files, so that most are opened after the day has changed.
    many = WORDS.replace("SELECT col", "SELECT /*+ REPARTITION(8) */ col")
    runner = runner_of("words", files={"dwd/words.sql": many})
    assert len(files_of(fill(runner).location)) == 8
    rows = spark.sql(f"SELECT word FROM words WHERE dt = '{DAY}'").toLocalIterator()
    read = [next(rows)[0]]
    show_lines(DAY, "new")
    fill(runner_of("words"))
    read += [row[0] for row in rows]
    assert sorted(read) == sorted(f"former {number}" for number in range(20_000))
    assert spark.sql("SELECT word FROM words").collect() == [("new",)]


def test_two_runs_that_fill_one_day_at_once_leave_the_rows_of_one(
    spark, runner_of, show_lines, words
):
    show_lines(DAY, "a", "b")
    runners = [runner_of("words", run_id=f"run-{number}") for number in range(2)]
    runners[0].ensure_table()
    days: list[Any] = []
    errors: list[BaseException] = []

    def work(runner):
        try:
            days.extend(runner.fill_day(DAY) for _ in range(3))
        except BaseException as error:  # noqa: BLE001 - shown below
            errors.append(error)

    threads = [threading.Thread(target=work, args=(runner,)) for runner in runners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for runner in runners:
        runner.close()
    assert errors == []
    assert len({day.location for day in days}) == 6
    assert words() == [("a", 1), ("b", 1)]
    assert writers(spark) == []


# A table whose file has changed


def test_columns_that_the_file_appended_are_added_and_older_days_have_null(
    spark, runner_of, show_lines
):
    show_lines(DAY, "a")
    show_lines(NEXT, "bc")
    fill(runner_of("words"))
    grown = WORDS.replace(
        "size INT,", "size INT, initial STRING COMMENT 'it\\'s first', cost DECIMAL(10, 2),"
    ).replace("AS word FROM", "AS word, left(col, 1), 1.5 FROM")
    with runner_of("words", files={"dwd/words.sql": grown}) as runner:
        (told,) = runner.ensure_table()
        assert told == (
            "added initial, cost; days that were filled before have NULL there until they are rerun"
        )
        runner.fill_day(NEXT)
        assert runner.ensure_table() == ()
    rows = spark.sql("SELECT word, initial, CAST(cost AS STRING), dt FROM words ORDER BY dt")
    assert [tuple(row) for row in rows.collect()] == [
        ("a", None, None, DAY),
        ("bc", "b", "1.50", NEXT),
    ]
    field = spark.table("words").schema["initial"]
    assert field.metadata["comment"] == "it's first"


def test_two_runs_that_add_a_column_at_once_both_go_on(runner_of, show_lines, engine):
    show_lines(DAY, "a")
    fill(runner_of("words"))
    grown = {
        "dwd/words.sql": WORDS.replace("size INT,", "size INT, initial STRING,").replace(
            "AS word FROM", "AS word, left(col, 1) FROM"
        )
    }
    other = runner_of("words", files=grown)
    fired: list[str] = []

    def overtake(statement):
        if "ADD COLUMNS" in statement and not fired:
            fired.append(statement)
            other.ensure_table()

    engine.before = overtake
    runner_of("words", files=grown).ensure_table()
    assert fired


@pytest.mark.parametrize(
    ("old", "new", "outputs"),
    [
        ("size INT", "first STRING, size INT", "col, col, 1"),
        ("size INT", "size BIGINT", "col, 1"),
        (", size INT", "", "col"),
    ],
    ids=["between", "another type", "one less"],
)
def test_other_changes_of_columns_are_refused(runner_of, show_lines, old, new, outputs):
    show_lines(DAY, "a")
    fill(runner_of("words"))
    changed = WORDS.replace(old, new).replace("col AS size, length(col) AS word", outputs)
    with pytest.raises(SparkError, match="columns: Spark has word string, size int, dt string"):
        runner_of("words", files={"dwd/words.sql": changed}).ensure_table()


def test_a_view_in_the_place_of_a_table_is_refused(spark, runner_of):
    spark.sql("CREATE VIEW words AS SELECT 1 AS word")
    with pytest.raises(SparkError, match="kind: Spark has a view, the file says a table") as caught:
        runner_of("words").ensure_table()
    assert 'userprofile query "DROP VIEW words"' in str(caught.value)
    spark.sql("DROP VIEW words")
