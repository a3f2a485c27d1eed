"""JSON objects that people write into settings: headers, Spark's configuration.

Belongs here: reading one, in words that show none of it, since a value in it can be a secret. Does
not belong here: which setting it is; each caller names it in an error of its own.
"""

from __future__ import annotations

import json


def read_strings(text: str) -> dict[str, str]:
    """Read a JSON object whose values are strings.

    Raises:
        ValueError: It is none. Neither the message nor a cause quotes the text.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):  # 1,000 brackets are enough for the latter
        raise ValueError("not a JSON object") from None
    if not isinstance(found, dict) or not all(isinstance(v, str) for v in found.values()):
        raise ValueError("write a JSON object of strings")
    return found
