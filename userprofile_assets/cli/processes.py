"""Run several processes as one: start them, wait until each answers, pass on what they print.

Belongs here: their common life. Does not belong here: which they are (`up.py`), how one is started
and ended (`child_process.py`).

They end together: on Ctrl-C, SIGTERM or SIGHUP, when one ends or fails, and with this process
whatever ends it.
"""

from __future__ import annotations

import re
import signal
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from typing import IO, TYPE_CHECKING, Protocol

from userprofile_assets.errors import UserProfileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

_LOOK_SECONDS = 0.2
# Dagster colours its log wherever that goes.
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Running(Protocol):
    """A part that was started. It prints into a file, so that no halted terminal stops it."""

    @property
    def log_file(self) -> Path:
        """The file, new for this start."""

    def wait(self, seconds: float, stop_event: threading.Event) -> None:
        """Wait until it answers, or the event is set; raises a UserProfileError."""

    def exit_code(self) -> int | None:
        """Return its exit code; None while it runs."""

    def stop(self, seconds: float, hurry: threading.Event) -> bool:
        """End it, by force after so many seconds; return whether that was not needed."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One process of several.

    Args:
        name: Stands before each line that it prints.
        address: Where it answers, without secrets.
        start: Starts it, given the event that tells to give up waiting for something.
    """

    name: str
    address: str
    start: Callable[[threading.Event], Running]


@dataclass(frozen=True)
class _Event:
    """Something happened to a part, or (`part` is None) somebody asked for the end."""

    part: Part | None
    trouble: str | None = None


class Supervisor:
    """Runs parts until one of them ends or somebody ends them all.

    Args:
        parts: In the order in which they are started; they are ended in the other.
        out: Where everything is printed.
        answer_seconds: How long a part may take until it answers.
        stop_seconds: How long a part gets to end by itself.
        on_ready: Called once, when all parts have answered.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        *,
        out: IO[str],
        answer_seconds: float = 120,
        stop_seconds: float = 20,
        on_ready: Callable[[], None] = lambda: None,
    ) -> None:
        self._parts = parts
        self._out = out
        self._answer_seconds = answer_seconds
        self._stop_seconds = stop_seconds
        self._on_ready = on_ready
        self._events: SimpleQueue[_Event] = SimpleQueue()
        self._stop = threading.Event()
        self._hurry = threading.Event()
        self._lock = threading.Lock()
        self._printing = threading.Lock()
        self._running: dict[str, Running] = {}

    def run(self) -> int:
        """Run them to their common end; return 0 if somebody asked for it, 1 if a part failed."""
        threads = [
            threading.Thread(target=self._live, args=(part,), name=part.name, daemon=True)
            for part in self._parts
        ]
        with _on_signals(self._asked_to_end):
            for thread in threads:
                thread.start()
            try:
                code = self._follow()
            finally:
                self._stop_all()
                for thread in threads:
                    thread.join()
        self.say("Everything has ended.")
        return code

    def say(self, sentence: str) -> None:
        """Print a sentence of the supervisor's own."""
        with self._printing:
            self._out.write(f"{sentence}\n")
            self._out.flush()

    def _follow(self) -> int:
        began = time.monotonic()
        waiting = {part.name for part in self._parts}
        while True:
            event = self._events.get()
            seconds = time.monotonic() - began
            if event.part is None:
                self.say("Ending everything; Ctrl-C again does not wait for it.")
                return 0
            if event.trouble is not None:
                self.say(f"{event.part.name} {event.trouble}\nEnding everything else.")
                return 1
            self.say(f"{event.part.name} answers after {seconds:.1f} s: {event.part.address}")
            waiting.discard(event.part.name)
            if not waiting:
                self.say(
                    f"All parts answer after {seconds:.1f} s. "
                    "Ctrl-C, or `userprofile down`, ends them."
                )
                self._on_ready()

    def _live(self, part: Part) -> None:
        """Start a part, wait for its answer and then for its end; a thread of its own runs this."""
        try:
            running = part.start(self._stop)
            with self._lock:
                too_late = self._stop.is_set()
                if not too_late:
                    self._running[part.name] = running
            if too_late:
                running.stop(0, self._hurry)
                return
            follower = threading.Thread(
                target=self._pass_on, args=(part, running), name=f"{part.name}-log", daemon=True
            )
            follower.start()
            running.wait(self._answer_seconds, self._stop)
            if not self._stop.is_set():
                self._events.put(_Event(part))
            follower.join()
            self._events.put(_Event(part, f"ended with {running.exit_code()}."))
        except UserProfileError as error:
            self._events.put(_Event(part, f"failed: {error}"))
        except Exception as error:  # noqa: BLE001 - a thread's exception would be lost
            self._events.put(_Event(part, f"failed: {type(error).__name__}: {error}"))

    def _stop_all(self) -> None:
        with self._lock:
            self._stop.set()
        for part in reversed(self._parts):
            running = self._running.get(part.name)
            if running is not None and not running.stop(self._stop_seconds, self._hurry):
                self.say(f"{part.name} did not end by itself and was killed.")

    def _asked_to_end(self) -> None:
        """Remember a signal; the second one waits for nobody."""
        if self._stop.is_set():
            self._hurry.set()
        self._events.put(_Event(None))

    def _pass_on(self, part: Part, running: Running) -> None:
        """Print what a part writes into its log, until it has ended."""
        prefix = f"{part.name:<{max(len(other.name) for other in self._parts)}} | "
        ended = False
        rest = b""
        with running.log_file.open("rb") as log:
            while not ended:
                ended = running.exit_code() is not None
                *lines, rest = (rest + log.read()).split(b"\n")
                if ended and rest:
                    lines.append(rest)
                for line in lines:
                    text = line.decode("utf-8", "replace")
                    self.say(prefix + (text if self._out.isatty() else _COLOUR.sub("", text)))
                if not ended:
                    time.sleep(_LOOK_SECONDS)  # a file does not tell when it grows


@contextmanager
def _on_signals(call: Callable[[], None]) -> Iterator[None]:
    """Call something when this process is asked to end."""
    former = {number: signal.signal(number, lambda *_: call()) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
