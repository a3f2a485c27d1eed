"""What a `userprofile up` tells the other commands of its home."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from userprofile_assets.cli.down import run_down
from userprofile_assets.cli.up_state import UpState, find_up, lock_file, remove_state, write_state
from userprofile_assets.errors import LockTimeoutError
from userprofile_assets.locks import exclusive_lock
from userprofile_assets.settings import Settings
from userprofile_assets_tests.support.project import wait_until

ADDRESSES = {"dagster": "http://127.0.0.1:3000", "api": "http://127.0.0.1:8000"}


@pytest.fixture
def home(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    return home


@pytest.fixture
def gone():
    """The id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def state(pid):
    return UpState(pid=pid, ready=True, addresses=ADDRESSES)


def test_one_that_runs_is_found_with_its_addresses(home):
    with exclusive_lock(lock_file(home), purpose="test", timeout=1):
        write_state(home, state(os.getpid()))
        assert find_up(home) == state(os.getpid())


def test_a_note_without_its_lock_is_not_believed(home):
    write_state(home, state(os.getpid()))
    assert find_up(home) is None


def test_on_a_new_home_nothing_runs_and_looking_makes_nothing(home):
    assert find_up(home) is None
    assert list(home.iterdir()) == []


def test_a_lock_whose_note_is_of_a_former_one_is_not_taken_for_it(home, gone, monkeypatch):
    monkeypatch.setattr("userprofile_assets.cli.up_state._NOTE_SECONDS", 0.1)
    write_state(home, state(gone))
    with (
        exclusive_lock(lock_file(home), purpose="test", timeout=1),
        pytest.raises(LockTimeoutError, match="its lock is held, and no note tells"),
    ):
        find_up(home)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '{"pid": "x"}'])
def test_a_broken_note_is_no_note(home, text, monkeypatch):
    monkeypatch.setattr("userprofile_assets.cli.up_state._NOTE_SECONDS", 0.1)
    (home / "up.json").write_text(text)
    with (
        exclusive_lock(lock_file(home), purpose="test", timeout=1),
        pytest.raises(LockTimeoutError),
    ):
        find_up(home)


def test_down_says_that_nothing_runs_and_removes_what_a_killed_one_left(home, gone, capsys):
    write_state(home, state(gone))
    assert run_down(Settings(home=home)) == 0
    assert "Nothing runs on" in capsys.readouterr().out
    assert not (home / "up.json").exists()


HOLDER = """
import os, signal, sys, time
from pathlib import Path
from userprofile_assets.cli.up_state import UpState, lock_file, write_state
from userprofile_assets.locks import exclusive_lock
home = Path(sys.argv[1])
if sys.argv[2] == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
with exclusive_lock(lock_file(home), purpose="test", timeout=1):
    write_state(home, UpState(pid=os.getpid(), ready=True, addresses={"api": "here"}))
    time.sleep(1000)
"""


@pytest.mark.parametrize(("manner", "code"), [("polite", -15), ("stubborn", -9)])
def test_down_ends_what_runs_by_force_if_need_be(home, manner, code, capsys, monkeypatch):
    if manner == "stubborn":
        monkeypatch.setattr("userprofile_assets.cli.down._STOP_SECONDS", 0.2)
    process = subprocess.Popen([sys.executable, "-c", HOLDER, home, manner])
    try:
        wait_until((home / "up.json").exists, "the note")
        assert run_down(Settings(home=home)) == 0
        assert process.wait() == code
    finally:
        process.kill()
        process.wait()
    assert "Ended api" in capsys.readouterr().out
    assert find_up(home) is None
    assert not (home / "up.json").exists()


def test_removing_a_note_that_is_not_there_is_no_error(home):
    remove_state(home)
