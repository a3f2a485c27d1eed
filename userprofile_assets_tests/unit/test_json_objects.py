"""JSON objects in settings: what is read, and what is refused in words that show none of it."""

from __future__ import annotations

import pytest

from userprofile_assets.json_objects import read_strings


@pytest.mark.parametrize(
    ("text", "expected"),
    [("{}", {}), (' {"a": "1", "b": ""} ', {"a": "1", "b": ""})],
    ids=["empty", "two"],
)
def test_an_object_of_strings_is_read(text, expected):
    assert read_strings(text) == expected


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "not a JSON object"),
        ("X-Key: geheim", "not a JSON object"),
        ('{"X-Key": "geheim"', "not a JSON object"),
        ("[" * 100_000, "not a JSON object"),
        ('"geheim"', "write a JSON object of strings"),
        ('["geheim"]', "write a JSON object of strings"),
        ('{"geheim": 1}', "write a JSON object of strings"),
        ('{"geheim": null}', "write a JSON object of strings"),
    ],
    ids=["empty", "no JSON", "half", "deep", "string", "list", "number", "null"],
)
def test_anything_else_is_refused_and_not_quoted(text, sentence):
    with pytest.raises(ValueError, match=f"^{sentence}$") as caught:
        read_strings(text)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
