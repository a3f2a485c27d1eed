"""The directories that runs write days to, below the LOCATION of a table.

    <table's LOCATION>/run=<run id>.<attempt>/dt=<bizdate>/

Belongs here: names, and reading them back. Does not belong here: writing (`day_writer.py`),
pointing partitions there (`partitions.py`), removing (`cli/gc.py`).

An attempt is one try of one run to write days of one table. It is named by the moment it began, so
attempts are told apart without asking anybody which there were, and sort by age. No two of them
ever share a directory: a statement that is given up may go on for a while on a server.
"""

from __future__ import annotations

import hashlib
import re
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime

_UNSAFE = re.compile(r"[^A-Za-z0-9-]")
_DIRECTORY = re.compile(
    r"run=(?P<run>[A-Za-z0-9-]+)\.(?P<attempt>\d{8}T\d{12}Z)"
    r"(?:/dt=(?P<bizdate>\d{8}))?(?:/.*)?",
    re.DOTALL,
)
_WRITER = re.compile(r"(?P<table>[a-z][a-z0-9_]*)__[0-9a-f]{12}")

_lock = threading.Lock()
_last = 0


@dataclass(frozen=True, order=True)
class Attempt:
    """One try of a run to write days of a table; sorts by the moment it began.

    Args:
        began: UTC, such as `20240808T003000123456Z`.
        run_id: The run.
    """

    began: str
    run_id: str

    @classmethod
    def begin(cls, run_id: str) -> Attempt:
        """Return a new attempt of a run; no two of a process are alike."""
        global _last  # noqa: PLW0603 - the clock may stand still between two calls
        with _lock:
            _last = max(_last + 1, time.time_ns() // 1000)
            began = datetime.fromtimestamp(_last // 1_000_000, UTC)
            stamp = f"{began:%Y%m%dT%H%M%S}{_last % 1_000_000:06}Z"
        return cls(stamp, _UNSAFE.sub("-", run_id) or "-")

    @property
    def name(self) -> str:
        """Name of its directory below the table's LOCATION."""
        return f"run={self.run_id}.{self.began}"

    def directory(self, table_location: str) -> str:
        """Return where it writes."""
        return f"{table_location.rstrip('/')}/{self.name}"

    def day(self, table_location: str, bizdate: str) -> str:
        """Return where it writes a day."""
        return f"{self.directory(table_location)}/dt={bizdate}"

    def writer(self, table: str) -> str:
        """Return the name of the table through which it writes."""
        digest = hashlib.sha256(self.name.encode()).hexdigest()[:12]
        return f"{table}__{digest}"


@dataclass(frozen=True)
class RunPath:
    """What a path below a table's LOCATION says: the attempt, and the day if it is one's."""

    attempt: Attempt
    bizdate: str | None


def read_run_path(path: str) -> RunPath | None:
    """Read `run=<run id>.<attempt>[/dt=<bizdate>][/...]`; None if it is no such path."""
    match = _DIRECTORY.fullmatch(path)
    if match is None:
        return None
    return RunPath(Attempt(match["attempt"], match["run"]), match["bizdate"])


def attempt_of(location: str) -> Attempt | None:
    """Return the attempt that a partition's or a writer's LOCATION belongs to, if it is one's."""
    _, found, path = location.rstrip("/").rpartition("/run=")
    read = read_run_path(f"run={path}") if found else None
    return read.attempt if read else None


def is_writer(table: str, name: str) -> bool:
    """Tell whether a name is that of a table through which runs write another one."""
    match = _WRITER.fullmatch(name)
    return match is not None and match["table"] == table
