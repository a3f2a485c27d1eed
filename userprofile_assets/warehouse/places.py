"""Locations as Spark names them: equal, one below another, and the key in the object storage.

Belongs here: comparing texts. Does not belong here: asking Spark or the storage.

There is no URL parser here: Spark shows paths as they are, `#`, `?` and `%` included.
"""

from __future__ import annotations

import re


def normal_place(location: str) -> str:
    """Write a location so that one place compares equal, whatever its slashes.

    `file:/x`, `file:///x` and `file://localhost/x` are one place.
    """
    scheme, colon, rest = location.partition(":")
    if not colon:
        scheme, rest = "", location
    path = re.sub("/+", "/", rest).rstrip("/")
    if scheme == "file" and rest.startswith("//localhost/"):
        path = path.removeprefix("/localhost")
    return f"{scheme}:{path}"


def same_place(one: str, other: str) -> bool:
    """Tell whether two locations are one place."""
    return normal_place(one) == normal_place(other)


def is_under(location: str, root: str) -> bool:
    """Tell whether a location lies below a root, not at it."""
    return key_under(location, root) is not None


def key_under(location: str, root: str) -> str | None:
    """Return a location's path below a root, such as `dwd/t/run=1`; None if it is not there."""
    place, top = normal_place(location), normal_place(root)
    key = place.removeprefix(f"{top}/")
    return None if key == place else key
