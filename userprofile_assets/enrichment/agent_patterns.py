"""Search for regular expressions fast: a Rust engine screens, Python's `re` confirms.

Belongs here: how expressions are run. Does not belong here: any expression.

The engine is the one of ua-parser (`ua-parser-rs`): it searches an agent for hundreds of
alternatives in microseconds, where `re` tries them one by one at every character. It knows no
look-around; taken out, an expression matches too much, never too little, so that `re` is asked only
when the engine has found something.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ua_parser_rs import DeviceExtractor

_LOOK_AROUND = ("(?=", "(?!", "(?<=", "(?<!")


class Screened:
    """One expression. Made at no cost; compiled at the first search.

    Args:
        pattern: The expression, for text in lower case.
    """

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern

    @cached_property
    def _screen(self) -> DeviceExtractor:
        import ua_parser_rs

        pattern = without_look_around(self._pattern)
        return ua_parser_rs.DeviceExtractor([(pattern, None, "found", None, None)])

    @cached_property
    def _exact(self) -> re.Pattern[str]:
        return re.compile(self._pattern)

    def found_in(self, text: str) -> bool:
        """Say whether the expression matches anywhere."""
        return self._screen.extract(text) is not None and self._exact.search(text) is not None

    def cut_from(self, text: str, *, put: str = " ") -> str:
        """Return the text with `put` in place of each match."""
        return text if self._screen.extract(text) is None else self._exact.sub(put, text)


def without_look_around(pattern: str) -> str:
    """Take the look-around groups out; what is left matches at least what `pattern` does."""
    kept: list[str] = []
    depth = 0  # of parentheses inside a group that is left out
    position = 0
    while position < len(pattern):
        step = _token_length(pattern, position)
        if depth:
            depth += {"(": 1, ")": -1}.get(pattern[position : position + step], 0)
        elif pattern.startswith(_LOOK_AROUND, position):
            depth = 1
        else:
            kept.append(pattern[position : position + step])
        position += step
    return "".join(kept)


def _token_length(pattern: str, start: int) -> int:
    """Return how many characters an escape or a character class takes; 1 for anything else."""
    if pattern[start] == "\\":
        return 2
    if pattern[start] != "[":
        return 1
    end = start + 2  # a bracket that comes first is a character of the class
    while pattern[end] != "]":
        end += 2 if pattern[end] == "\\" else 1
    return end + 1 - start
