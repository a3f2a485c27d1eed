"""Waiting for the first answer of a part of `userprofile up`, with real processes."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from userprofile_assets.child_process import start_child
from userprofile_assets.cli.first_answer import Part, wait_for_answer
from userprofile_assets.errors import PermanentError

GOES_ON = "import signal; print('up'); signal.pause()"
ENDS = "import sys; print('no such port'); sys.exit(3)"


@pytest.fixture
def part(tmp_path):
    return Part("userprofile serve", "http://127.0.0.1:8000", tmp_path / "log", "free the port")


@pytest.fixture
def started(part):
    """Start a program of Python as that part."""
    children = []

    def start(program):
        with part.log_file.open("wb") as log:
            command = [sys.executable, "-c", program]
            children.append(start_child(command, output=log, env=os.environ))
        return children[-1]

    yield start
    for child in children:
        child.stop(10, threading.Event())


def test_a_part_that_answers_is_waited_for(part, started):
    child = started(GOES_ON)
    answers = iter([False, False, True])
    asked = wait_for_answer(
        part, child, lambda: next(answers), seconds=60, stop_event=threading.Event()
    )
    assert asked is True
    assert next(answers, None) is None


def test_a_part_that_ends_is_told_with_its_exit_code_and_its_log(part, started):
    child = started(ENDS)
    with pytest.raises(PermanentError) as caught:
        wait_for_answer(part, child, lambda: False, seconds=60, stop_event=threading.Event())
    assert str(caught.value) == (
        "http://127.0.0.1:8000: `userprofile serve` ended with 3; the end of its log:\n"
        "no such port\n"
        f"What to do: read {part.log_file}; free the port"
    )


def test_a_part_that_is_late_is_told(part, started):
    child = started(GOES_ON)
    with pytest.raises(PermanentError, match="`userprofile serve` does not answer in time"):
        wait_for_answer(part, child, lambda: False, seconds=0, stop_event=threading.Event())


def test_whoever_ends_it_meanwhile_ends_the_waiting(part, started):
    child, ended = started(GOES_ON), threading.Event()
    ended.set()
    assert not wait_for_answer(part, child, lambda: False, seconds=60, stop_event=ended)
