"""What was found out about agents, kept in a SQLite file so that it is found out once.

Belongs here: the file, its size, what happens when it is broken or in use. Does not belong here:
how anything is found out.

The file is a cache: whatever is wrong with it, a run goes on without it. A file that is no database
of ours is thrown away. Several processes may use one file: each takes SQLite's own locks, for
milliseconds. An agent's key is a hash of the whole agent and of the version of the rules.
"""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from userprofile_assets.enrichment.agent_parser import AgentFacts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

_FILE = "agents.sqlite3"
_SCHEMA = 1
_CREATE = """
CREATE TABLE agents (
  number INTEGER PRIMARY KEY,
  key BLOB NOT NULL UNIQUE,
  device TEXT NOT NULL, identity TEXT NOT NULL,
  browser TEXT NOT NULL, os TEXT NOT NULL, version TEXT
)
"""
_KEY_BYTES = 16
# A row takes about 120 bytes, so the file ends near 120 MB. The rows written first go first.
MAX_ROWS = 1_000_000
_WAIT_SECONDS = 5.0
_CHUNK = 500  # parameters of one SELECT; SQLite's own limit was 999 before 3.32
# Somebody else's trouble, which throwing the file away would not cure.
_NOT_BROKEN = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_AUTH,
    }
)


class AgentCache:
    """A cache in `directory`, for one version of the rules.

    Args:
        directory: Made when missing.
        version: Part of every key: other versions' rows are never found, and go with age.
        log: Told, in one sentence, when the cache cannot be used.
        max_rows: The oldest rows above this number are removed.
    """

    def __init__(
        self,
        directory: Path,
        *,
        version: str,
        log: Callable[[str], None],
        max_rows: int = MAX_ROWS,
    ) -> None:
        self._path = directory / _FILE
        self._version = version.encode()
        self._log = log
        self._max_rows = max_rows

    def find(self, agents: Sequence[str]) -> dict[str, AgentFacts]:
        """Return what is known; nothing when the file cannot be used."""
        by_key = {self._key(agent): agent for agent in agents}
        found: dict[str, AgentFacts] = {}
        keys = list(by_key)

        def select(connection: sqlite3.Connection) -> None:
            for start in range(0, len(keys), _CHUNK):
                chunk = keys[start : start + _CHUNK]
                marks = ",".join("?" * len(chunk))
                rows = connection.execute(
                    "SELECT key, device, identity, browser, os, version FROM agents "  # noqa: S608 - only ?
                    f"WHERE key IN ({marks})",
                    chunk,
                )
                found.update((by_key[key], AgentFacts(*facts)) for key, *facts in rows)

        return found if self._use(select) else {}

    def keep(self, known: Mapping[str, AgentFacts]) -> None:
        """Write what was found out, unless the file cannot be used."""
        rows = [(self._key(agent), *facts) for agent, facts in known.items()]

        def insert(connection: sqlite3.Connection) -> None:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(
                "INSERT OR IGNORE INTO agents (key, device, identity, browser, os, version) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                rows,
            )
            connection.execute(
                "DELETE FROM agents WHERE number <= (SELECT max(number) FROM agents) - ?",
                (self._max_rows,),
            )
            connection.execute("COMMIT")

        if rows:
            self._use(insert)

    def _key(self, agent: str) -> bytes:
        digest = hashlib.blake2b(self._version, digest_size=_KEY_BYTES)
        digest.update(b"\0")
        digest.update(agent.encode("utf-8", "surrogatepass"))
        return digest.digest()

    def _use(self, work: Callable[[sqlite3.Connection], None]) -> bool:
        """Do `work` on the file; when that fails say why and return False."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._path, timeout=_WAIT_SECONDS)) as connection:
                connection.isolation_level = None
                _prepare(connection)
                work(connection)
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
            if code in _NOT_BROKEN:
                self._log(f"{self._path}: the cache of agents is not used ({error})")
            else:
                self._log(f"{self._path}: the cache of agents is broken ({error}); thrown away")
                self._throw_away()
        except OSError as error:
            self._log(f"{self._path}: the cache of agents is not used ({error.strerror})")
        else:
            return True
        return False

    def _throw_away(self) -> None:
        for path in _files(self._path):
            with suppress(OSError):
                path.unlink(missing_ok=True)


def _prepare(connection: sqlite3.Connection) -> None:
    """Make the table in a new file; raise when the file is of another schema."""
    (schema,) = connection.execute("PRAGMA user_version").fetchone()
    if schema == _SCHEMA:
        return
    connection.execute("BEGIN IMMEDIATE")
    (schema,) = connection.execute("PRAGMA user_version").fetchone()
    if schema == 0:  # not made by another process while this one waited
        connection.execute(_CREATE)
        connection.execute(f"PRAGMA user_version = {_SCHEMA}")
    elif schema != _SCHEMA:
        raise sqlite3.DatabaseError(f"schema {schema} instead of {_SCHEMA}")
    connection.execute("COMMIT")


def _files(path: Path) -> Iterable[Path]:
    return (path, *(path.with_name(path.name + end) for end in ("-journal", "-wal", "-shm")))
