"""The rule of `stored_text.py` for a column of Arrow, at the speed of Arrow.

Belongs here: finding the few texts that cannot be stored as they are. Does not belong here: the
rule.
"""

from __future__ import annotations

from typing import Any

from userprofile_assets.serving.stored_text import HASHED, NO_TEXT, hashed, stored

# A text that looks like what the rule makes has at least `~` and 64 digits.
_SHORTEST_HASHED = 65


def storable(texts: Any, limit: int, *, needs_text: bool = False) -> Any:
    """Return a column of texts as they are stored.

    Args:
        texts: A `pyarrow.StringArray`; its bytes need not be UTF-8.
        limit: Characters of the database's column.
        needs_text: Whether the column has no NULL: `NO_TEXT` stands for it.
    """
    import pyarrow.compute as pc

    # Last, so that a text that somebody wrote like NO_TEXT has been hashed before.
    found = _storable(texts, limit)
    return pc.fill_null(found, NO_TEXT) if needs_text and found.null_count else found


def _storable(texts: Any, limit: int) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        texts.validate(full=True)
    except pa.ArrowInvalid:
        return _one_by_one(texts, limit)
    lengths = pc.utf8_length(texts)
    odd = pc.match_substring(texts, "\0")
    if (pc.max(lengths).as_py() or 0) >= _SHORTEST_HASHED:
        odd = pc.or_(odd, pc.greater(lengths, limit))
        odd = pc.or_(odd, pc.match_substring_regex(texts, HASHED))
    if not pc.any(odd).as_py():
        return texts
    replaced = [hashed(text, limit) for text in texts.filter(odd).to_pylist()]
    return pc.replace_with_mask(texts, pc.fill_null(odd, False), pa.array(replaced, pa.string()))  # noqa: FBT003 - Arrow's


def _one_by_one(texts: Any, limit: int) -> Any:
    import pyarrow as pa

    found = [
        None if data is None else stored(data.decode("utf-8", "surrogateescape"), limit)
        for data in texts.cast(pa.binary()).to_pylist()
    ]
    return pa.array(found, pa.string())
