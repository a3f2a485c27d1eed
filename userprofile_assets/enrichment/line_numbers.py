"""`line_number`: where the quarantined lines of a day are in the log's object.

Belongs here: finding lines by their hash. Does not belong here: which lines are quarantined and why
(the SQL of the table), reading the object storage.

Spark gives lines no numbers. The day's log is read once more, on the driver, and only when there is
a line to be found.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from userprofile_assets.enrichment.lookup import LookupColumn
from userprofile_assets.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

# Different lines that are held at once: 200 bytes each, so 200 MB. A log with more of them is a log
# of another format.
MOST_LINES = 1_000_000

COLUMNS = (
    LookupColumn("file", "string", "Key of the object that has the line"),
    LookupColumn("line_number", "bigint", "Its number, from 1"),
    LookupColumn("reason", "string", "Why it could not be parsed"),
    LookupColumn("text", "string", r"The line; bytes that are no UTF-8 as \xHH"),
)

# Hadoop's line reader, which Spark uses, leaves it out at the very start of a file.
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class LineNumberLookup:
    """Finds lines in one object.

    Args:
        file: The object's key, for the rows.
        read: Opens the object and yields its bytes.
    """

    name = "line_number"
    columns = COLUMNS
    version = "1"
    attribution = None

    def __init__(self, file: str, read: Callable[[], Iterable[bytes]]) -> None:
        self._file = file
        self._read = read

    def rows(self, keys: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
        """Yield a row for every line that has one of the hashes, in the order of the object.

        Args:
            keys: Reason, and MD5 of the line's bytes as hex digits.

        Raises:
            SourceError: More than a million different lines are to be found.
        """
        reasons: dict[bytes, str] = {}
        for reason, digest in keys:
            reasons[bytes.fromhex(digest)] = reason
            if len(reasons) > MOST_LINES:
                raise SourceError(
                    f"more than {MOST_LINES:,} different lines cannot be parsed, such as: {reason}",
                    where=self._file,
                    remedy="look at a line of the log, and set USERPROFILE_LOG_FORMAT",
                )
        if not reasons:
            return
        for number, line in enumerate(_lines(self._read()), start=1):
            # MD5 because Spark has it; nobody gains from a collision here.
            found = reasons.get(hashlib.md5(line, usedforsecurity=False).digest())
            if found is not None:
                yield self._file, number, found, line.decode("utf-8", "backslashreplace")


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines as Spark counts them: ended by LF, the last one perhaps not."""
    rest: list[bytes] = []
    is_first = True
    for chunk in chunks:
        head, *others = chunk.split(b"\n")
        rest.append(head)
        for other in others:
            line = b"".join(rest)
            yield line.removeprefix(_BYTE_ORDER_MARK) if is_first else line
            is_first = False
            rest = [other]
    last = b"".join(rest)
    if last:
        yield last.removeprefix(_BYTE_ORDER_MARK) if is_first else last
