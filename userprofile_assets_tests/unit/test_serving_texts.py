"""How texts are stored that a column cannot hold, one by one and a million at once."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from userprofile_assets.serving.arrow_texts import storable
from userprofile_assets.serving.stored_text import NO_TEXT, stored

HASHED = "x" * 5 + "~" + "0123456789abcdef" * 4


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(
    "text",
    ["", " ", "alice", "x" * 191, "😀" * 191, "a\n\t\\'", "~", "~" + "0" * 63, HASHED + "\n"],
    ids=lambda text: repr(text[:12]),
)
def test_a_text_that_fits_is_stored_as_it_is(text):
    assert stored(text, 191) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x" * 192, "x" * 126 + "~" + digest(b"x" * 192)),
        ("a\0b", "a\ufffdb~" + digest(b"a\0b")),
        ("a\udcff", "a\ufffd~" + digest(b"a\xff")),
        ("a\ud800", "a\ufffd~" + digest(b"a\xed\xa0\x80")),
        (HASHED, HASHED + "~" + digest(HASHED.encode())),
        (NO_TEXT, NO_TEXT + "~" + digest(NO_TEXT.encode())),
    ],
    ids=[
        "too long",
        "NUL",
        "a byte that is no UTF-8",
        "a lone surrogate",
        "looks hashed",
        "NULL's",
    ],
)
def test_another_text_is_cut_and_told_by_its_hash(text, expected):
    assert stored(text, 191) == expected
    assert len(expected) <= 191


ODD = st.one_of(
    st.text(st.characters(exclude_categories=[]), max_size=200),
    st.sampled_from(["a\0", "\udcff", HASHED, NO_TEXT, "x" * 100, "x" * 101, "", "a~"]),
)


@settings(deadline=None)
@given(one=ODD, other=ODD)
def test_two_texts_never_become_one(one, other):
    assert (stored(one, 100) == stored(other, 100)) == (one == other)
    assert len(stored(one, 100)) <= 100


@settings(deadline=None)
@given(
    st.lists(
        st.one_of(st.none(), st.binary(max_size=90), ODD.map(lambda t: t.encode(errors="replace")))
    )
)
def test_a_column_of_arrow_is_stored_as_each_of_its_texts(values):
    import pyarrow as pa

    binary = pa.array(values, pa.binary())
    column = pa.Array.from_buffers(
        pa.string(), len(binary), binary.buffers(), null_count=binary.null_count
    )
    expected = [
        None if value is None else stored(value.decode("utf-8", "surrogateescape"), 80)
        for value in values
    ]

    assert storable(column, 80).to_pylist() == expected
    assert storable(column, 80, needs_text=True).to_pylist() == [
        NO_TEXT if text is None else text for text in expected
    ]


def test_a_text_that_is_written_like_the_one_for_null_does_not_become_it():
    import pyarrow as pa

    column = pa.array([None, NO_TEXT])

    assert storable(column, 255, needs_text=True).to_pylist() == [NO_TEXT, stored(NO_TEXT, 255)]
