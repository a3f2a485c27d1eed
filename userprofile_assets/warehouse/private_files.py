"""Files that only this user may read: a token, a configuration with secrets.

Belongs here: writing one whole with mode 0600, and the format of a Java properties file. Does not
belong here: what goes into it.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_ESCAPES = {"\\": "\\\\", "=": "\\=", ":": "\\:", "#": "\\#", "!": "\\!", " ": "\\ "} | {
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\f": "\\f",
}


def write_private(path: Path, text: str) -> None:
    """Write a file that appears whole, for this user alone; its directory is made.

    Raises:
        OSError: It cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix="_tmp.", dir=path.parent)  # with mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def properties_text(entries: Mapping[str, str]) -> str:
    """Return entries as java.util.Properties reads them, in ASCII."""
    return "".join(f"{_escape(key)}={_escape(value)}\n" for key, value in entries.items())


def _escape(text: str) -> str:
    return "".join(_ESCAPES.get(c) or (c if " " < c < "\x7f" else _in_utf16(c)) for c in text)


def _in_utf16(character: str) -> str:
    units = character.encode("utf-16-be")
    return "".join(
        f"\\u{int.from_bytes(units[i : i + 2], 'big'):04x}" for i in range(0, len(units), 2)
    )
