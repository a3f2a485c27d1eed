"""Publishing a day all or nothing: counting, replacing, rolling back, dying at each point."""

from __future__ import annotations

import hashlib
import itertools
import json
import resource
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from userprofile_assets.errors import (
    LockTimeoutError,
    NotPublishedError,
    StorageError,
    StorageFullError,
    StorageUnavailableError,
)
from userprofile_assets.ingestion.local_store import LocalStore, LocalUpload
from userprofile_assets.ingestion.publish import Publisher, Sink, Target
from userprofile_assets.ingestion.store import get
from userprofile_assets_tests.support.killing import children, each_kill_point, exit_code

if TYPE_CHECKING:
    from userprofile_assets.ingestion.manifest import Manifest

DIRECTORY = "ods/log_20240807"
KEY = f"{DIRECTORY}/log.txt"
OTHER_KEY = "ods/log_20240808/log.txt"
A, B, C = b"a\n", b"b\nb\n", b"c\nc\nc" * 50_000
LIKE_B = b"d\nd\n"  # as long as B, so that only its digest tells them apart
NEW = {"first": C, "changed": C, "same size": LIKE_B, "unchanged": B, "copied": C}


def make_publisher(home, *, wrap=lambda store: store, **more):
    store = wrap(LocalStore((home / "storage").as_uri()))
    return Publisher(store=store, locks=home / "locks", **more)


@pytest.fixture
def publisher(tmp_path):
    return make_publisher(tmp_path)


def target(key=KEY, run_id="run"):
    return Target(asset="ods_raw_log_d", key=key, bizdate=key.split("_")[1][:8], run_id=run_id)


def publish(publisher, data, *, key=KEY, run_id="run"):
    def write(sink):
        for start in range(0, len(data), 100_000):
            sink.write(data[start : start + 100_000])
        return {"kind": "test", "bytes": len(data)}

    return publisher.publish(target(key, run_id), write)


def files(home):
    root = home / "storage"
    return sorted(str(p.relative_to(root)) for p in root.rglob("*") if p.is_file())


# counting


@pytest.mark.parametrize(
    ("data", "rows"),
    [(b"", 0), (b"a", 1), (b"a\n", 1), (b"\n\n", 2), (b"a\nb", 2), (b"a\r\nb\rc\n", 2)],
    ids=repr,
)
def test_rows_are_line_feeds_and_an_open_last_line(data, rows):
    sink = Sink(lambda _: None)
    sink.write(data)
    assert (sink.rows, sink.bytes) == (rows, len(data))
    assert sink.sha256 == hashlib.sha256(data).hexdigest()


@given(st.lists(st.text("ab\n", max_size=4).map(str.encode)))
def test_borders_between_chunks_do_not_matter(chunks):
    written: list[bytes] = []
    sink, whole = Sink(written.append), Sink(lambda _: None)
    for chunk in chunks:
        sink.write(chunk)
    whole.write(b"".join(chunks))
    assert b"".join(written) == b"".join(chunks)
    assert (sink.rows, sink.bytes, sink.sha256) == (whole.rows, whole.bytes, whole.sha256)


# publishing


def test_a_day_is_published_with_its_manifest(publisher, tmp_path):
    manifest = publish(publisher, B)
    assert (tmp_path / "storage" / KEY).read_bytes() == B
    lying = json.loads((tmp_path / "storage" / DIRECTORY / "_manifest.json").read_text())
    assert lying["rows"] == 2
    assert lying["bytes"] == 4
    assert lying["sha256"] == hashlib.sha256(B).hexdigest()
    assert lying["source"] == {"kind": "test", "bytes": 4}
    assert (lying["asset"], lying["bizdate"]) == ("ods_raw_log_d", "20240807")
    assert (lying["run_id"], lying["copied_from"]) == ("run", None)
    assert lying["taken_at"] <= lying["published_at"]
    assert publisher.read_manifest(KEY) == manifest
    assert publisher.verify(KEY) == manifest
    assert files(tmp_path) == [f"{DIRECTORY}/_manifest.json", KEY]


def test_an_empty_source_is_an_empty_object_with_no_rows(publisher):
    manifest = publish(publisher, b"")
    assert (manifest.rows, manifest.bytes) == (0, 0)
    assert get(publisher.store, KEY) == b""
    assert publisher.verify(KEY) == manifest


def test_a_rerun_with_other_bytes_keeps_the_former_ones_once(publisher, tmp_path):
    publish(publisher, A)
    publish(publisher, B)
    publish(publisher, C)
    root = tmp_path / "storage" / DIRECTORY
    assert (root / "log.txt").read_bytes() == C
    assert (root / "_previous/log.txt").read_bytes() == B
    assert files(tmp_path) == [
        f"{DIRECTORY}/_manifest.json",
        f"{DIRECTORY}/_previous/_manifest.json",
        f"{DIRECTORY}/_previous/log.txt",
        KEY,
    ]
    assert not (root / "_former").exists()


def test_a_rerun_with_the_same_bytes_copies_nothing(publisher, tmp_path, monkeypatch):
    publish(publisher, A)
    publish(publisher, B)
    monkeypatch.delattr(LocalStore, "copy")
    again = publish(publisher, B, run_id="run-2")
    assert (tmp_path / "storage" / DIRECTORY / "_previous/log.txt").read_bytes() == A
    assert publisher.verify(KEY) == again
    assert again.run_id == "run-2"


def test_every_byte_is_staged_before_anything_else_is_written(publisher, monkeypatch):
    publish(publisher, A)
    written = []
    stage, commit = LocalUpload.stage, LocalUpload.commit

    def note_stage(self):
        written.append(("stage", self._path.name))
        stage(self)

    def note_commit(self):
        written.append(("commit", f"{self._path.parent.name}/{self._path.name}"))
        commit(self)

    monkeypatch.setattr(LocalUpload, "stage", note_stage)
    monkeypatch.setattr(LocalUpload, "commit", note_commit)
    publish(publisher, B)
    assert written[0] == ("stage", "log.txt")
    assert [name for step, name in written if step == "commit"] == [
        "_former/_manifest.pending.json",
        "_former/log.txt",
        "_former/_manifest.json",
        "log_20240807/_manifest.pending.json",
        "log_20240807/log.txt",
        "log_20240807/_manifest.json",
        "_previous/_manifest.pending.json",
        "_previous/log.txt",
        "_previous/_manifest.json",
    ]


@pytest.mark.parametrize("error", [ZeroDivisionError, StorageUnavailableError, KeyboardInterrupt])
def test_a_source_that_breaks_off_changes_nothing(publisher, tmp_path, error):
    publish(publisher, A)
    first = publish(publisher, B)
    before = files(tmp_path)

    def write(sink):
        sink.write(C)
        raise error("broken")

    with pytest.raises(error):
        publisher.publish(target(), write)
    assert publisher.verify(KEY) == first
    assert get(publisher.store, KEY) == B
    assert files(tmp_path) == before


def test_facts_that_are_no_json_change_nothing(publisher, tmp_path):
    first = publish(publisher, A)

    def write(sink):
        sink.write(B)
        return {"kind": object()}

    with pytest.raises(TypeError):
        publisher.publish(target(), write)
    assert publisher.verify(KEY) == first
    assert get(publisher.store, KEY) == A
    assert files(tmp_path) == [f"{DIRECTORY}/_manifest.json", KEY]


@pytest.mark.parametrize("key", ["log.txt", "a/_log.txt", "a/.log"])
def test_a_key_that_spark_would_not_find_is_refused(publisher, key):
    with pytest.raises(StorageError, match="a directory of its own"):
        publisher.publish(Target(asset="a", key=key, bizdate="20240807", run_id="r"), lambda _: {})


def test_another_object_in_the_directory_is_refused_by_name(publisher, tmp_path):
    publish(publisher, A)
    (tmp_path / "storage" / DIRECTORY / ".hidden").write_text("Spark does not read it")
    publish(publisher, B)
    (tmp_path / "storage" / DIRECTORY / "log (copy).txt").write_text("Spark does")
    with pytest.raises(StorageError, match=r"also holds log \(copy\).txt"):
        publish(publisher, A)
    assert get(publisher.store, KEY) == B


def test_a_manifest_that_is_garbage_does_not_stop_the_next_run(publisher, tmp_path):
    publish(publisher, A)
    (tmp_path / "storage" / DIRECTORY / "_manifest.json").write_text("{")
    with pytest.raises(NotPublishedError, match=r"_manifest.json: .*cannot be read"):
        publisher.read_manifest(KEY)
    publish(publisher, B)
    assert publisher.verify(KEY).rows == 2


# verifying


def test_a_day_that_was_never_published_has_no_manifest(publisher):
    assert publisher.read_manifest(KEY) is None
    with pytest.raises(NotPublishedError, match="the day is not published"):
        publisher.verify(KEY)


def test_an_object_that_was_taken_away_or_changed_is_found_out(publisher, tmp_path):
    publish(publisher, B)
    path = tmp_path / "storage" / KEY
    path.write_bytes(b"changed by hand")
    with pytest.raises(NotPublishedError, match="the object has 15 bytes, its manifest says 4"):
        publisher.verify(KEY)
    path.unlink()
    with pytest.raises(NotPublishedError, match="its object is missing"):
        publisher.verify(KEY)


def test_a_day_that_is_replaced_while_it_is_verified_is_looked_at_again(publisher, monkeypatch):
    publish(publisher, A)
    head = LocalStore.head
    newer: list[Manifest] = []

    def replace_first(self, key):
        if key == KEY and not newer:
            with monkeypatch.context() as patch:
                patch.setattr(LocalStore, "head", head)
                newer.append(publish(publisher, B))
        return head(self, key)

    monkeypatch.setattr(LocalStore, "head", replace_first)
    assert publisher.verify(KEY) == newer[0]


# another day with the same bytes


def test_a_day_is_copied_to_another_day(publisher):
    done = publish(publisher, B)
    copy = publisher.republish(done, target(OTHER_KEY, "run-2"))
    assert get(publisher.store, OTHER_KEY) == B
    assert publisher.verify(OTHER_KEY) == copy
    assert (copy.bizdate, copy.copied_from, copy.run_id) == ("20240808", "20240807", "run-2")
    assert (copy.rows, copy.sha256, copy.taken_at) == (2, done.sha256, done.taken_at)
    third = publisher.republish(copy, target("ods/log_20240809/log.txt"))
    assert third.copied_from == "20240807"


def test_a_copy_over_a_day_keeps_that_day(publisher, tmp_path):
    publish(publisher, A, key=OTHER_KEY)
    publisher.republish(publish(publisher, B), target(OTHER_KEY))
    kept = tmp_path / "storage" / "ods/log_20240808/_previous/log.txt"
    assert kept.read_bytes() == A


def test_a_day_that_was_published_anew_is_not_copied_for_an_old_run(publisher):
    done = publish(publisher, A)
    publish(publisher, B)
    with pytest.raises(NotPublishedError, match="published anew"):
        publisher.republish(done, target(OTHER_KEY))
    assert publisher.read_manifest(OTHER_KEY) is None


def test_a_day_whose_bytes_were_damaged_is_not_copied(publisher, tmp_path):
    done = publish(publisher, B)
    (tmp_path / "storage" / KEY).write_bytes(LIKE_B)
    with pytest.raises(NotPublishedError, match="does not have the bytes of its manifest"):
        publisher.republish(done, target(OTHER_KEY))
    assert publisher.read_manifest(OTHER_KEY) is None


def test_a_day_is_read_back_once_for_all_its_copies(tmp_path):
    read = []

    class Counting(LocalStore):
        def read(self, key):
            read.append(key)
            return super().read(key)

    publisher = make_publisher(tmp_path, wrap=lambda store: Counting(store.uri))
    done = publish(publisher, B)
    for day in ("20240808", "20240809", "20240810"):
        publisher.republish(done, target(f"ods/log_{day}/log.txt"))
    assert read.count(KEY) == 1


def test_a_day_that_was_written_to_after_it_was_read_back_is_read_again(publisher, tmp_path):
    done = publish(publisher, B)
    publisher.republish(done, target(OTHER_KEY))
    (tmp_path / "storage" / KEY).write_bytes(LIKE_B)
    with pytest.raises(NotPublishedError, match="does not have the bytes of its manifest"):
        publisher.republish(done, target("ods/log_20240809/log.txt"))


def test_a_day_is_not_copied_onto_itself(publisher):
    with pytest.raises(StorageError, match="into its own directory"):
        publisher.republish(publish(publisher, A), target(KEY))


# rolling back


def test_a_rollback_brings_the_former_day_back_and_a_second_one_undoes_it(publisher):
    former, newer = publish(publisher, A), publish(publisher, B)
    assert publisher.rollback(KEY) == former
    assert (publisher.verify(KEY), get(publisher.store, KEY)) == (former, A)
    assert publisher.rollback(KEY) == newer
    assert (publisher.verify(KEY), get(publisher.store, KEY)) == (newer, B)


def test_a_rollback_brings_a_day_back_whose_object_was_lost(publisher, tmp_path):
    former = publish(publisher, A)
    publish(publisher, B)
    (tmp_path / "storage" / KEY).unlink()
    assert publisher.rollback(KEY) == former
    assert get(publisher.store, KEY) == A


def test_without_a_former_day_there_is_nothing_to_roll_back(publisher):
    for day in (None, A, A):
        if day is not None:
            publish(publisher, day)
        with pytest.raises(NotPublishedError, match="no former version"):
            publisher.rollback(KEY)


def test_a_kept_day_whose_bytes_were_changed_is_not_brought_back(publisher, tmp_path):
    publish(publisher, A)
    publish(publisher, B)
    (tmp_path / "storage" / DIRECTORY / "_previous/log.txt").write_bytes(b"x\n")
    with pytest.raises(NotPublishedError, match="does not have the bytes of its manifest"):
        publisher.rollback(KEY)
    assert get(publisher.store, KEY) == B


# dying at each point

SETUPS = {
    "first": [],
    "changed": [A, B],
    "same size": [A, B],
    "unchanged": [A, B],
    "copied": [A, B],
    "rolled back": [A, B],
}
"""What the day holds before, by what is then done to it."""

STATES: dict[str, set[tuple[bytes | None, bytes | None]]] = {
    "first": {(None, None), (C, None)},
    "changed": {(B, A), (C, B)},
    "same size": {(B, A), (LIKE_B, B)},
    "unchanged": {(B, A)},
    "copied": {(B, A), (C, B)},
    "rolled back": {(B, A), (A, B)},
}
"""What the day and its former version may be after a death, and both are seen."""


def act(home, what, *, wrap=lambda store: store):
    """Do one thing to the day; runs in a process of its own."""
    publisher = make_publisher(home, wrap=wrap)
    if what == "rolled back":
        publisher.rollback(KEY)
    elif what == "copied":
        done = make_publisher(home).read_manifest(OTHER_KEY)
        assert done is not None
        publisher.republish(done, target())
    else:
        publish(publisher, NEW[what])


def look(publisher):
    """Return the bytes of the day and of its former version; checks each against its manifest."""
    manifest = publisher.read_manifest(KEY)
    if manifest is None:
        assert publisher.store.head(KEY) is None
        return None
    data = get(publisher.store, KEY)
    assert hashlib.sha256(data).hexdigest() == manifest.sha256
    assert publisher.verify(KEY) == manifest
    return data


def look_both(publisher):
    day = look(publisher)
    if day is None:
        return None, None
    try:
        publisher.rollback(KEY)
    except NotPublishedError:
        return day, None
    former = look(publisher)
    publisher.rollback(KEY)
    assert look(publisher) == day
    return day, former


def prepared(home, what):
    """Make a new home that holds what `what` is done to."""
    publisher = make_publisher(home)
    for data in SETUPS[what]:
        publish(publisher, data)
    if what == "copied":
        publish(publisher, C, key=OTHER_KEY)
    return home, what


def leftovers(home):
    marks = ("_tmp.", "pending", "_former")
    return [name for name in files(home) if any(mark in name for mark in marks)]


@pytest.mark.parametrize("what", list(SETUPS))
def test_after_a_kill_at_each_point_the_day_is_the_former_or_the_new_one(memory_path, what):
    numbers = itertools.count()
    seen = set()
    for home, _ in each_kill_point(act, lambda: prepared(memory_path / f"{next(numbers)}", what)):
        seen.add(look_both(make_publisher(home)))
        if what != "rolled back":
            act(home, what)
            assert look(make_publisher(home)) == NEW[what]
            assert leftovers(home) == []
    assert seen == STATES[what]


def test_a_rerun_alone_repairs_what_a_kill_left(memory_path):
    numbers = itertools.count()
    for home, _ in each_kill_point(
        act, lambda: prepared(memory_path / f"{next(numbers)}", "changed")
    ):
        act(home, "changed")
        assert leftovers(home) == []
        assert look_both(make_publisher(home)) == (C, B)


def test_a_rerun_can_be_killed_too(memory_path):
    numbers = itertools.count()

    def fresh():
        return memory_path / f"{next(numbers)}"

    for dead, what in each_kill_point(act, lambda: prepared(fresh(), "changed"), step=5):

        def prepare(dead=dead, what=what):
            return Path(shutil.copytree(dead, fresh())), what

        for home, _ in each_kill_point(act, prepare, step=7):
            assert look_both(make_publisher(home)) in STATES["changed"]


# two publishers at once


def hold_the_day(home, inside, other_waits):
    publisher = make_publisher(home)

    def write(sink):
        sink.write(A)
        inside.set()
        assert other_waits.wait(60)
        return {}

    publisher.publish(target(run_id="first"), write)


def wait_for_the_day(home, other_waits):
    publisher = make_publisher(home, log=lambda _: other_waits.set())
    publish(publisher, B, run_id="second")


def test_two_publishers_of_one_day_succeed_one_after_the_other(publisher, tmp_path):
    inside, other_waits = children().Event(), children().Event()
    first = children().Process(target=hold_the_day, args=(tmp_path, inside, other_waits))
    first.start()
    assert inside.wait(60)
    second = children().Process(target=wait_for_the_day, args=(tmp_path, other_waits))
    second.start()
    for process in (first, second):
        process.join()
        assert process.exitcode == 0
    assert publisher.verify(KEY).run_id == "second"
    assert look_both(publisher) == (B, A)


def test_a_day_that_is_being_published_can_be_read_and_names_its_holder(tmp_path):
    publisher = make_publisher(tmp_path, lock_timeout=0)
    former = publish(publisher, A)

    def write(sink):
        sink.write(B)
        assert publisher.read_manifest(KEY) == former
        assert publisher.verify(KEY) == former
        with pytest.raises(LockTimeoutError, match=f"publish file://.*{DIRECTORY}"):
            publish(publisher, C)
        return {}

    publisher.publish(target(), write)
    assert look_both(publisher) == (B, A)


# disks that are full or refuse


def fill(home, limit):
    """Publish more than the process may write; runs in a process of its own."""
    publisher = make_publisher(home)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    with pytest.raises(StorageFullError, match="the former object is unchanged"):
        publish(publisher, C)


@pytest.mark.parametrize("limit", [100, 8192, 200_000], ids=str)
def test_a_full_disk_leaves_the_former_day_and_nothing_else(publisher, tmp_path, limit):
    publish(publisher, A)
    before = publish(publisher, B)
    names = files(tmp_path)
    assert exit_code(fill, tmp_path, limit) == 0
    assert files(tmp_path) == names
    assert publisher.verify(KEY) == before
    assert look_both(publisher) == (B, A)


def test_a_full_disk_while_the_former_day_is_kept_changes_nothing(publisher, tmp_path):
    # The new day fits; the copy of the former one does not.
    before = publish(publisher, C * 2)
    assert exit_code(fill, tmp_path, len(C) + 1000) == 0
    assert publisher.verify(KEY) == before
    assert files(tmp_path) == [f"{DIRECTORY}/_manifest.json", KEY]


def test_a_storage_that_cannot_be_written_is_refused_with_what_to_do(tmp_path):
    (tmp_path / "storage").write_text("a file where the directory should be")
    with pytest.raises(StorageError, match="USERPROFILE_STORAGE_URI"):
        publish(make_publisher(tmp_path), A)


@pytest.mark.parametrize("bad", ["commit", "copy", "delete"])
def test_a_store_that_fails_in_the_middle_leaves_a_day_that_agrees(tmp_path, monkeypatch, bad):
    publisher = make_publisher(tmp_path)
    publish(publisher, A)
    publish(publisher, B)
    calls = itertools.count(1)
    owner = LocalUpload if bad == "commit" else LocalStore
    whole = getattr(owner, bad)

    for nth in range(1, 8):
        calls = itertools.count(1)

        def break_off(self, *args, nth=nth, calls=calls):
            if next(calls) == nth:
                raise StorageUnavailableError("connection lost")
            return whole(self, *args)

        with monkeypatch.context() as patch:
            patch.setattr(owner, bad, break_off)
            try:
                publish(publisher, C)
            except StorageUnavailableError:
                assert leftovers(tmp_path) == []
            else:
                assert nth > 1
        assert look_both(publisher) in {(B, A), (C, B)}
        publish(publisher, A)
        publish(publisher, B)
