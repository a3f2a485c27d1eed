"""Files of the embedded sources: made on demand, whole or not at all.

Belongs here: where the log of a day and the users' database lie under HOME, and how they get there.
Does not belong here: what they hold (`log_lines.py`, `users.py`).

A file is written beside its place and moved there, so a killed writer leaves nothing that counts. A
stamp beside it tells what it was made from. The stamp goes first and comes last, so a stamp that is
there is true. What somebody changes in a file by hand stays until the settings change.
"""

from __future__ import annotations

import errno
import json
import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from userprofile_assets.bizdate import check_closed, to_bizdate
from userprofile_assets.demo import users as user_table
from userprofile_assets.demo.log_lines import log_chunks
from userprofile_assets.errors import StorageError, StorageFullError
from userprofile_assets.locks import exclusive_lock

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from pathlib import Path

# Raise it when the same settings give other bytes; files of the former release are made anew.
_GENERATOR = 1

# 100 million lines take two to three minutes; another process may wait for several such days.
_LOCK_SECONDS = 1_800.0

# What SQLite would play back into a new database, left by a program killed in the former one.
_JOURNALS = ("-journal", "-wal", "-shm")

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def log_file(home: Path, bizdate: str) -> Path:
    """Return where the log of a day is made."""
    return home / "sources" / "log" / f"user_log_{bizdate}.txt"


def users_file(home: Path) -> Path:
    """Return where the database of the users is made."""
    return home / "sources" / "workshop.db"


def ensure_log(home: Path, day: date, *, lines: int, users: int, seed: int, timezone: str) -> Path:
    """Return the log file of a day, made now if it is missing or was made from other settings.

    Args:
        home: USERPROFILE_HOME.
        day: The business date; it has to be over in `timezone`.
        lines: Lines of the log.
        users: Rows of the user table whose uids appear in it.
        seed: Same seed, same bytes.
        timezone: Zone of the times in the log.

    Raises:
        PermanentError: The day is today or later.
        StorageFullError: No space is left under `home`.
        StorageError: `home` cannot be written to.
        LockTimeoutError: Another process has been writing for half an hour.
    """
    check_closed(day, timezone=timezone)
    path = log_file(home, to_bizdate(day))
    made_from = {"lines": lines, "users": users, "seed": seed, "timezone": timezone}

    def write(target: Path) -> None:
        write_log(target, day, lines=lines, users=users, seed=seed, timezone=timezone)

    return _ensure(path, made_from, write, lock=home / "locks" / "demo_log.lock")


def ensure_users(home: Path, *, users: int, seed: int) -> Path:
    """Return the SQLite database with the user table, made now if it is missing or differs.

    Args:
        home: USERPROFILE_HOME.
        users: Rows of the table `ods_user_info_d`.
        seed: Same seed, same rows.

    Raises:
        StorageFullError: No space is left under `home`.
        StorageError: `home` cannot be written to.
        LockTimeoutError: Another process has been writing for half an hour.
    """
    path = users_file(home)
    made_from = {"users": users, "seed": seed}

    def write(target: Path) -> None:
        _write_users(target, users=users, seed=seed)

    return _ensure(path, made_from, write, lock=home / "locks" / "demo_users.lock")


def write_log(path: Path, day: date, *, lines: int, users: int, seed: int, timezone: str) -> int:
    """Write the log of a day to a path, without stamp and lock, and return its bytes."""
    written = 0
    with path.open("wb", buffering=0) as file:
        for chunk in log_chunks(day, lines=lines, users=users, seed=seed, timezone=timezone):
            _write_whole(file.fileno(), chunk)
            written += len(chunk)
        os.fsync(file.fileno())
    return written


def _write_whole(fd: int, data: bytes) -> None:
    # One write(2) may take less than it was given, for one when the disk is almost full.
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]


def _write_users(path: Path, *, users: int, seed: int) -> None:
    insert = f"INSERT INTO {user_table.TABLE} VALUES (?, ?, ?, ?)"  # noqa: S608 - a constant
    # One writer, and a file that only counts once it is moved: no journal is needed.
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(
            f"CREATE TABLE {user_table.TABLE} (uid TEXT NOT NULL PRIMARY KEY, "
            "gender TEXT, age_range TEXT, zodiac TEXT) WITHOUT ROWID"
        )
        connection.execute("BEGIN")
        connection.executemany(insert, user_table.user_rows(users=users, seed=seed))
        connection.execute("COMMIT")
    _sync(path)


def _ensure(
    path: Path, made_from: dict[str, Any], write: Callable[[Path], None], *, lock: Path
) -> Path:
    made_from = {"generator": _GENERATOR, **made_from}
    try:
        if _is_current(path, made_from):
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        with exclusive_lock(lock, purpose=f"making {path.name}", timeout=_LOCK_SECONDS):
            if not _is_current(path, made_from):
                _make(path, made_from, write)
    except OSError as error:
        raise _storage_error(path, error.strerror or str(error), error.errno) from error
    except sqlite3.OperationalError as error:
        number = errno.ENOSPC if error.sqlite_errorcode == sqlite3.SQLITE_FULL else None
        raise _storage_error(path, str(error), number) from error
    return path


def _make(path: Path, made_from: dict[str, Any], write: Callable[[Path], None]) -> None:
    # The lock is held, so a temporary file here belongs to nobody any more.
    for left in path.parent.glob("_tmp*"):
        left.unlink(missing_ok=True)
    stamp = _stamp(path)
    new, new_stamp = path.with_name(f"_tmp_{path.name}"), path.with_name(f"_tmp_{stamp.name}")
    try:
        write(new)
        new_stamp.write_text(json.dumps(made_from), encoding="utf-8")
        _sync(new_stamp)
        stamp.unlink(missing_ok=True)
        for journal in _JOURNALS:
            path.with_name(path.name + journal).unlink(missing_ok=True)
        new.replace(path)
        new_stamp.replace(stamp)
    finally:
        new.unlink(missing_ok=True)
        new_stamp.unlink(missing_ok=True)


def _is_current(path: Path, made_from: dict[str, Any]) -> bool:
    try:
        return path.is_file() and json.loads(_stamp(path).read_bytes()) == made_from
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False


def _stamp(path: Path) -> Path:
    return path.with_name(f"{path.name}.stamp.json")


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _storage_error(path: Path, came_back: str, number: int | None) -> StorageError:
    if number in _NO_SPACE:
        return StorageFullError(
            f"the embedded source cannot be written ({came_back})",
            where=str(path),
            remedy="free space, set USERPROFILE_HOME to a larger disk, or lower "
            "USERPROFILE_DEMO_LINES and USERPROFILE_DEMO_USERS",
        )
    return StorageError(
        f"the embedded source cannot be written ({came_back})",
        where=str(path),
        remedy="make USERPROFILE_HOME a directory that this user may write to",
    )
