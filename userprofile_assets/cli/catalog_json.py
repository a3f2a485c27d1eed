"""The data map as JSON; docs/catalog.md describes it.

Belongs here: writing it. Does not belong here: names and their order (`catalog/json_shapes.py`),
text for people (`catalog_text.py`).
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from userprofile_assets.catalog.json_shapes import details, hit, lineage, summary
from userprofile_assets.cli.plain_text import visible_json

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["details", "hit", "lineage", "summary", "write_list", "write_object"]


def write_list(values: Iterable[dict[str, Any]]) -> None:
    """Write one JSON array, an object a line."""
    lines = ",\n".join(json.dumps(value, ensure_ascii=False) for value in values)
    sys.stdout.write(visible_json(f"[\n{lines}\n]\n" if lines else "[]\n"))


def write_object(value: dict[str, Any]) -> None:
    """Write one JSON object."""
    sys.stdout.write(visible_json(json.dumps(value, ensure_ascii=False, indent=2)) + "\n")
