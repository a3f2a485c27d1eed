"""File locks that the kernel drops with the process that holds them.

Belongs here: one exclusive `flock` on a file, with a note inside of who holds it. Used for one
object of one day (two writers) and for the embedded metastore (Derby admits one process).

Why not the filelock package: the metastore's lock must outlive this process for as long as the JVM
it started lives. A JVM that inherits the descriptor (`LockedFile.fd`, `Popen(pass_fds=...)`) shares
the same `flock`, so kill -9 of Python frees the lock exactly when the JVM is gone too. See
docs/decisions/0004-locks.md.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from userprofile_assets.errors import LockTimeoutError, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class LockedFile:
    """A lock that is held: its path, and the descriptor that holds it."""

    path: Path
    fd: int


def _holder(path: Path) -> str:
    """Say who wrote the note in a lock file; a guess at best, so it is only ever shown."""
    try:
        note = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        note = None
    if not isinstance(note, dict):
        note = {}
    return f"process {note.get('pid', 'unknown')} ({note.get('purpose', 'unknown purpose')})"


@contextmanager
def exclusive_lock(
    path: Path,
    *,
    purpose: str,
    timeout: float,
    on_wait: Callable[[str], None] | None = None,
    stop_event: threading.Event | None = None,
) -> Iterator[LockedFile]:
    """Hold an exclusive lock on `path`, waiting up to `timeout` seconds for another holder.

    The file stays behind, empty of meaning: deleting it would let two processes lock two files of
    one name.

    Args:
        path: The lock file; its directory is made.
        purpose: What the lock is for, written into the file for whoever waits.
        timeout: Seconds to wait at most.
        on_wait: Called once, with a sentence, when the lock is not free at once.
        stop_event: Set by another thread to give up waiting.

    Raises:
        LockTimeoutError: It was still held after `timeout` seconds, or waiting was given up; names
            the holder.
        StorageError: The lock file cannot be made or opened.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise StorageError(
            f"the lock file cannot be opened ({error.strerror})",
            where=str(path),
            remedy="make USERPROFILE_HOME a directory that this user may write to",
        ) from error
    try:
        _acquire(fd, path, timeout, on_wait, stop_event or threading.Event())
        note = json.dumps({"pid": os.getpid(), "purpose": purpose})
        with suppress(OSError):  # the lock holds on a full disk too, only without its note
            os.ftruncate(fd, 0)
            os.pwrite(fd, note.encode("utf-8"), 0)
        yield LockedFile(path=path, fd=fd)
    finally:
        os.close(fd)


def _acquire(
    fd: int,
    path: Path,
    timeout: float,
    on_wait: Callable[[str], None] | None,
    stop_event: threading.Event,
) -> None:
    deadline = time.monotonic() + timeout
    told = False
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not told and on_wait is not None:
                on_wait(f"waiting for {path}, held by {_holder(path)}")
            told = True
            if time.monotonic() > deadline:
                raise LockTimeoutError(
                    f"still held by {_holder(path)} after {timeout:.0f} seconds",
                    where=str(path),
                    remedy="wait for that process to end, or stop it; the lock ends with it",
                ) from None
            if stop_event.wait(_POLL_SECONDS):
                raise LockTimeoutError(
                    f"gave up waiting for {_holder(path)}", where=str(path)
                ) from None
        else:
            return
