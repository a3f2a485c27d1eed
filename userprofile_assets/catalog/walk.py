"""Walk the edges of the data map, up to what a place is made from or down to what is made from it.

Belongs here: which places and edges are reached, each once. Does not belong here: how they are
shown (`tree.py`, `mermaid.py`).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from userprofile_assets.catalog.model import Catalog, Place

Direction = Literal["up", "down"]


@dataclass(frozen=True)
class Walk:
    """What was reached from a place in one direction.

    Attributes:
        start: Where it began.
        direction: `up` or `down`.
        steps: For each place reached, the places one step further that were followed.
        distance: Steps from the start, the shortest way.
        cut: Places that have more behind them than the depth allows.
    """

    start: Place
    direction: Direction
    steps: Mapping[Place, list[Place]]
    distance: Mapping[Place, int]
    cut: frozenset[Place]

    def edges(self) -> list[tuple[Place, Place]]:
        """Return the edges in the direction of the data: from what is read to what reads it."""
        pairs = [(place, other) for place, others in self.steps.items() for other in others]
        return pairs if self.direction == "down" else [(other, place) for place, other in pairs]


def walk(catalog: Catalog, start: Place, direction: Direction, *, depth: int | None = None) -> Walk:
    """Follow the edges from a place.

    Args:
        catalog: The data map.
        start: A dataset: its edges are those of tables. A column: those of columns.
        direction: `up` to what it is made from, `down` to what is made from it.
        depth: Most steps; None for all there are.
    """
    follow = catalog.upstream if direction == "up" else catalog.downstream
    steps: dict[Place, list[Place]] = {}
    distance = {start: 0}
    cut = set()
    waiting = deque([start])
    while waiting:
        place = waiting.popleft()
        others = follow(place)
        if depth is not None and distance[place] >= depth:
            if others:
                cut.add(place)
            steps[place] = []
            continue
        steps[place] = others
        for other in others:
            if other not in distance:
                distance[other] = distance[place] + 1
                waiting.append(other)
    return Walk(start, direction, steps, distance, frozenset(cut))
