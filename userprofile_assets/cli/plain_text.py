"""Text for a terminal: nothing in it can move the cursor, and columns line up.

Belongs here: escaping, folding, aligning. Does not belong here: what is shown.

rich's tables take a second for a thousand rows; these take a fiftieth.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from rich.cells import cell_len

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

_GAP = 2
_NARROWEST = 6
_HIDDEN = re.compile(
    "[\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)
_BOLD, _DIM, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[0m"


def visible(text: str) -> str:
    """Return a text with control characters, and those that reorder or hide others, escaped."""
    if text.isprintable():
        return text
    return "".join(c.encode("unicode_escape").decode("ascii") if _is_hidden(c) else c for c in text)


@lru_cache(maxsize=4096)
def _is_hidden(character: str) -> bool:
    # Blanks of other widths, such as that of Chinese, are text.
    category = unicodedata.category(character)
    return category[0] == "C" or category in {"Zl", "Zp"}


def visible_json(text: str) -> str:
    r"""Return JSON in which characters that a terminal obeys are written as `\uXXXX`.

    They can only stand inside of strings, so it means the same.
    """
    return _HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


@dataclass(frozen=True)
class Look:
    """How much a line may hold, and whether it may have colours.

    Attributes:
        width: Most cells of a line; None: as many as it needs.
        styled: Whether to write bold and dim.
    """

    width: int | None
    styled: bool

    @classmethod
    def of(cls, console: Console) -> Look:
        """Return what suits a console: plain and unfolded where it is none, as in a pipe."""
        if not console.is_terminal:
            return cls(width=None, styled=False)
        return cls(width=console.width, styled=not console.no_color)

    def bold(self, text: str) -> str:
        """Write a heading."""
        return f"{_BOLD}{text}{_PLAIN}" if self.styled else text

    def dim(self, text: str) -> str:
        """Write what matters less."""
        return f"{_DIM}{text}{_PLAIN}" if self.styled else text


def aligned(
    header: Sequence[str], rows: Sequence[Sequence[str]], look: Look, *, indent: int = 0
) -> Iterator[str]:
    """Yield lines of a table; columns that are empty in every row are left out.

    Args:
        header: Names of the columns.
        rows: Cells; made visible here.
        look: Width and style.
        indent: Blanks before each line.
    """
    safe = [[visible(cell) for cell in row] for row in rows]
    kept = [i for i in range(len(header)) if any(row[i] for row in safe)]
    names = [header[i] for i in kept]
    cells = [[row[i] for i in kept] for row in safe]
    widths = [
        max(cell_len(name), *(cell_len(row[i]) for row in cells)) for i, name in enumerate(names)
    ]
    if look.width is not None:
        _shrink(widths, look.width - indent - _GAP * (len(widths) - 1))
    margin = " " * indent
    yield look.dim(margin + _line(names, widths))
    for row in cells:
        folded = [list(fold(cell, width)) for cell, width in zip(row, widths, strict=True)]
        for number in range(max(len(lines) for lines in folded)):
            parts = [lines[number] if number < len(lines) else "" for lines in folded]
            yield margin + _line(parts, widths)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (
        cell + " " * (width - cell_len(cell)) for cell, width in zip(cells, widths, strict=True)
    )
    return (" " * _GAP).join(padded).rstrip()


def _shrink(widths: list[int], available: int) -> None:
    """Take cells from the widest columns until the line fits."""
    while sum(widths) > available and max(widths) > _NARROWEST:
        widths[widths.index(max(widths))] -= 1


def fold(text: str, width: int) -> Iterator[str]:
    """Yield the lines of a text of one line, broken at blanks where there are some.

    Args:
        text: Already visible.
        width: Most cells of a line, at least 2.
    """
    if cell_len(text) <= width:
        yield text
        return
    line = ""
    for word in _pieces(text, width):
        joined = f"{line} {word}" if line else word
        if cell_len(joined) <= width:
            line = joined
        else:
            yield line
            line = word
    yield line


def _pieces(text: str, width: int) -> Iterator[str]:
    """Yield words, those that are wider than a line in pieces."""
    for word in text.split(" "):
        piece = ""
        for character in word:
            if cell_len(piece + character) > width:
                yield piece
                piece = ""
            piece += character
        if piece:
            yield piece


def shortened(text: str, width: int | None) -> str:
    """Return a text that fits a line, with dots where it was cut."""
    if width is None or cell_len(text) <= width:
        return text
    return next(fold(text, max(2, width - 3)), "") + "..."
