"""The file that holds what the driver's JVM prints.

A file, since the JVM outlives the moment in which Dagster captures a step's output, and since a
command that prints CSV must print nothing else.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from userprofile_assets.errors import StorageError

if TYPE_CHECKING:
    from pathlib import Path

# One file per run: enough to look back over a month of nights.
_KEPT_LOGS = 31
_TAIL_BYTES = 3000


def open_log(path: Path) -> IO[bytes]:
    """Open a log for appending, and remove the oldest ones of its directory.

    Raises:
        StorageError: The directory cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = sorted(path.parent.glob("*.log"), key=lambda p: p.stat().st_mtime, reverse=True)
        for old in kept[_KEPT_LOGS:]:
            old.unlink(missing_ok=True)
        return path.open("ab")
    except OSError as error:
        raise StorageError(
            f"Spark's log cannot be written ({error.strerror})",
            where=str(path),
            remedy="make USERPROFILE_HOME a directory that this user may write to",
        ) from error


def last_lines(path: Path) -> str:
    """Return the end of a log, for an error message."""
    try:
        return path.read_bytes()[-_TAIL_BYTES:].decode("utf-8", "replace").strip()
    except OSError:
        return "(no log)"
