"""What processes of one home tell each other about their Spark Connect server.

Belongs here: its token, the note of where it listens, the lock that tells whether it runs. Does not
belong here: starting it (`connect_server.py`).
"""

from __future__ import annotations

import fcntl
import json
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING

from userprofile_assets.errors import StorageError
from userprofile_assets.warehouse.private_files import write_private

if TYPE_CHECKING:
    from pathlib import Path


def connect_token(home: Path) -> str:
    """Return the token of this home's server; made once, readable by this user alone.

    Raises:
        StorageError: It can be neither read nor made.
    """
    path = home / "spark" / "connect.token"
    try:
        with suppress(FileNotFoundError):
            token = path.read_text(encoding="utf-8").strip()
            if token:
                path.chmod(0o600)
                return token
        write_private(path, secrets.token_urlsafe(32))
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise StorageError(
            f"the token of the Spark Connect server cannot be kept ({error.strerror})",
            where=str(path),
            remedy="make USERPROFILE_HOME a directory that this user may write to",
        ) from error


def running_server(home: Path) -> str | None:
    """Return the remote address of the server that runs on this home, a secret; None without one.

    It may be starting still; a client then waits for its port. That it runs is told by its lock,
    which ends with it, and not by its number, which another process may have by now.
    """
    lock = lock_path(home)
    try:
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return None
    except BlockingIOError:
        pass
    except OSError:
        return None
    try:
        port = json.loads(note_path(home).read_text(encoding="utf-8"))["port"]
        return remote_address(int(port), connect_token(home))
    except (OSError, ValueError, KeyError, TypeError, StorageError):
        return None


def remote_address(port: int, token: str) -> str:
    """Return the address for a client, a secret; pyspark sends a token to `localhost` only."""
    return f"sc://localhost:{port}/;token={token}"


def note_path(home: Path) -> Path:
    """Return the file that tells the port of the server that runs, or ran last."""
    return home / "spark" / "connect.json"


def lock_path(home: Path) -> Path:
    """Return the file whose lock the server holds as long as it lives."""
    return home / "locks" / "connect.lock"
