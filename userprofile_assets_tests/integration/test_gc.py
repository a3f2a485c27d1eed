"""`userprofile gc` on real tables: what is removed, and what never is."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from userprofile_assets.cli import gc
from userprofile_assets.cli.gc import report
from userprofile_assets.cli.gc_table import Keeping, TableCollector
from userprofile_assets.ingestion.open_store import open_store
from userprofile_assets.ingestion.store import put
from userprofile_assets.warehouse.classic import ClassicEngine
from userprofile_assets.warehouse.executor import Executor
from userprofile_assets.warehouse.run_directories import Attempt
from userprofile_assets_tests.support.spark_tables import WORDS, Killed, Scratch, Watched

DAY, NEXT = "20240807", "20240808"
LATER = timedelta(hours=25)


@pytest.fixture
def scratch(tmp_path):
    return Scratch(tmp_path / "it's 100% # a ? 用户")


@pytest.fixture
def engine(spark):
    return Watched(ClassicEngine(spark))


@pytest.fixture
def runner_of(scratch, engine):
    return partial(scratch.runner, engine)


@pytest.fixture
def fill(scratch, runner_of):
    """Fill days of `words` in one run, each with one line of its own."""

    def run(line, *bizdates, files=None, run_id="run"):
        with runner_of("lines") as lines, runner_of("words", files=files, run_id=run_id) as runner:
            lines.ensure_table()
            runner.ensure_table()
            days = []
            for bizdate in bizdates or (DAY,):
                scratch.write_lines(bizdate, line)
                lines.add_days([bizdate])
                days.append(runner.fill_day(bizdate))
            return days[0].location

    return run


@pytest.fixture
def collect(scratch, engine):
    """Collect as if `later` had passed."""

    def run(keep=3, *, later=LATER, dry_run=False, unshown=False):
        since = datetime.now(UTC) + later - timedelta(hours=24)
        keeping = Keeping(keep, since, unshown=not unshown)
        scratch.storage.mkdir(parents=True, exist_ok=True)
        collector = TableCollector(
            Executor(engine, lambda _: None),
            open_store(scratch.storage.as_uri()),
            scratch.warehouse().table("words"),
            spark_uri=scratch.variables["spark_uri"],
            keeping=keeping,
        )
        return collector.collect(dry_run=dry_run)

    return run


@pytest.fixture
def words(spark):
    def read(bizdate=DAY):
        return [
            row[0] for row in spark.sql(f"SELECT word FROM words WHERE dt = '{bizdate}'").collect()
        ]

    return read


def path_of(location):
    return Path(location.removeprefix("file://"))


def kill(engine, start, run):
    """Run until a statement that begins so is done, then end without any clean-up."""

    def dead(_):
        raise Killed

    def after(statement):
        if statement.lstrip().startswith(start):
            engine.before = dead
            raise Killed

    engine.after = after
    with pytest.raises(Killed):
        run()
    engine.before = engine.after = lambda _: None


def test_the_newest_directories_of_a_day_stay_and_older_ones_go(fill, collect, words):
    places = [path_of(fill(f"v{number}")) for number in range(5)]
    found = collect(keep=3)
    assert [place.exists() for place in places] == [False, False, True, True, True]
    assert sorted(item.path for item in found.removed if "dt=" in item.path) == sorted(
        f"{place.parent.name}/dt={DAY}" for place in places[:2]
    )
    assert found.bytes > 500
    assert not places[0].parent.exists()  # the run's own directory went with its last day
    assert words() == ["v4"]
    assert collect(keep=3).removed == []


def test_a_dry_run_says_the_same_and_removes_nothing(fill, collect, words):
    places = [path_of(fill(f"v{number}")) for number in range(3)]
    before = {path: path.stat().st_size for path in places[0].parents[1].rglob("*")}
    said = report(collect(keep=1, dry_run=True), dry_run=True)
    assert {path: path.stat().st_size for path in places[0].parents[1].rglob("*")} == before
    done = report(collect(keep=1), dry_run=False)
    assert [line.replace("would remove", "removed") for line in said] == done
    assert f"words: removed {places[0].parent.name}/dt={DAY} (replaced; " in "\n".join(done)
    assert words() == ["v2"]


def test_what_a_table_shows_stays_though_it_is_not_the_newest(spark, fill, collect, words):
    first, second = fill("v1"), fill("v2")
    spark.sql(f"ALTER TABLE words PARTITION (dt = '{DAY}') SET LOCATION \"{first}\"")
    (removed,) = [item for item in collect(keep=1).removed if "dt=" in item.path]
    assert (removed.path, removed.reason) == (
        f"{path_of(second).parent.name}/dt={DAY}",
        "never shown",
    )
    assert words() == ["v1"]


def test_the_days_of_one_run_are_judged_one_by_one(fill, collect, words):
    both = path_of(fill("v1", DAY, NEXT))
    fill("v2", DAY)
    collect(keep=1)
    assert not both.exists()
    assert both.with_name(f"dt={NEXT}").exists()
    assert (words(DAY), words(NEXT)) == (["v2"], ["v1"])


def test_an_empty_day_that_is_shown_stays_empty(scratch, fill, collect, words):
    former = [path_of(fill("v1")), path_of(fill("v2"))]
    fill("v3", files={"dwd/words.sql": WORDS.replace("WHERE", "WHERE col = 'none' AND")})
    assert words() == []
    collect(keep=1)
    assert [place.exists() for place in former] == [False, False]
    assert words() == []


@pytest.mark.parametrize(
    "start",
    ["CREATE TABLE IF NOT EXISTS words__", "INSERT", "SHOW PARTITIONS words"],
    ids=["before it writes", "written", "counted"],
)
def test_what_a_killed_run_left_goes_and_its_table_is_dropped(engine, fill, collect, words, start):
    shown = path_of(fill("v1"))
    kill(engine, start, lambda: fill("v2", run_id="killed"))
    left = [row[1] for row in engine.execute("SHOW TABLES LIKE 'words__*'")]
    assert len(left) == 1
    assert collect(later=timedelta(0)).removed == []  # it may still be running
    found = collect()
    assert found.dropped == left
    assert engine.execute("SHOW TABLES LIKE 'words__*'") == []
    assert list(shown.parents[1].glob("run=killed.*/*")) == []
    assert shown.exists()
    assert words() == ["v1"]


def test_a_half_written_day_goes_and_the_runs_other_days_stay(fill, collect, words, scratch):
    shown = path_of(fill("v1", DAY))
    half = shown.parent / "_temporary/0/task_1/dt=20240808/part-0.parquet"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"half")
    (removed,) = collect().removed
    assert (removed.path, removed.reason, removed.bytes) == (
        shown.parent.name,
        "left by a run that was killed",
        4,
    )
    assert not half.exists()
    assert (shown.parent / "_SUCCESS").exists()
    assert words() == ["v1"]


def test_what_a_killed_lookup_left_goes_and_so_do_empty_directories(fill, collect, words):
    shown = path_of(fill("v1"))
    old = datetime.now(UTC) - timedelta(days=2)
    killed = shown.parents[1] / f"run=killed.{old:%Y%m%dT%H%M%S%f}Z"
    half = killed / f"dt={DAY}/_tmp.0123456789abcdef"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"half")
    empty = shown.parents[1] / f"run=empty.{old:%Y%m%dT%H%M%S%f}Z"
    (empty / f"dt={NEXT}").mkdir(parents=True)
    assert collect(later=timedelta(0)).removed == []  # it may still be running
    assert [(item.path, item.reason, item.bytes) for item in collect().removed] == [
        (empty.name, "left by a run that was killed", 0),
        (killed.name, "left by a run that was killed", 4),
    ]
    assert not killed.exists()
    assert not empty.exists()
    assert words() == ["v1"]


def test_a_run_whose_days_are_all_replaced_leaves_no_empty_directory(fill, collect):
    place = path_of(fill("v1"))
    (place.parent / "_SUCCESS").unlink()  # as a lookup, which makes none
    (place.parent / "._SUCCESS.crc").unlink()
    fill("v2")
    collect(keep=1)
    assert not place.parent.exists()


def test_a_day_that_was_pointed_to_former_rows_lately_keeps_the_newer_ones_for_a_while(
    spark, fill, collect, words
):
    first, second = fill("v1"), fill("v2")
    moment = datetime.now(UTC)
    spark.sql(f"ALTER TABLE words PARTITION (dt = '{DAY}') SET LOCATION \"{first}\"")
    since_then = timedelta(hours=24) - (datetime.now(UTC) - moment)
    assert collect(keep=1, later=since_then).removed == []
    assert path_of(second).exists()
    assert {item.reason for item in collect(keep=1).removed} >= {"never shown"}
    assert words() == ["v1"]


def test_days_that_a_new_catalogue_does_not_show_stay_until_they_are_given_up(
    spark, fill, collect, words
):
    place = path_of(fill("v1", DAY, NEXT))
    fill("v2", NEXT)
    for bizdate in (DAY, NEXT):
        spark.sql(f"ALTER TABLE words DROP PARTITION (dt = '{bizdate}')")
    found = collect()
    assert found.removed == []
    assert report(found, dry_run=False) == [
        "words: 2 days have rows but no partition in this catalogue (20240807 to 20240808), so "
        "left alone; materialize them again, or `userprofile gc --unshown` removes them"
    ]
    fill("v3", NEXT)
    found = collect(keep=1)
    days = {item.path.rpartition("dt=")[2] for item in found.removed if "dt=" in item.path}
    assert days == {NEXT}
    assert "words: 1 day has rows but no partition in this catalogue (20240807), so " in (
        "\n".join(report(found, dry_run=False))
    )
    assert place.exists()
    assert {item.reason for item in collect(unshown=True).removed} == {
        "not shown in this catalogue",
        "no day is left in it",
    }
    assert not place.parent.exists()
    assert words(NEXT) == ["v3"]


def test_a_run_that_is_writing_loses_nothing(engine, fill, collect, words):
    fill("v1")
    collected = []

    def while_it_writes(statement):
        if statement.lstrip().startswith(("CREATE TABLE IF NOT EXISTS words__", "INSERT")):
            collected.append(collect(keep=1, later=timedelta(0)))

    engine.after = while_it_writes
    fill("v2", run_id="writing")
    engine.after = lambda _: None
    assert len(collected) == 2
    assert [(found.removed, found.dropped) for found in collected] == [([], []), ([], [])]
    assert words() == ["v2"]


def test_a_long_run_that_still_writes_other_days_loses_none(engine, fill, collect, words):
    place = path_of(fill("v1", DAY, run_id="long"))
    fill("v2", DAY)
    # It began two days ago and wrote a file of another day just now.
    old = datetime.now(UTC) - timedelta(days=2)
    stamp = f"run=long.{old:%Y%m%dT%H%M%S%f}Z"
    moved = place.parent.rename(place.parent.with_name(stamp))
    for path in moved.rglob("*"):
        os.utime(path, (old.timestamp(), old.timestamp()))
    (moved / "_temporary/0").mkdir(parents=True)
    (moved / "_temporary/0/part-0.parquet").write_bytes(b"now")
    assert collect(keep=1, later=timedelta(0)).removed == []
    assert collect(keep=1).removed != []
    assert words() == ["v2"]


def test_whoever_reads_the_former_rows_when_gc_comes_reads_them_to_the_end(
    spark, fill, collect, scratch, runner_of
):
    lines = [f"former {number}" for number in range(20_000)]
    many = {"dwd/words.sql": WORDS.replace("SELECT col", "SELECT /*+ REPARTITION(8) */ col")}
    former = path_of(fill("\n".join(lines), files=many))
    rows = spark.sql(f"SELECT word FROM words WHERE dt = '{DAY}'").toLocalIterator()
    read = [next(rows)[0]]
    fill("new")
    assert collect(keep=1, later=timedelta(0)).removed == []
    read += [row[0] for row in rows]
    assert sorted(read) == sorted(lines)
    collect(keep=1)
    assert not former.exists()


def test_a_table_that_is_not_in_the_catalogue_is_left_alone(spark, fill, collect):
    place = path_of(fill("v1"))
    spark.sql("DROP TABLE words")
    found = collect()
    assert (found.removed, found.told) == ([], ["not in Spark's catalogue, so left alone"])
    assert place.exists()


def test_a_day_that_points_elsewhere_is_left_alone(spark, fill, collect, tmp_path):
    places = [path_of(fill("v1")), path_of(fill("v2"))]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    spark.sql(f"ALTER TABLE words PARTITION (dt = '{DAY}') SET LOCATION '{elsewhere.as_uri()}'")
    found = collect(keep=1)
    assert found.removed == []
    assert "points to" in found.told[0]
    assert all(place.exists() for place in places)


class Catalogue:
    """Answers what `gc` asks of Spark, without Spark."""

    def __init__(self, shown):
        self.shown = shown

    def table_exists(self, table):
        return table == "words"

    def run(self, statement, *, where):
        if statement.startswith("SHOW TABLES"):
            return []
        if statement.startswith("SHOW PARTITIONS"):
            return [(f"dt={DAY}",)]
        assert statement == f"DESCRIBE EXTENDED words PARTITION (dt = '{DAY}') AS JSON"
        return [(json.dumps({"location": self.shown}),)]


def test_the_same_on_an_s3_server_where_directories_are_marked(s3_server, scratch):
    store = open_store(s3_server.uri, s3_server.options)
    spark_uri = s3_server.uri.replace("s3://", "s3a://")
    scratch.variables["spark_uri"] = spark_uri
    table = scratch.warehouse().table("words")
    attempts = [Attempt.begin(f"run-{number}") for number in range(3)]
    for attempt in attempts:
        put(store, f"words/{attempt.name}/dt={DAY}/part-0.parquet", b"12345")
        put(store, f"words/{attempt.name}/_SUCCESS", b"")
        for marker in ("", f"dt={DAY}/"):
            key = f"warehouse/words/{attempt.name}/{marker}"
            s3_server.client().put_object(Bucket=s3_server.bucket, Key=key, Body=b"")
    catalogue: Any = Catalogue(attempts[2].day(f"{spark_uri}/words", DAY))

    def collect(later):
        keeping = Keeping(2, datetime.now(UTC) + later - timedelta(hours=24))
        collector = TableCollector(catalogue, store, table, spark_uri=spark_uri, keeping=keeping)
        return collector.collect(dry_run=False)

    assert collect(timedelta(0)).removed == []
    assert collect(LATER).bytes == 5
    left = s3_server.keys()
    assert {key.split("/")[2] for key in left} == {attempt.name for attempt in attempts[1:]}


def test_files_that_no_run_wrote_are_left_alone(fill, collect, scratch):
    fill("v1")
    foreign = [scratch.storage / "words/run=mine/x", scratch.storage / "words/notes.txt"]
    for path in foreign:
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    collect(keep=1)
    assert all(path.exists() for path in foreign)


def test_the_command_prints_what_it_removed_and_takes_keep_runs_from_the_settings(
    monkeypatch, settings, scratch, fill, capsys
):
    places = [path_of(fill(f"v{number}")) for number in range(3)]
    changed = settings.model_copy(
        update={"storage_uri": scratch.storage.as_uri(), "keep_runs": 2, "home": scratch.root}
    )
    monkeypatch.setattr(gc, "load_warehouse", lambda _: scratch.warehouse())
    gc.run_gc(changed, keep=None, older_than=24, dry_run=False)
    assert capsys.readouterr().out == (
        "words: nothing to remove\n"
        "meanings: not in Spark's catalogue, so left alone\n"
        "0 B removed in all\n"
    )
    # As if an hour had passed: the catalogue knows whole seconds, and this one may not be over.
    gc.run_gc(changed, keep=None, older_than=-1, dry_run=True)
    said = capsys.readouterr().out
    assert f"words: would remove {places[0].parent.name}/dt={DAY} (replaced; " in said
    assert all(place.exists() for place in places)
    gc.run_gc(changed, keep=1, older_than=-1, dry_run=False)
    assert [place.exists() for place in places] == [False, False, True]
