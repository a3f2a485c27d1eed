"""What a key of an object may look like."""

from __future__ import annotations

import pytest

from userprofile_assets.errors import PermanentError
from userprofile_assets.object_keys import check_key


@pytest.mark.parametrize(
    "key",
    ["a", "a/b.txt", "ods_raw_log_d/log_20240807/log_20240807.txt", "a b/c%d", "日志/a", "..a/b.."],
)
def test_a_relative_path_is_a_key(key):
    assert check_key(key) == key


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/a",
        "a/",
        "a//b",
        ".",
        "..",
        "a/../b",
        "a/./b",
        "../a",
        "a\\b",
        "a\0b",
        "a\nb",
        "a\x7f",
        "a\x85b",
        "a\udcffb",
        "a/%2e%2e/b",
        "a%2Fb",
        "a%5cb",
    ],
    ids=ascii,
)
def test_a_path_with_a_trick_is_no_key(key):
    with pytest.raises(PermanentError, match="cannot be the key of an object") as caught:
        check_key(key)
    assert "ods_raw_log_d/log_20240807/log_20240807.txt" in str(caught.value)
