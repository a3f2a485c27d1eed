"""Take values of rows out of what Spark says, before it leaves for other people's machines.

Belongs here: texts of Spark and Java, alone or within an error of ours. Does not belong here:
secrets (`redaction.py`), columns marked `pii` (`quality/masking.py`).

Values stand in quotes (`The value 'Ann' of the type`), bare (`13800138000 cannot be represented`),
with line feeds in them, or are all that is said (`raise_error`).
"""

from __future__ import annotations

import re
from itertools import pairwise

_CONDITION = re.compile(r"\[[A-Z][A-Z0-9]*(?:[_.][A-Z0-9]+)+\]")
_SQLSTATE = re.compile(r"SQLSTATE: ([0-9A-Z]{5})")
# Data exception, constraint violation (a key that is there twice), raise_error.
_ABOUT_DATA = re.compile(r"22...|23...|P0001")
_JAVA = re.compile(r"\b(?:com|java|javax|org|scala)\.[\w.$]+(?:Exception|Error)\b")
_QUOTE = re.compile(r"['\"]")
_NOT_SHOWN = "what Spark says may hold values of rows, so it is not shown"


def without_row_values(text: str, *, of_spark: bool = False) -> str:
    """Return a text without values of rows; error conditions and SQLSTATEs stay.

    Args:
        text: Any text. Of ours what stands before an error condition or an exception of Java stays.
        of_spark: Whether all of it is Spark's.
    """
    starts = [found.start() for found in _CONDITION.finditer(text)]
    head = text[: starts[0]] if starts else text
    java = None if of_spark else _JAVA.search(head)
    begin = 0 if of_spark else java.start() if java else len(head)
    parts = [text[start:end] for start, end in pairwise([*starts, len(text)])]
    return head[:begin] + _masked(head[begin:]) + "".join(map(_condition, parts))


def _condition(text: str) -> str:
    """Return what stays of a text that begins with an error condition."""
    name = text[: text.index("]") + 1]
    # The last one: a value may look like one.
    states = list(_SQLSTATE.finditer(text))
    if not states:
        # Its end is not known, since a value may have line feeds.
        return f"{name} {_NOT_SHOWN}"
    end = states[-1].end()
    if _ABOUT_DATA.fullmatch(states[-1][1]):
        return f"{name} {_NOT_SHOWN}. {states[-1][0]}{text[end:]}"
    return _masked(text[:end]) + text[end:]


def _masked(text: str) -> str:
    """Mask from the first quote to the last, to the end where one has no other.

    A value may have quotes itself, so pairs cannot be told.
    """
    quotes = [found.start() for found in _QUOTE.finditer(text)]
    if not quotes:
        return text
    rest = "" if len(quotes) % 2 else text[quotes[-1] + 1 :]
    return f"{text[: quotes[0]]}'***'{rest}"
