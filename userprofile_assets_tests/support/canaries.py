"""Canary secrets, and the search for them wherever a run leaves something.

Belongs here: values that can be told from everything else, the forms in which one may show up, and
reading files, databases and process lists. Does not belong here: which setting gets which value,
how a run is made (the tests), the Dagster UI (`ui_answers.py`).
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import sqlite3
import threading
import zlib
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SQLITE = b"SQLite format 3\0"
_GZIP = b"\x1f\x8b"
_LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class Canary:
    """A secret of a setting.

    Its core is letters and digits, which quoting for a URL, JSON or XML leaves as they are, so it
    is found within whatever the secret was put into. What follows is what often breaks quoting.

    Attributes:
        name: What it is the secret of.
        tail: Ends the value, such as characters that a URL has to quote.
    """

    name: str
    tail: str = ""

    @property
    def core(self) -> str:
        # No word that Spark or a server would hide by itself.
        return f"Zq7{hashlib.sha256(self.name.encode()).hexdigest()[:16]}"

    @property
    def value(self) -> str:
        return self.core + self.tail

    def forms(self) -> dict[str, bytes]:
        """Return the core as it is, in hex, and in base64 at each of its three alignments."""
        core = self.core.encode()
        found = {"plain": core.lower(), "hex": core.hex().encode()}
        for shift in range(3):
            # The first and last characters also depend on the neighbours in the text.
            encoded = base64.b64encode(bytes(shift) + core)
            whole = (shift + len(core)) * 8 // 6
            found[f"base64 at {shift}"] = encoded[(0, 2, 3)[shift] : whole]
        return found

    def form_in(self, data: bytes) -> str | None:
        """Return the first form that some bytes hold; None: it is not there."""
        lower = data.lower()
        for form, text in self.forms().items():
            # Base64 means something else in lower case; a letter's case means nothing to a leak.
            if text in (data if form.startswith("base64") else lower):
                return form
        return None


Piece = tuple[str, bytes]
"""Where something was found, and what."""


def leaks(canaries: Iterable[Canary], pieces: Iterable[Piece]) -> list[str]:
    """Return a line for each canary in each place."""
    wanted = list(canaries)
    return [
        f"the {canary.name} ({form}) in {where}"
        for where, data in pieces
        for canary in wanted
        if (form := canary.form_in(data)) is not None
    ]


def files_of(directory: Path) -> Iterator[Piece]:
    """Yield every file below a directory: its bytes, and what is packed in them.

    The rows of SQLite are given one by one, since Dagster compresses the snapshots in them and a
    long value is scattered over the file.
    """
    for path in sorted(directory.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            continue  # a journal of SQLite, or a scratch file
        where = str(path.relative_to(directory.parent))
        yield where, data
        if data.startswith(_SQLITE):
            yield from _rows_of(path, where)
        elif data.startswith(_GZIP):
            yield f"{where}, unpacked", gzip.decompress(data)


def _rows_of(path: Path, where: str) -> Iterator[Piece]:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        for (table,) in names.fetchall():
            for row in connection.execute(f'SELECT * FROM "{table}"'):
                for value in row:
                    if isinstance(value, str):
                        yield f"{where}, table {table}", value.encode()
                    elif isinstance(value, bytes):
                        yield f"{where}, table {table}", value
                        with suppress(zlib.error):
                            yield f"{where}, table {table}, unpacked", zlib.decompress(value)


@dataclass
class CommandLines:
    """Watches, as `ps` does, the command lines of all processes that belong to a Dagster home.

    They belong to it by the DAGSTER_HOME in their environment, which children inherit: the JVM,
    code servers. Used as a context manager around what starts them.
    """

    dagster_home: Path
    seen: set[bytes] = field(default_factory=set)

    def __enter__(self) -> Self:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def pieces(self) -> list[Piece]:
        """Return each command line that was seen."""
        return [("a process list", line.replace(b"\0", b" ")) for line in sorted(self.seen)]

    def _watch(self) -> None:
        mark = f"DAGSTER_HOME={self.dagster_home}".encode()
        known: set[tuple[str, bytes]] = set()
        while True:
            for directory in Path("/proc").iterdir():
                if not directory.name.isdigit():
                    continue
                with suppress(OSError):  # ended, or of another user
                    line = (directory / "cmdline").read_bytes()
                    if (directory.name, line) not in known:
                        known.add((directory.name, line))
                        if mark in (directory / "environ").read_bytes().split(b"\0"):
                            self.seen.add(line)
            if self._over.wait(_LOOK_SECONDS):  # between two looks
                return
