"""Start a process that never outlives this one, with all that it starts itself.

Belongs here: the start in a process group of its own, the end of that group. Does not belong here:
what is started (`warehouse/connect_server.py`, `cli/up.py`), several at once (`cli/processes.py`).

How it ends with this process, also after kill -9: a small shell beside the child, in the same
group, reads a pipe whose other end only this process holds. When that end closes, for whatever
reason, it kills the group. PR_SET_PDEATHSIG would reach the child alone, not the web server, the
daemon and the code servers below `dagster dev`, and it exists on Linux only.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from contextlib import suppress
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

# {n} is a descriptor that the child does not inherit for its own use: the pipe's reading end. The
# second process of the group waits for the end of that pipe. The shell itself becomes the child,
# so the child's exit code and signals are its own.
_SCRIPT = """\
exec {n}<&0 </dev/null
( trap '' HUP INT TERM; exec >/dev/null 2>&1; cat <&{n}; kill -KILL 0 ) &
exec {n}<&-
exec "$@"
"""
# Of the one-digit descriptors, which are all that a POSIX shell can redirect.
_DIGITS = range(3, 10)
_LOOK_SECONDS = 0.02
# For the kernel to take a killed group away. A zombie that nobody collects (a container whose
# process 1 does not) stays in its group for ever and is not waited for.
_GONE_SECONDS = 2.0


class ChildProcess:
    """A running child; ends with this process at the latest.

    Args:
        process: The child, leader of its own process group.
        pipe: The writing end that its watcher waits for. Closed when the child has ended.
    """

    def __init__(self, process: subprocess.Popen[bytes], pipe: int) -> None:
        self._process = process
        self._pipe = pipe
        self.pid = process.pid
        self._ended = threading.Event()
        threading.Thread(target=self._collect, name=f"child-{self.pid}", daemon=True).start()

    def exit_code(self) -> int | None:
        """Return the exit code, negative for a signal; None while it runs."""
        return self._process.returncode if self._ended.is_set() else None

    def wait(self, seconds: float | None = None) -> int | None:
        """Wait for its end and return the exit code; None if it still runs then."""
        self._ended.wait(seconds)
        return self.exit_code()

    def terminate(self) -> None:
        """Ask the child to end (SIGTERM); returns at once."""
        if not self._ended.is_set():
            with suppress(ProcessLookupError):
                self._process.terminate()

    def kill(self) -> None:
        """End the child and its whole group with SIGKILL; returns when they are gone."""
        if not self._ended.is_set():
            # The group exists as long as its leader has not been collected.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        self._ended.wait()
        self._wait_for_group()

    def stop(self, seconds: float, hurry: threading.Event | None = None) -> bool:
        """Ask the child to end, and end the rest of its group by force.

        Args:
            seconds: How long the child gets.
            hurry: Set by another thread, or a signal, to wait no longer.

        Returns:
            Whether the child ended by itself in that time.
        """
        self.terminate()
        deadline = time.monotonic() + seconds
        while not self._ended.wait(_LOOK_SECONDS):
            if time.monotonic() > deadline or (hurry is not None and hurry.is_set()):
                break
        by_itself = self._ended.is_set()
        self.kill()
        return by_itself

    def _collect(self) -> None:
        self._process.wait()
        os.close(self._pipe)  # the watcher now kills what the child has left behind
        self._ended.set()

    def _wait_for_group(self) -> None:
        deadline = time.monotonic() + _GONE_SECONDS
        while time.monotonic() < deadline:
            try:
                os.killpg(self.pid, 0)
            except (ProcessLookupError, PermissionError):
                return
            time.sleep(_LOOK_SECONDS)  # between two looks; nothing tells the end of a group


def start_child(
    command: Sequence[str | Path],
    *,
    output: IO[bytes],
    env: Mapping[str, str],
    cwd: Path | None = None,
    pass_fds: Sequence[int] = (),
) -> ChildProcess:
    """Start a program in a group of its own; its standard input is empty.

    Ctrl-C in the terminal does not reach it: whoever starts it stops it.

    Args:
        command: Program and arguments.
        output: Where it writes what it prints, standard error included.
        env: Its whole environment.
        cwd: Its working directory; this process's own if None.
        pass_fds: Descriptors that it inherits.

    Raises:
        OSError: The program could not be started at all. One that is missing ends with 127.
    """
    digit = next(n for n in _DIGITS if n not in pass_fds)
    reading, writing = os.pipe()
    try:
        process = subprocess.Popen(  # noqa: S603 - the caller's own program
            ["/bin/sh", "-c", _SCRIPT.format(n=digit), "sh", *map(str, command)],
            stdin=reading,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(env),
            cwd=cwd,
            pass_fds=tuple(pass_fds),
            start_new_session=True,
        )
    except BaseException:
        os.close(writing)
        raise
    finally:
        os.close(reading)
    return ChildProcess(process, writing)
