"""A child that ends with its parent, whatever ends that, and with all that it has started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from userprofile_assets.child_process import ChildProcess, start_child
from userprofile_assets.locks import exclusive_lock
from userprofile_assets_tests.support.project import wait_until

# Starts a child that starts another one and prints both ids, then waits to be killed.
PARENT = """
import os, sys
from userprofile_assets.child_process import start_child
child = start_child(["sh", "-c", sys.argv[1]], output=sys.stdout.buffer, env=os.environ)
sys.stdin.read()
"""
# A grandchild that no signal but SIGKILL ends.
STUBBORN = "(trap '' HUP INT TERM; echo $$; exec sleep 1000) & echo $!; wait"


def runs(pid):
    """Tell whether a process runs; a zombie does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


@pytest.fixture
def start(tmp_path):
    """Start a shell script as a child; what it prints is in the attribute `printed`."""
    children: list[ChildProcess] = []

    def start(script, **options):
        printed = tmp_path / f"printed-{len(children)}"
        with printed.open("wb") as output:
            child = start_child(["sh", "-c", script], output=output, env=os.environ, **options)
        children.append(child)
        return child, printed

    yield start
    for child in children:
        child.kill()


def numbers_in(printed, count):
    """Wait until so many ids were printed, and return them."""
    return wait_until(
        lambda: len(found := printed.read_text().split()) == count and [int(n) for n in found],
        f"{count} ids",
    )


@pytest.mark.parametrize(
    ("script", "code"), [("exit 3", 3), ("kill -TERM $$", -signal.SIGTERM), ("missing-one", 127)]
)
def test_the_exit_code_is_the_childs_own(start, script, code):
    child, _ = start(script)
    assert child.wait(30) == code


def test_the_child_reads_an_empty_standard_input(start):
    child, printed = start("cat; echo end")
    assert (child.wait(30), printed.read_text()) == (0, "end\n")


def test_a_child_that_runs_has_no_exit_code(start):
    child, _ = start("sleep 1000")
    assert child.wait(0) is None
    assert child.exit_code() is None


def test_what_a_child_leaves_behind_ends_with_it(start):
    child, printed = start("sleep 1000 & echo $!")
    assert child.wait(30) == 0
    (left,) = numbers_in(printed, 1)
    wait_until(lambda: not runs(left), "the end of what it left behind")


def test_a_child_that_ends_when_asked_was_not_forced(start):
    child, printed = start("trap 'echo 1; exit 5' TERM; echo 0; while :; do sleep 0.01; done")
    numbers_in(printed, 1)
    assert child.stop(30) is True
    assert child.exit_code() == 5


def test_a_child_that_does_not_end_when_asked_is_killed(start):
    child, printed = start("trap '' TERM; echo 0; while :; do sleep 0.01; done")
    numbers_in(printed, 1)
    assert child.stop(0.1) is False
    assert child.exit_code() == -signal.SIGKILL


def test_kill_minus_9_of_the_parent_ends_the_child_and_what_it_has_started(tmp_path):
    printed = tmp_path / "printed"
    with printed.open("wb") as output:
        parent = subprocess.Popen(
            [sys.executable, "-c", PARENT, STUBBORN], stdin=subprocess.PIPE, stdout=output
        )
    grandchildren = set(numbers_in(printed, 2))
    children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
    family = grandchildren | {int(pid) for pid in children}
    try:
        assert all(runs(pid) for pid in family)
        parent.kill()
        parent.wait()
        wait_until(lambda: not any(runs(pid) for pid in family), "the end of the family")
    finally:
        for pid in family:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        parent.communicate()


def test_ctrl_c_in_the_terminal_does_not_reach_the_child(start):
    child, _ = start("sleep 1000")
    assert os.getpgid(child.pid) == child.pid != os.getpgrp()


def test_a_lock_that_a_child_inherits_is_its_own(start, tmp_path):
    path = tmp_path / "lock"
    with exclusive_lock(path, purpose="test", timeout=0) as lock:
        child, _ = start("sleep 1000", pass_fds=(lock.fd,))
    waited: list[str] = []
    with pytest.raises(Exception, match="still held"):  # noqa: SIM117 - the lock is taken inside
        with exclusive_lock(path, purpose="test", timeout=0, on_wait=waited.append):
            pass
    assert len(waited) == 1
    child.kill()
    with exclusive_lock(path, purpose="test", timeout=30):
        pass
