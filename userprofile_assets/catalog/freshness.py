"""Whether an index still says what the files say: their state, the settings, the program.

Belongs here: looking at files without reading them. Does not belong here: the index itself
(`index_file.py`). The standard library alone, since every command comes through here.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

State = dict[str, list[int]]
"""By path: time of the last change in nanoseconds, and size."""

_PACKAGE = Path(__file__).resolve().parent.parent
# What an index depends on besides files and settings: the rooms that make it.
_ROOMS = ("catalog", "enrichment", "quality", "warehouse")

# A file may change again within one tick of the file system's clock, and keep its size. One that is
# as young as this is looked into the next time.
_YOUNG_NS = 2_000_000_000
UNSURE = -1
"""Instead of the time of a young file."""


@dataclass(frozen=True)
class Before:
    """What there was before anything was read: what changes later is found changed the next time.

    Attributes:
        variables: The `USERPROFILE_*` variables that are set.
        files: State of the files of `sql/`.
        sources: State of what runs have seen of the sources.
        program: Digest of the code.
    """

    variables: Mapping[str, str]
    files: State
    sources: State
    program: str


def state_of(directory: Path, endings: tuple[str, ...]) -> State:
    """Return the state of the files below a directory, hidden ones left out."""
    found: State = {}
    if directory.is_dir():
        _walk(os.fspath(directory), "", endings, found)
    return found


def _walk(directory: str, prefix: str, endings: tuple[str, ...], found: State) -> None:
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                _walk(entry.path, f"{prefix}{entry.name}/", endings, found)
            elif entry.name.endswith(endings):
                try:
                    status = entry.stat()
                except OSError:
                    continue  # gone meanwhile, or a link to nothing
                found[prefix + entry.name] = [status.st_mtime_ns, status.st_size]


def without_young(state: State, now_ns: int | None = None) -> State:
    """Return a state to be kept: young files are marked, so that they are looked into again."""
    limit = (time.time_ns() if now_ns is None else now_ns) - _YOUNG_NS
    return {
        name: [UNSURE if changed > limit else changed, size]
        for name, (changed, size) in state.items()
    }


def program() -> str:
    """Return a digest of the code that makes an index, and of sqlglot's version."""
    digest = hashlib.sha256(sys.version.encode("utf-8"))
    for room in _ROOMS:
        digest.update(repr(sorted(state_of(_PACKAGE / room, (".py",)).items())).encode("utf-8"))
    sqlglot = importlib.util.find_spec("sqlglot")
    if sqlglot is not None and sqlglot.origin is not None:
        directory = Path(sqlglot.origin).parent
        digest.update(repr(sorted(state_of(directory, ("_version.py",)).items())).encode("utf-8"))
    return digest.hexdigest()


def digest_of(variables: Mapping[str, str], names: list[str]) -> str:
    """Return a digest of the values of some variables, as they are set.

    Args:
        variables: The variables that are set.
        names: Those that count. Never a secret one: the digest is kept in a file.
    """
    chosen = [(name, variables.get(name)) for name in sorted(names)]
    return hashlib.sha256(repr(chosen).encode("utf-8")).hexdigest()
