"""The directory adapter: atomic replacement, paths, full and unwritable disks."""

from __future__ import annotations

import os
import resource
from datetime import UTC, datetime
from pathlib import Path

import pytest

from userprofile_assets.errors import (
    NotPublishedError,
    PermanentError,
    StorageError,
    StorageFullError,
)
from userprofile_assets.ingestion.local_store import LocalStore
from userprofile_assets.ingestion.open_store import open_store
from userprofile_assets.ingestion.store import READ_BYTES, get, put
from userprofile_assets_tests.support.killing import exit_code

KEY = "ods/log_20240807/log.txt"


@pytest.fixture
def root(tmp_path):
    return tmp_path / "storage"


@pytest.fixture
def store(root):
    return LocalStore(root.as_uri())


def files(root):
    return sorted(str(p.relative_to(root)) for p in root.rglob("*") if p.is_file())


@pytest.mark.parametrize("size", [0, 1, READ_BYTES, READ_BYTES + 1], ids=str)
def test_what_is_written_is_read_back_in_chunks_of_a_mebibyte(store, size):
    data = os.urandom(size)
    put(store, KEY, data)
    chunks = list(store.read(KEY))
    assert b"".join(chunks) == data
    assert all(0 < len(chunk) <= READ_BYTES for chunk in chunks)


def test_an_object_is_described(store):
    before = datetime.now(UTC).replace(microsecond=0)
    put(store, KEY, b"abc")
    info = store.head(KEY)
    assert (info.key, info.size, info.etag) == (KEY, 3, None)
    assert info.modified >= before
    assert store.head("ods/absent") is None
    assert store.head("ods") is None


def test_an_object_appears_whole_at_the_commit(store, root):
    put(store, KEY, b"former")
    with store.upload(KEY) as upload:
        upload.write(b"new" * 1000)
        upload.stage()
        assert get(store, KEY) == b"former"
        assert [info.key for info in store.list("")] == [KEY]
        upload.commit()
        assert get(store, KEY) == b"new" * 1000
    assert files(root) == [KEY]


def test_who_has_a_former_object_open_reads_it_to_its_end(store):
    put(store, KEY, b"1" * READ_BYTES + b"2" * READ_BYTES)
    chunks = store.read(KEY)
    assert next(chunks) == b"1" * READ_BYTES
    put(store, KEY, b"new")
    assert b"".join(chunks) == b"2" * READ_BYTES


def test_leaving_without_commit_leaves_nothing(store, root):
    with store.upload(KEY) as upload:
        upload.write(b"x")
        upload.stage()
    assert files(root) == []


def test_an_exception_leaves_the_former_object_and_no_temporary_file(store, root):
    put(store, KEY, b"former")
    with pytest.raises(ZeroDivisionError), store.upload(KEY) as upload:
        upload.write(b"x" * 1000)
        raise ZeroDivisionError
    assert get(store, KEY) == b"former"
    assert files(root) == [KEY]


def test_writing_after_the_stage_is_refused(store):
    with store.upload(KEY) as upload:
        upload.stage()
        with pytest.raises(ValueError, match="write after stage"):
            upload.write(b"x")


def test_others_may_read_what_is_written_as_the_umask_says(store, root):
    former = os.umask(0o022)
    try:
        put(store, KEY, b"x")
    finally:
        os.umask(former)
    assert (root / KEY).stat().st_mode & 0o777 == 0o644


def test_a_copy_shares_no_bytes_with_its_source(store, root):
    put(store, KEY, b"abc")
    put(store, "b/b.txt", b"former")
    store.copy(KEY, "b/b.txt")
    assert get(store, "b/b.txt") == b"abc"
    assert (root / KEY).stat().st_ino != (root / "b/b.txt").stat().st_ino
    assert files(root) == ["b/b.txt", KEY]


def test_copying_and_reading_what_is_missing_says_so(store, root):
    with pytest.raises(NotPublishedError, match=r"absent.*: there is no such object"):
        store.copy("absent/a", "b/b")
    with pytest.raises(NotPublishedError, match="there is no such object"):
        next(store.read("absent/a"))
    assert not root.exists()


def test_a_list_has_keys_that_begin_with_the_prefix(store):
    for key in ("a/2", "a/1", "a/_previous/1", "ab", "b/1"):
        put(store, key, b"12")
    assert [info.key for info in store.list("a/")] == ["a/1", "a/2", "a/_previous/1"]
    assert [info.key for info in store.list("a")] == ["a/1", "a/2", "a/_previous/1", "ab"]
    assert len(store.list("")) == 5
    assert store.list("absent/") == []
    assert store.list("a/")[0].size == 2


def test_deleting_twice_is_no_error_and_leaves_no_empty_directory(store, root):
    put(store, "a/_former/x", b"")
    put(store, "a/x", b"")
    store.delete("a/_former/x")
    store.delete("a/_former/x")
    assert [path.name for path in (root / "a").iterdir()] == ["x"]


def test_a_sweep_removes_what_killed_writers_left_in_that_directory_only(store, root):
    put(store, "a/x", b"x")
    put(store, "a/b/y", b"y")
    (root / "a/_tmp.0123").write_text("left")
    (root / "a/b/_tmp.4567").write_text("of another lock")
    assert [info.key for info in store.list("")] == ["a/b/y", "a/x"]
    store.sweep("a")
    store.sweep("absent")
    assert files(root) == ["a/b/_tmp.4567", "a/b/y", "a/x"]


def test_what_killed_writers_left_is_found_and_can_be_deleted(store, root):
    put(store, "a/x", b"x")
    (root / "a/b/c").mkdir(parents=True)
    (root / "a/b/_tmp.4567").write_text("left")
    (root / "ab/d").mkdir(parents=True)
    found = store.leftovers("a/")
    assert [(info.key, info.size) for info in found] == [("a/b/_tmp.4567", 4), ("a/b/c", 0)]
    assert [info.key for info in store.leftovers("a")] == ["a/b/_tmp.4567", "a/b/c", "ab/d"]
    assert store.leftovers("absent/") == []
    for key in ("a/b/c", "a/b/_tmp.4567", "a/b", "a"):
        store.delete(key)
    assert files(root) == ["a/x"]
    assert not (root / "a/b").exists()


@pytest.mark.parametrize("name", ["a b", "100%", "50%20off", "what?", "#1", "日志"])
def test_a_root_of_any_name_is_found_through_its_uri(tmp_path, name):
    store = open_store(f"{(tmp_path / name).as_uri()}/")
    put(store, KEY, b"x")
    assert (tmp_path / name / KEY).read_bytes() == b"x"
    assert store.uri == (tmp_path / name).as_uri()


@pytest.mark.parametrize(
    "uri", ["file://host/a", "file:///a?b", "file:///a#b", "file:a", "file://", "file:///a%00b"]
)
def test_a_uri_that_is_no_path_of_this_machine_is_refused(uri):
    with pytest.raises(StorageError, match="this is no file:///path"):
        open_store(uri)


@pytest.mark.parametrize("uri", ["oss://bucket/p", "/var/a", "ftp://u:secret@host/a"])
def test_another_scheme_is_refused_with_those_there_are(uri):
    with pytest.raises(StorageError, match="file:///path or s3://bucket/prefix") as caught:
        open_store(uri)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("key", ["../x", "/x", "a/../../x", "a//x", ""])
def test_a_key_cannot_leave_the_root(store, key, tmp_path):
    with pytest.raises(PermanentError, match="cannot be the key"):
        put(store, key, b"x")
    assert files(tmp_path) == []


def test_a_link_cannot_lead_out_of_the_root(store, root, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x").write_text("secret")
    root.mkdir()
    (root / "way").symlink_to(outside)
    (root / "file").symlink_to(outside / "x")
    for act in (
        lambda: put(store, "way/new", b""),
        lambda: get(store, "way/x"),
        lambda: get(store, "file"),
        lambda: store.delete("way/x"),
        lambda: store.copy("way/x", "copy"),
        lambda: store.sweep("way"),
    ):
        with pytest.raises(StorageError, match="a symbolic link leads out"):
            act()
    assert files(outside) == ["x"]


def test_a_link_within_the_root_and_a_root_that_is_a_link_are_fine(tmp_path):
    (tmp_path / "real" / "a").mkdir(parents=True)
    (tmp_path / "real" / "b").symlink_to("a")
    (tmp_path / "root").symlink_to("real")
    store = LocalStore((tmp_path / "root").as_uri())
    put(store, "b/x", b"1")
    assert (tmp_path / "real/a/x").read_bytes() == b"1"
    # One place, one name: the lock of a day depends on it.
    assert store.uri == (tmp_path / "real").as_uri()


def test_a_loop_of_links_is_an_error_with_a_remedy(store, root):
    root.mkdir()
    (root / "a").symlink_to("b")
    (root / "b").symlink_to("a")
    with pytest.raises(StorageError, match="What to do"):
        store.head("a/x")


def test_a_root_below_a_file_is_refused_with_what_to_do(tmp_path):
    (tmp_path / "file").write_text("")
    store = LocalStore((tmp_path / "file" / "storage").as_uri())
    for act in (lambda: put(store, KEY, b"x"), lambda: store.list(""), lambda: store.head(KEY)):
        with pytest.raises(StorageError, match="USERPROFILE_STORAGE_URI a directory") as caught:
            act()
        assert str(tmp_path / "file") in str(caught.value)


def test_a_root_where_nobody_may_write_is_refused():
    # Root may write everywhere but here.
    store = LocalStore("file:///proc/userprofile")
    with pytest.raises(StorageError, match="What to do"):
        put(store, KEY, b"x")


def test_a_name_that_is_too_long_is_an_error_of_storage(store):
    with pytest.raises(StorageError, match="File name too long"):
        put(store, f"a/{'x' * 300}", b"x")


def fill(uri, limit, act):
    """Write more than the process may; runs in a process of its own."""
    store = LocalStore(uri)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    acts = {
        "copy": lambda: store.copy(KEY, "b/b.txt"),
        "write": lambda: put(store, KEY, b"x" * 2 * limit),
    }
    with pytest.raises(StorageFullError, match="free space"):
        acts[act]()


@pytest.mark.parametrize("limit", [4096, 1024 * 1024], ids=["at the flush", "at a write"])
@pytest.mark.parametrize("act", ["write", "copy"])
def test_a_full_disk_leaves_the_former_object_and_no_temporary_file(store, root, limit, act):
    put(store, KEY, b"former" * limit)
    assert exit_code(fill, root.as_uri(), limit, act) == 0
    assert get(store, KEY) == b"former" * limit
    assert files(root) == [KEY]


def test_dev_full_is_told_as_a_full_disk(store, root):
    put(store, "b/x", b"")
    path = Path("/dev/full")
    with store.upload(KEY) as upload:
        upload._file.close()
        upload._file = path.open("wb")
        with pytest.raises(StorageFullError, match="No space left on device"):
            upload.write(b"x" * 10_000_000)
    assert files(root) == ["b/x"]
