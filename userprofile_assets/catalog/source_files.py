"""What the last run saw of each source, in files beside the index: `HOME/catalog/sources/`.

Belongs here: one small JSON file a source, so that comments of MySQL are found without opening a
database. Does not belong here: the history of a source's columns (`records/source_schemas.py`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from userprofile_assets.catalog.files import write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from userprofile_assets.records.schema_change import SourceSchema


@dataclass(frozen=True)
class SourceColumn:
    """A column as a source has it."""

    name: str
    type: str
    comment: str | None


@dataclass(frozen=True)
class SourceFile:
    """A source as it was seen last."""

    columns: tuple[SourceColumn, ...]


def directory_of(home: Path) -> Path:
    """Return where the files are."""
    return home / "catalog" / "sources"


def keep_source(home: Path, source: str, schema: SourceSchema) -> None:
    """Write what was seen of a source; if it cannot be written, the catalogue knows less.

    Args:
        home: USERPROFILE_HOME.
        source: Name of the source's dataset.
        schema: What was seen.

    Raises:
        OSError: It cannot be written.
    """
    columns = [{"name": c.name, "type": c.type, "comment": c.comment} for c in schema.columns]
    path = directory_of(home) / f"{source}.json"
    data = json.dumps({"columns": columns}, ensure_ascii=False).encode("utf-8")
    try:
        if path.read_bytes() == data:
            return  # the index stays fresh
    except OSError:
        pass
    write_whole(path, data)


def read_sources(home: Path) -> dict[str, SourceFile]:
    """Return what was seen of each source; a file that is broken or missing tells nothing."""
    found = {}
    for path in sorted(directory_of(home).glob("*.json")):
        try:
            found[path.stem] = _read(json.loads(path.read_bytes()))
        except (OSError, ValueError, TypeError, KeyError):
            continue
    return found


def _read(entry: dict[str, Any]) -> SourceFile:
    return SourceFile(
        tuple(
            SourceColumn(str(c["name"]), str(c["type"]), c["comment"] and str(c["comment"]))
            for c in entry["columns"]
        )
    )
