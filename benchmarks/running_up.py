"""`userprofile up` in a project, for as long as something is measured on it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from benchmarks.measure import MeasurementError
from userprofile_assets_tests.support.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.project import Project

_ALL = re.compile(r"^All parts answer after ([\d.]+) s", re.MULTILINE)
_LIMIT_SECONDS = 180.0
_LOOK_SECONDS = 0.1


class RunningUp:
    """A `userprofile up` whose parts all answer.

    Args:
        process: Its process.
        port: Port of the Dagster UI.
        seconds: From its start until all parts answered.
        own_seconds: The same by its own clock, which begins when it has loaded its settings.
        printed: What it had printed then.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        port: int,
        *,
        seconds: float,
        own_seconds: float,
        printed: str,
    ) -> None:
        self.process = process
        self.port = port
        self.seconds = seconds
        self.own_seconds = own_seconds
        self.printed = printed
        self.stop_seconds = 0.0


@contextmanager
def running_up(project: Project) -> Iterator[RunningUp]:
    """Start it, give it when all parts answer, and end it as Ctrl-C does.

    Raises:
        MeasurementError: It does not answer, or ends with another exit code than 0.
    """
    printed = project.directory / "up.out"
    port = free_port()
    names = ("--connect-port", "--api-port")
    others = [word for name in names for word in (name, str(free_port()))]
    ports = ("--port", str(port), *others)
    # Without DAGSTER_HOME it prepares the project's own, with two runs at a time in each pool.
    env = {name: value for name, value in project.env.items() if name != "DAGSTER_HOME"}
    with printed.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "userprofile_assets.cli.main", "up", *ports],
            env=env,
            cwd=project.directory,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    begin = time.monotonic()
    running = None
    try:
        while (found := _ALL.search(text := printed.read_text(errors="replace"))) is None:
            if process.poll() is not None or time.monotonic() > begin + _LIMIT_SECONDS:
                raise MeasurementError(f"`userprofile up` does not answer:\n{text[-2000:]}")
            time.sleep(_LOOK_SECONDS)
        running = RunningUp(
            process,
            port,
            seconds=time.monotonic() - begin,
            own_seconds=float(found[1]),
            printed=text,
        )
        yield running
    finally:
        asked = time.monotonic()
        process.send_signal(signal.SIGINT)
        code = process.wait()
        if running is not None:
            running.stop_seconds = time.monotonic() - asked
    if code != 0:
        raise MeasurementError(f"`userprofile up` ended with {code}")
