"""File locks between processes: who waits, what is said, and what a kill frees."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from userprofile_assets.errors import LockTimeoutError, StorageError
from userprofile_assets.locks import exclusive_lock

_HOLD = """
import sys
from pathlib import Path
from userprofile_assets.locks import exclusive_lock
with exclusive_lock(Path(sys.argv[1]), purpose="hold for a test", timeout=10):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "locks" / "a.lock"


@pytest.fixture
def holder(path):
    """Another process that holds the lock until its input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_a_lock_makes_its_directory_and_notes_its_holder(path):
    with exclusive_lock(path, purpose="publish x", timeout=0) as lock:
        assert lock.path == path
        assert json.loads(path.read_text()) == {"pid": os.getpid(), "purpose": "publish x"}
    with exclusive_lock(path, purpose="y", timeout=0):
        pass


def test_two_holders_in_one_process_exclude_each_other_too(path):
    with (
        exclusive_lock(path, purpose="first", timeout=0),
        pytest.raises(LockTimeoutError, match="first"),
        exclusive_lock(path, purpose="second", timeout=0),
    ):
        pytest.fail("both hold it")


def test_who_holds_a_lock_is_named_when_the_wait_is_over(path, holder):
    said: list[str] = []
    with (
        pytest.raises(LockTimeoutError) as caught,
        exclusive_lock(path, purpose="mine", timeout=0.2, on_wait=said.append),
    ):
        pytest.fail("both hold it")
    assert f"process {holder.pid} (hold for a test)" in str(caught.value)
    assert said == [f"waiting for {path}, held by process {holder.pid} (hold for a test)"]


@pytest.mark.parametrize("note", ["", "{", "[]", "5", "\0" * 9], ids=repr)
def test_a_note_that_cannot_be_read_does_not_matter(path, holder, note):
    path.write_text(note)
    with (
        pytest.raises(LockTimeoutError, match=r"process unknown \(unknown purpose\)"),
        exclusive_lock(path, purpose="mine", timeout=0),
    ):
        pytest.fail("both hold it")


def test_a_killed_holder_frees_the_lock(path, holder):
    killed = []

    def kill(_sentence):
        holder.send_signal(signal.SIGKILL)
        killed.append(holder.pid)

    with exclusive_lock(path, purpose="mine", timeout=60, on_wait=kill):
        assert killed == [holder.pid]


def test_the_lock_is_free_after_an_exception(path):
    with pytest.raises(ZeroDivisionError), exclusive_lock(path, purpose="a", timeout=0):
        raise ZeroDivisionError
    with exclusive_lock(path, purpose="b", timeout=0):
        pass


def test_a_lock_below_a_file_says_what_to_do(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(StorageError, match="USERPROFILE_HOME"),
        exclusive_lock(tmp_path / "file" / "a.lock", purpose="a", timeout=0),
    ):
        pytest.fail("there is no such directory")


def test_a_lock_holds_on_a_full_disk(tmp_path):
    # /dev/full refuses every byte; only the note is lost.
    link = tmp_path / "a.lock"
    link.symlink_to("/dev/full")
    with exclusive_lock(link, purpose="a", timeout=0) as lock:
        assert lock.fd > 0
