"""Run a program from its start to its exit, and say what it took.

Belongs here: one run of one child process. Does not belong here: what is run, how often
(`rounds.py`), what it means (`report.py`).

The child's own figures come from wait4(2), which adds up what the child waited for. A JVM that
outlives its Python, as that of a bare PySpark script does, is in none of them, so all descendants
are also looked at in /proc every 50 ms. The next run starts when the last descendant is gone.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_LOOK_SECONDS = 0.05
_ORPHAN_SECONDS = 60.0
_TICKS = os.sysconf("SC_CLK_TCK")


class MeasurementError(Exception):
    """A measurement cannot be made, or its two sides did not do the same work."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What one run took.

    Args:
        started: When it started, in seconds since the epoch.
        seconds: From start to exit of the process that was started.
        cpu_seconds: User and system time of the whole tree; good to 0.05 s for what outlived the
            process that was started.
        peak_bytes: Peak resident memory of the largest process of the tree.
        jvm_bytes: The same of the largest JVM; 0 without one.
        stdout: What it printed.
    """

    started: float
    seconds: float
    cpu_seconds: float
    peak_bytes: int
    jvm_bytes: int
    stdout: str


def run(command: Sequence[str | Path], *, env: Mapping[str, str], cwd: Path, log: Path) -> Measured:
    """Run a program to its end and measure it.

    Args:
        command: Program and arguments.
        env: Its whole environment.
        cwd: Its working directory.
        log: Where it prints to, with `.out` and `.err` behind the name.

    Raises:
        MeasurementError: It ended with another exit code than 0; shows the end of what it printed.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    out, err = log.with_name(f"{log.name}.out"), log.with_name(f"{log.name}.err")
    with out.open("wb") as stdout, err.open("wb") as stderr:
        started, begin = time.time(), time.perf_counter()
        process = subprocess.Popen(
            [os.fspath(part) for part in command],
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
        )
        with _Watch(process.pid) as watch:
            try:
                _, status, usage = os.wait4(process.pid, 0)
            except BaseException:
                # Ctrl-C: whatever the child has started ends with it.
                for pid in tree(process.pid):
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                process.wait()
                raise
            seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
    left = watch.wait_for_orphans()
    if process.returncode != 0:
        raise MeasurementError(
            f"exit code {process.returncode} of: {' '.join(map(str, command))}\n"
            f"{_end_of(out)}{_end_of(err)}"
        )
    return Measured(
        started=started,
        seconds=seconds,
        cpu_seconds=usage.ru_utime + usage.ru_stime + left,
        # Linux counts ru_maxrss in KiB. A child begins with the peak of the process that started
        # it, so this process must stay smaller than what it measures: it imports no Dagster.
        peak_bytes=max(usage.ru_maxrss * 1024, watch.peak_bytes()),
        jvm_bytes=watch.peak_bytes("java"),
        stdout=out.read_text(encoding="utf-8", errors="replace"),
    )


def _end_of(path: Path) -> str:
    return path.read_bytes()[-2_000:].decode("utf-8", "replace")


@dataclass
class _Seen:
    """The last that was seen of a process; its start tells it from a later one of the same id."""

    start: str
    name: str = ""
    peak_bytes: int = 0
    cpu_seconds: float = 0.0


class _Watch:
    """Looks at all descendants of a process until that process ends."""

    def __init__(self, pid: int) -> None:
        self._root = pid
        self._seen: dict[int, _Seen] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="watch", daemon=True)

    def __enter__(self) -> _Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def peak_bytes(self, name: str | None = None) -> int:
        """Return the peak memory of the largest process, or of the largest one of a name."""
        found = [seen.peak_bytes for seen in self._seen.values() if name in {None, seen.name}]
        return max(found, default=0)

    def wait_for_orphans(self) -> float:
        """Wait until the descendants are gone; return the CPU seconds of those that were left.

        Raises:
            MeasurementError: One is still there after a minute.
        """
        deadline = time.monotonic() + _ORPHAN_SECONDS
        left = {pid: seen for pid, seen in self._seen.items() if _look(pid, seen.start)}
        waiting = dict(left)
        while waiting:
            if time.monotonic() > deadline:
                raise MeasurementError(f"still running after their parent: {sorted(waiting)}")
            time.sleep(_LOOK_SECONDS)
            for pid, seen in list(waiting.items()):
                now = _look(pid, seen.start)
                if now is None:
                    del waiting[pid]
                else:
                    seen.cpu_seconds, seen.peak_bytes = now.cpu_seconds, now.peak_bytes
        return sum(seen.cpu_seconds for seen in left.values())

    def _follow(self) -> None:
        while not self._stop.wait(_LOOK_SECONDS):
            for pid in tree(self._root):
                now = _look(pid)
                if now is not None:
                    self._seen[pid] = now


def tree(root: int) -> list[int]:
    """Return a process and its descendants."""
    found = [root]
    for pid in found:
        with suppress(OSError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
    return found


def _look(pid: int, start: str | None = None) -> _Seen | None:
    """Return what /proc says of a process now, or None when it has ended (or is another one)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    # proc_pid_stat(5): the name stands in brackets and may hold blanks; behind it, state is field
    # 3, utime and stime are 14 and 15, starttime is 22.
    fields = stat.rpartition(")")[2].split()
    if fields[0] in "ZX" or start not in {None, fields[19]}:
        return None
    peak = next((line for line in status.splitlines() if line.startswith("VmHWM:")), "VmHWM: 0 kB")
    return _Seen(
        start=fields[19],
        name=stat.partition("(")[2].rpartition(")")[0],
        peak_bytes=int(peak.split()[1]) * 1024,
        cpu_seconds=(int(fields[11]) + int(fields[12])) / _TICKS,
    )
