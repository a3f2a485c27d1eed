"""Write log lines without ever waiting for who reads them.

Belongs here: the thread and its queue. Does not belong here: what a line says.

A terminal that was stopped by Ctrl-S, or a full pipe, stops whoever writes to it. In the event
loop that would be every request.
"""

from __future__ import annotations

import threading
from collections import deque
from types import TracebackType
from typing import IO

# Some 2 MB; a busy server writes that many in half a minute.
_MOST_LINES = 10_000


class LogLines:
    """A thread that writes lines; use as a context manager.

    Args:
        out: Where they go.
    """

    def __init__(self, out: IO[str]) -> None:
        self._out = out
        self._lines: deque[str] = deque()
        self._dropped = 0
        self._some = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)

    def __enter__(self) -> LogLines:
        """Start writing."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write the rest, unless nobody takes it within a second."""
        with self._some:
            self._ended = True
            self._some.notify()
        self._thread.join(timeout=1)

    def add(self, line: str) -> None:
        """Take a line, which is written soon; drops it if thousands wait already."""
        with self._some:
            if len(self._lines) >= _MOST_LINES:
                self._dropped += 1
                return
            self._lines.append(line)
            self._some.notify()

    def _write(self) -> None:
        while True:
            with self._some:
                while not self._lines and not self._ended:
                    self._some.wait()
                lines = [f"{line}\n" for line in self._lines]
                if self._dropped:
                    lines.append(f"{self._dropped} lines of this log were dropped\n")
                self._lines.clear()
                self._dropped = 0
                if not lines:
                    return
            try:
                self._out.writelines(lines)
                self._out.flush()
            except (OSError, ValueError):
                return  # nobody reads any more; the server goes on
