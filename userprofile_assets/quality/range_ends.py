"""The ends of a `between`: whether they are values of its column, and leave room between them.

Belongs here: checking them when a file is read. Does not belong here: their SQL (`measures.py`).
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from userprofile_assets.quality.known_columns import TIME

if TYPE_CHECKING:
    from collections.abc import Mapping

    from userprofile_assets.quality.yaml_nodes import Node

_NUMBER = re.compile(r"[-+]?[0-9]+(\.[0-9]+)?")
# Python reads more, such as 20240807 and weeks; Spark does not.
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d.*)?")


def check_ends(column: str, kind: str, ends: Mapping[str, Node], node: Node) -> None:
    """Refuse ends that no value can meet.

    Args:
        column: The column.
        kind: Its type as Spark writes it; empty or `unknown` where it is not known, which is then
            measured as a number.
        ends: `min`, `max` or both.
        node: The rule.

    Raises:
        QualityFileError: An end is no number, or no moment of a column of time; the lower end is
            above the upper one.
    """
    is_time = kind not in {"", "unknown"} and TIME.fullmatch(kind) is not None
    values: dict[str, Any] = {}
    for key, end in ends.items():
        try:
            values[key] = _moment(end.text(key)) if is_time else _number(end.text(key))
        except ValueError:
            what = "date or time" if is_time else "number"
            raise end.error(
                f"{key} is no {what}, but {column} is {kind or 'unknown'}",
                "write it like 2024-08-07 or 2024-08-07 10:00:00" if is_time else "use one",
            ) from None
    if _is_empty(values):
        low, high = (ends[key].text(key) for key in ("min", "max"))
        raise node.error(f"no value is between {low} and {high}", "exchange min and max")


def _is_empty(values: Mapping[str, Any]) -> bool:
    if values.keys() != {"min", "max"}:
        return False
    try:
        return bool(values["min"] > values["max"])
    except TypeError:
        return False  # one has a zone, the other that of Spark's session, which is not known here


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise ValueError(text)
    return float(text)


def _moment(text: str) -> datetime:
    if not _MOMENT.fullmatch(text):
        raise ValueError(text)
    return datetime.fromisoformat(text)
