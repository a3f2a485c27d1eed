"""Log lines are written without waiting for who reads them."""

from __future__ import annotations

import io
import os
import threading

from userprofile_assets.service import log_lines
from userprofile_assets.service.log_lines import LogLines


def test_lines_come_in_order_and_all_of_them_at_the_end():
    out = io.StringIO()
    with LogLines(out) as log:
        for number in range(100):
            log.add(str(number))
    assert out.getvalue() == "".join(f"{number}\n" for number in range(100))


def test_a_reader_that_stopped_makes_nobody_wait_and_lost_lines_are_told(monkeypatch):
    monkeypatch.setattr(log_lines, "_MOST_LINES", 5)
    reading, writing = os.pipe()
    with os.fdopen(reading) as reader, os.fdopen(writing, "w") as writer:
        log = LogLines(writer)
        log.__enter__()
        log.add("x" * 200_000)  # more than a pipe holds: the thread waits in the middle of it
        read: list[str] = []
        while log._lines:
            threading.Event().wait(0.01)  # until the thread has taken it
        for number in range(8):
            log.add(str(number))
        read += [reader.readline() for _ in range(7)]
        log.__exit__(None, None, None)
    assert read[1:] == ["0\n", "1\n", "2\n", "3\n", "4\n", "3 lines of this log were dropped\n"]


def test_a_reader_that_has_gone_stops_the_log_and_not_the_server():
    class Gone(io.StringIO):
        def writelines(self, lines):
            raise BrokenPipeError

    with LogLines(Gone()) as log:
        log.add("a")
        log._thread.join()
        log.add("b")
