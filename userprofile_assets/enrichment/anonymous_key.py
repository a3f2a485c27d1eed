"""The key under which addresses are hashed: given, or made once and kept.

Belongs here: where it comes from. Does not belong here: hashing (`address_lookup.py`).
"""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

from userprofile_assets.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

_BYTES = 32


def anonymous_key(home: Path, given: str | None) -> bytes:
    """Return the key that was given, or that of this home directory, made when it is missing.

    Args:
        home: Directory of what the project keeps; the key is `keys/anonymous` in it.
        given: USERPROFILE_ANONYMOUS_KEY.

    Raises:
        SettingsError: The file cannot be read or made, or is no key.
    """
    if given:
        return given.encode("utf-8")
    path = home / "keys" / "anonymous"
    try:
        if not path.exists():
            _make(path)
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"the key for anonymous visitors cannot be read or made ({error})",
            where=str(path),
            remedy="make the directory writable, or set USERPROFILE_ANONYMOUS_KEY",
        ) from error
    if len(key) != _BYTES:
        raise SettingsError(
            f"the key for anonymous visitors has {len(key)} bytes, not {_BYTES}",
            where=str(path),
            remedy="remove the file to have a new one; visitors then get other names",
        )
    return key


def _make(path: Path) -> None:
    """Make the file whole, for this user alone; of two processes one wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    own = path.with_name(f"_{path.name}.{secrets.token_hex(8)}")
    handle = os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(_BYTES))
        try:
            os.link(own, path)
        except FileExistsError:
            return
    finally:
        own.unlink()
