"""What `userprofile up` tells other commands of its home: its process, whether it answers, where.

Belongs here: the note, and whether it is true. Does not belong here: starting (`up.py`,
`up_detached.py`) and ending it (`down.py`).

That it runs is told by its lock, which ends with it, also after kill -9, and not by the note or the
number of a process, which another one may have by now.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from userprofile_assets.errors import LockTimeoutError, StorageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# Between its lock and its note an `up` needs milliseconds.
_NOTE_SECONDS = 5.0
_LOOK_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True)
class UpState:
    """A `userprofile up` that runs.

    Args:
        pid: Its process.
        ready: Whether all its parts have answered.
        addresses: Where each part answers, by its name; without secrets.
    """

    pid: int
    ready: bool
    addresses: Mapping[str, str]


def lock_file(home: Path) -> Path:
    """Return the file whose lock an `up` holds as long as it lives."""
    return home / "locks" / "up.lock"


def write_state(home: Path, state: UpState) -> None:
    """Tell the others; only whoever holds the lock does it.

    Raises:
        StorageError: The home cannot be written.
    """
    path = _note(home)
    new = path.with_name(f"_tmp_{path.name}")
    try:
        new.write_text(json.dumps(asdict(state)), encoding="utf-8")
        new.replace(path)
    except OSError as error:
        raise StorageError(
            f"the note of `userprofile up` cannot be written ({error.strerror})",
            where=str(path),
            remedy="make USERPROFILE_HOME a directory that this user may write to",
        ) from error


def remove_state(home: Path) -> None:
    """Remove the note, at the end or behind an `up` that was killed."""
    with suppress(OSError):
        _note(home).unlink(missing_ok=True)


def find_up(home: Path) -> UpState | None:
    """Return the `up` that runs on a home, whether it answers yet or not; None without one.

    Raises:
        LockTimeoutError: Something holds its lock and does not say what it is.
    """
    deadline = time.monotonic() + _NOTE_SECONDS
    while is_locked(home):
        state = _read(home)
        if state is not None and _lives(state.pid):
            return state
        if time.monotonic() > deadline:
            raise LockTimeoutError(
                "its lock is held, and no note tells by which process",
                where=str(lock_file(home)),
                remedy="find that process (`fuser` names it) and end it",
            )
        time.sleep(_LOOK_SECONDS)  # between two looks; nothing tells when the note is there
    return None


def is_locked(home: Path) -> bool:
    """Tell whether an `up` has not ended yet on a home."""
    try:
        with lock_file(home).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _note(home: Path) -> Path:
    return home / "up.json"


def _read(home: Path) -> UpState | None:
    try:
        told = json.loads(_note(home).read_text(encoding="utf-8"))
        return UpState(
            pid=int(told["pid"]), ready=bool(told["ready"]), addresses=dict(told["addresses"])
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
