"""`userprofile down`: end the `userprofile up` of this home, wherever it was started.

Belongs here: asking it, waiting, ending it by force. Does not belong here: how it ends its parts
(`processes.py`).
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from rich.console import Console

from userprofile_assets.cli.up_state import find_up, is_locked, remove_state
from userprofile_assets.errors import PermanentError

if TYPE_CHECKING:
    from userprofile_assets.settings import Settings

# Three parts, one after the other, get 20 s each (`processes.py`).
_STOP_SECONDS = 75.0
# Its parts follow a killed one within a tenth of a second.
_KILLED_SECONDS = 5.0
_LOOK_SECONDS = 0.05


def run_down(settings: Settings) -> int:
    """End what runs on this home, and return the exit code.

    Args:
        settings: The settings.

    Raises:
        PermanentError: It belongs to another user, or does not go away.
    """
    console = Console(highlight=False, markup=False)
    home = settings.home
    found = find_up(home)
    if found is None:
        remove_state(home)
        console.print(f"Nothing runs on {home}.")
        return 0
    parts = ", ".join(found.addresses)
    began = time.monotonic()
    with console.status(f"Ending {parts}"):
        _ask(found.pid, signal.SIGTERM)
        if not _is_gone(settings, _STOP_SECONDS):
            console.print(f"Process {found.pid} did not end by itself and is killed.")
            _ask(found.pid, signal.SIGKILL)
            if not _is_gone(settings, _KILLED_SECONDS):
                raise PermanentError(
                    f"process {found.pid} does not end, not even by SIGKILL",
                    where=str(home),
                    remedy="look at what it waits for, such as a disk that does not answer",
                )
    remove_state(home)
    console.print(f"Ended {parts} after {time.monotonic() - began:.1f} s.")
    return 0


def _ask(pid: int, number: signal.Signals) -> None:
    try:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
    except PermissionError as error:
        raise PermanentError(
            "it was started by another user",
            where=f"process {pid}",
            remedy="run `userprofile down` as that user",
        ) from error


def _is_gone(settings: Settings, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while is_locked(settings.home):
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOOK_SECONDS)  # between two looks; nothing tells when a lock is free
    return True
