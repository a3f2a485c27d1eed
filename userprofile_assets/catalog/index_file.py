"""The index: the whole data map in one JSON file, `HOME/catalog/index.json`.

Belongs here: its format. Does not belong here: when it is made anew (`open_catalog.py`).

A dataset is a list of its attributes in their order, and so is a column: half the size of objects,
and read in half the time.
"""

from __future__ import annotations

import gc
import json
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from userprofile_assets.catalog.model import Catalog, Column, Dataset

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from userprofile_assets.catalog.freshness import State

FORMAT = 1
"""Raised when an index of a former version must not be read."""


@dataclass(frozen=True, kw_only=True)
class Stamp:
    """What an index was made from.

    Attributes:
        directory: Where the files of `sql/` were.
        files: Their state, that of the YAML files too.
        sources: State of what runs have seen of the sources.
        program: Digest of the code.
        known: Every variable that was a setting then.
        counted: Those whose values are in `values`: all but secrets.
        values: Digest of the values.
    """

    directory: str
    files: State
    sources: State
    program: str
    known: list[str]
    counted: list[str]
    values: str


@dataclass(frozen=True)
class Index:
    """A catalogue, and what it was made from."""

    stamp: Stamp
    catalog: Catalog


def dump_index(stamp: Stamp, datasets: Iterable[Dataset]) -> bytes:
    """Return an index as JSON."""
    content = {
        "format": FORMAT,
        "stamp": {field.name: getattr(stamp, field.name) for field in fields(Stamp)},
        "datasets": [
            [getattr(dataset, field.name) for field in fields(Dataset)] for dataset in datasets
        ],
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def read_index(path: Path) -> Index | None:
    """Read an index; None if there is none, or it is broken or of another format."""
    collecting = gc.isenabled()
    gc.disable()  # a hundred thousand small lists, none of which is garbage
    try:
        return _parse(json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError, KeyError, IndexError, RecursionError):
        return None
    finally:
        if collecting:
            gc.enable()


def _parse(content: Any) -> Index | None:
    if content["format"] != FORMAT:
        return None
    stamp = Stamp(**content["stamp"])
    return Index(stamp, Catalog([_dataset(entry) for entry in content["datasets"]]))


def _dataset(entry: list[Any]) -> Dataset:
    name, kind, group, description, owner, tags, file, columns, dependencies = entry
    return Dataset(
        name=name,
        kind=kind,
        group=group,
        description=description,
        owner=owner,
        tags=tuple(tags),
        file=file,
        columns=tuple([_column(column) for column in columns]),
        dependencies=tuple(dependencies),
    )


def _column(entry: list[Any]) -> Column:
    name, kind, comment, pii, tags, partition, sources = entry
    edges = tuple([(dataset, column) for dataset, column in sources])
    return Column(name, kind, comment, pii, tuple(tags), partition, edges)
