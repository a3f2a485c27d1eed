"""A walk as an indented tree, in plain text.

A place that is reached in several ways is unfolded the first time; later it is marked. A table of
many readers would otherwise be written thousands of times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from userprofile_assets.catalog.model import Place
    from userprofile_assets.catalog.walk import Walk

_AGAIN = " (above)"
_MORE = " ..."


def tree_lines(walk: Walk, shown: Callable[[str], str] = str) -> Iterator[str]:
    """Yield the lines of the tree, the start first.

    Args:
        walk: What was reached.
        shown: Makes a name safe to print.
    """
    unfolded: set[Place] = set()
    # A stack of its own: a chain of a thousand tables is deeper than Python's.
    waiting: list[tuple[Place, str, str]] = [(walk.start, "", "")]
    while waiting:
        place, before, below = waiting.pop()
        others = walk.steps.get(place, [])
        again = place in unfolded and bool(others)
        mark = _AGAIN if again else _MORE if place in walk.cut else ""
        yield f"{before}{shown(str(place))}{mark}"
        if again:
            continue
        unfolded.add(place)
        for number, other in enumerate(reversed(others)):
            last = number == 0
            waiting.append(
                (other, f"{below}{'└─ ' if last else '├─ '}", f"{below}{'   ' if last else '│  '}")
            )
