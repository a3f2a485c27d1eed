"""Keys of objects: what a key may look like.

A key becomes a path on a local disk and a URL in object storage, and S3 servers store `../` as it
is written. So a key is checked before anything is built from it.
"""

from __future__ import annotations

import re

from userprofile_assets.errors import PermanentError

# The surrogates are bytes of a file name that were no UTF-8; S3 keys are UTF-8.
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\\\ud800-\udfff]|%2[eEfF]|%5[cC]")


def check_key(key: str) -> str:
    """Return `key` if it can name an object, relative and without tricks.

    Raises:
        PermanentError: It is empty, absolute, has an empty, `.` or `..` part, a backslash, a
            control character, a byte that is no UTF-8, or a percent-encoded dot, slash or
            backslash.
    """
    parts = key.split("/")
    if not key or any(part in {"", ".", ".."} for part in parts) or _FORBIDDEN.search(key):
        raise PermanentError(
            f"{key!r} cannot be the key of an object",
            remedy="write a relative path such as ods_raw_log_d/log_20240807/log_20240807.txt",
        )
    return key
