"""A walk as a Mermaid flowchart (https://mermaid.js.org/syntax/flowchart.html).

Identifiers follow from names alone, so that the same edges give the same text. Labels are quoted,
and what means something inside quotes is written as an entity.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from userprofile_assets.catalog.model import Place
    from userprofile_assets.catalog.walk import Walk

_NOT_PLAIN = re.compile(r"[^0-9A-Za-z_]")
_IN_LABELS = re.compile(r"[^0-9A-Za-z_ .,:/()-]")


def mermaid_lines(walks: Iterable[Walk]) -> Iterator[str]:
    """Yield the lines of one flowchart of all walks, the data flowing from left to right."""
    places: set[Place] = set()
    edges: set[tuple[Place, Place]] = set()
    start: Place | None = None
    for walk in walks:
        start = walk.start
        places |= set(walk.distance)
        edges |= set(walk.edges())
    yield "flowchart LR"
    for dataset in sorted({place.dataset for place in places}):
        columns = sorted(p for p in places if p.dataset == dataset and p.column is not None)
        if columns:
            yield f'  subgraph {_dataset_id(dataset)}["{_label(dataset)}"]'
            yield from (f'    {_id(place)}["{_label(place.column or "")}"]' for place in columns)
            yield "  end"
        else:
            yield f'  {_dataset_id(dataset)}["{_label(dataset)}"]'
    yield from (f"  {_id(one)} --> {_id(other)}" for one, other in sorted(edges, key=_by_text))
    if start is not None:
        yield f"  style {_id(start)} stroke-width:3px"


def _by_text(edge: tuple[Place, Place]) -> tuple[str, str]:
    return str(edge[0]), str(edge[1])


def _dataset_id(name: str) -> str:
    # A letter first: `end` and other words of Mermaid's own cannot come about.
    return f"t_{_plain(name)}"


def _id(place: Place) -> str:
    if place.column is None:
        return _dataset_id(place.dataset)
    # The length keeps `a_b` + `c` and `a` + `b_c` apart.
    return f"c{len(place.dataset)}_{_plain(place.dataset)}_{_plain(place.column)}"


def _plain(name: str) -> str:
    return _NOT_PLAIN.sub(lambda found: f"_u{ord(found[0]):x}_", name)


def _label(text: str) -> str:
    return _IN_LABELS.sub(lambda found: f"#{ord(found[0])};", text)
