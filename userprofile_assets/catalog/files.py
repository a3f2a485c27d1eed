"""Files that appear whole, whoever reads them meanwhile.

Does not belong here: what is in them.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_TEMPORARY = "_tmp."
_LEFT_BEHIND_SECONDS = 3600


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that appears whole; its directory is made.

    Several processes may write it at once: the last one wins.

    Raises:
        OSError: It cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path.parent)
    temporary = path.parent / f"{_TEMPORARY}{os.getpid()}.{time.time_ns()}.{path.name}"
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _sweep(directory: Path) -> None:
    """Remove what killed writers left."""
    for path in directory.glob(f"{_TEMPORARY}*"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _LEFT_BEHIND_SECONDS:
                path.unlink()
