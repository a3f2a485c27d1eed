"""The process that forks runs: what it starts, how it is asked, what it leaves behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from userprofile_assets.run_server import NoRunServerError, ask, find_server
from userprofile_assets_tests.support.project import CHECKOUT, wait_until


@pytest.fixture
def directory(tmp_path):
    # Longer than the path of a socket may be.
    made = tmp_path / ("long" * 30)
    made.mkdir()
    return made


@pytest.fixture
def place(directory):
    """Where the server listens now."""

    def now():
        found = find_server(directory)
        assert found is not None
        return Path(found)

    return now


@pytest.fixture
def printed(tmp_path):
    return tmp_path / "printed"


@pytest.fixture
def start(directory, printed):
    started = []

    def start():
        former = find_server(directory)
        with printed.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "userprofile_assets.run_server", str(directory)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=directory,
                env={**os.environ, "PYTHONPATH": str(CHECKOUT), "DAGSTER_HOME": str(directory)},
            )
        started.append(process)
        wait_until(lambda: find_server(directory) not in (None, former), "its socket")
        return process

    yield start
    for process in started:
        # Killed, it would leave its socket under /tmp.
        process.terminate()
        process.wait()


def test_it_does_what_the_command_dagster_does(start, place, printed):
    start()
    ask(place(), prepare=True)
    assert ask(place(), run_id="one", launch=["--version"]) == {"running": True}
    wait_until(lambda: b"dagster, version 1." in printed.read_bytes(), "what it prints")
    wait_until(lambda: not ask(place(), run_id="one")["running"], "its end")


def test_asking_the_end_of_a_run_that_is_not_there_is_no_error(start, place):
    start()
    assert ask(place(), run_id="other", terminate=True) == {"running": False}


def test_its_socket_is_for_this_user_only_and_goes_with_it(start, directory, place):
    server = start()
    former = place()
    assert former.parent.stat().st_mode & 0o777 == 0o700
    server.send_signal(signal.SIGTERM)
    assert server.wait() == 0
    assert find_server(directory) is None
    assert not former.parent.exists()


def test_one_that_was_killed_is_told_and_the_next_one_takes_its_socket_away(start, place):
    server = start()
    former = place()
    server.kill()
    server.wait()
    with pytest.raises(NoRunServerError, match="no run server listens at"):
        ask(place(), run_id="one")
    start()
    assert place() != former
    assert not former.parent.exists()
    assert ask(place(), run_id="one") == {"running": False}


def test_whoever_hangs_up_in_the_middle_leaves_it_working(start, place):
    start()
    for said in (b"", b'{"run_id"', b"no JSON\n"):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(place()))
            connection.sendall(said)
    assert ask(place(), run_id="one") == {"running": False}
