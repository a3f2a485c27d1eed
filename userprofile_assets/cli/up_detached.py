"""`userprofile up --detach`: the same in the background, until `userprofile down`.

Belongs here: starting it in a session of its own, waiting until it answers. Does not belong here:
its parts (`up.py`), what it tells others (`up_state.py`).
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console

from userprofile_assets.cli.up_state import UpState, find_up
from userprofile_assets.errors import PermanentError, StorageError
from userprofile_assets.warehouse.driver_log import last_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from userprofile_assets.cli.up_ports import UpPorts
    from userprofile_assets.settings import Settings

# Its parts give up after 120 s by themselves, and end in another 20 s each.
_ANSWER_SECONDS = 200.0
_LOOK_SECONDS = 0.1


@dataclass(frozen=True, kw_only=True)
class Services:
    """What runs in the background.

    Args:
        addresses: Where each part answers, by its name.
        started: Whether this call started it; otherwise it ran before.
    """

    addresses: Mapping[str, str]
    started: bool


def log_file(home: Path) -> Path:
    """Return the file that holds what a detached `up` prints."""
    return home / "logs" / "up.log"


def start_detached(
    settings: Settings,
    ports: UpPorts,
    *,
    environment: Mapping[str, str],
    tell: Callable[[str], None],
) -> Services:
    """Start `userprofile up` in the background, unless one runs, and wait until it answers.

    Args:
        settings: The settings.
        ports: Where its parts shall answer.
        environment: Its whole environment; it reads the same `.env` as this process.
        tell: Told what is waited for.

    Raises:
        PermanentError: A port is taken, or it did not come up; then nothing stays.
        StorageError: Its log cannot be written.
    """
    found = find_up(settings.home)
    if found is not None:
        return Services(addresses=_wait(settings.home, found, tell).addresses, started=False)
    ports.check(settings)
    process = _start(settings, ports, environment)
    try:
        state = _wait_for(settings.home, process)
    except BaseException:
        # Also on Ctrl-C: whoever does not see the addresses does not know that something runs.
        process.terminate()
        process.wait()
        raise
    return Services(addresses=state.addresses, started=True)


def run_up_detached(settings: Settings, ports: UpPorts) -> int:
    """Start it in the background, print where it answers, and return the exit code.

    Args:
        settings: The settings.
        ports: Where its parts shall answer, if it does not run yet.
    """
    console = Console(highlight=False, markup=False)
    services = start_detached(settings, ports, environment=os.environ, tell=console.print)
    how = "All parts answer" if services.started else "It runs already"
    console.print(f"{how}; `userprofile down` ends it:")
    for name, where in services.addresses.items():
        console.print(f"  {name}: {where}")
    return 0


def _start(
    settings: Settings, ports: UpPorts, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    log = log_file(settings.home)
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        if log.exists():
            log.replace(log.with_name("up.log.1"))
        with log.open("wb") as output:
            return subprocess.Popen(  # noqa: S603 - our own module
                [
                    *(sys.executable, "-m", "userprofile_assets.cli.main", "up"),
                    *ports.options(),
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                # Neither Ctrl-C in this terminal nor its end reaches it.
                start_new_session=True,
            )
    except OSError as error:
        raise StorageError(
            f"`userprofile up` could not be started in the background ({error.strerror})",
            where=str(log),
            remedy="make USERPROFILE_HOME a directory that this user may write to",
        ) from error


def _wait_for(home: Path, process: subprocess.Popen[bytes]) -> UpState:
    """Wait until the one that was started answers, or another one that was faster."""
    deadline = time.monotonic() + _ANSWER_SECONDS
    while True:
        state = find_up(home)
        if state is not None and state.ready:
            return state
        ended = process.poll() is not None
        if (ended and find_up(home) is None) or time.monotonic() > deadline:
            what = f"ended with {process.returncode}" if ended else "does not answer in time"
            raise PermanentError(
                f"`userprofile up` {what}; the end of its log:\n{last_lines(log_file(home))}",
                where=str(home),
                remedy=f"read {log_file(home)}; `userprofile doctor` tests the parts one by one",
            )
        time.sleep(_LOOK_SECONDS)  # between two looks at the note


def _wait(home: Path, found: UpState, tell: Callable[[str], None]) -> UpState:
    """Wait until one that runs already answers."""
    if not found.ready:
        tell(f"`userprofile up` (process {found.pid}) is starting; waiting for its answer.")
    deadline = time.monotonic() + _ANSWER_SECONDS
    state: UpState | None = found
    while state is not None and not state.ready and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)  # between two looks at the note
        state = find_up(home)
    if state is None or not state.ready:
        what = "ended" if state is None else "does not answer in time"
        raise PermanentError(
            f"the `userprofile up` that was starting (process {found.pid}) {what}",
            where=str(home),
            remedy="read what it printed, then try again",
        )
    return state
