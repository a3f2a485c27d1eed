"""The text of values and rows: literal expectations, and the round trip for any text."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from userprofile_assets.errors import SettingsError, SourceError
from userprofile_assets.ingestion.text_dialect import decode_line, encode_rows


@pytest.mark.parametrize(
    ("value", "field"),
    [
        pytest.param(None, b"\\N", id="NULL"),
        pytest.param("", b"", id="empty string"),
        pytest.param("\\N", b"\\\\N", id="the string backslash N"),
        pytest.param("a|b", b"a\\|b", id="delimiter"),
        pytest.param("a\\b", b"a\\\\b", id="backslash"),
        pytest.param("\\|", b"\\\\\\|", id="backslash before a delimiter"),
        pytest.param("a\nb", b"a\\nb", id="LF"),
        pytest.param("a\rb", b"a\\rb", id="CR"),
        pytest.param("\\n", b"\\\\n", id="the string backslash n"),
        pytest.param("a\0b\x01c", b"a\0b\x01c", id="NUL and control A"),
        pytest.param("\ufeffa", b"\\\xef\xbb\xbfa", id="byte order mark"),
        pytest.param("双鱼座", "双鱼座".encode(), id="Chinese"),
        pytest.param("😀", b"\xf0\x9f\x98\x80", id="emoji"),
        pytest.param("0001", b"0001", id="leading zeros"),
        pytest.param(0, b"0", id="zero"),
        pytest.param(18446744073709551615, b"18446744073709551615", id="largest BIGINT UNSIGNED"),
        pytest.param(True, b"1", id="true"),
        pytest.param(False, b"0", id="false"),
        pytest.param(Decimal("1E+3"), b"1000", id="decimal without exponent"),
        pytest.param(Decimal("0.000000010"), b"0.000000010", id="decimal keeps its zeros"),
        pytest.param(0.1, b"0.1", id="float"),
        pytest.param(1e300, b"1e+300", id="large float"),
        pytest.param(dt.date(987, 1, 2), b"0987-01-02", id="date"),
        pytest.param(
            dt.datetime.fromisoformat("2024-08-07T01:02:03"), b"2024-08-07 01:02:03", id="datetime"
        ),
        pytest.param(
            dt.datetime.fromisoformat("2024-08-07T01:02:03.000040"),
            b"2024-08-07 01:02:03.000040",
            id="datetime with microseconds",
        ),
        pytest.param(
            dt.datetime(2024, 8, 7, 1, 2, 3, tzinfo=dt.timezone(dt.timedelta(hours=8))),
            b"2024-08-06 17:02:03",
            id="datetime with a zone, in UTC",
        ),
        pytest.param(dt.time(1, 2, 3), b"01:02:03", id="time of day"),
        pytest.param(dt.timedelta(hours=838, minutes=59, seconds=59), b"838:59:59", id="TIME"),
        pytest.param(
            dt.timedelta(hours=-1, microseconds=-500000), b"-01:00:00.500000", id="negative TIME"
        ),
        pytest.param(b"\x00\xff|", b"00ff7c", id="bytes"),
        pytest.param(memoryview(b"\n"), b"0a", id="memoryview"),
        pytest.param({"a": ["|", "é"]}, '{"a":["\\|","é"]}'.encode(), id="JSON object"),
        pytest.param([1, None], b"[1,null]", id="JSON list"),
    ],
)
def test_a_value_has_its_documented_text(value, field):
    assert encode_rows([("x", value)], "|") == b"x|" + field + b"\n"


def test_a_record_of_one_empty_column_is_an_empty_line():
    assert encode_rows([("",), ("a",), (None,)], "|") == b"\na\n\\N\n"


def test_no_rows_are_no_bytes():
    assert encode_rows([], "|") == b""


def test_kinds_may_change_from_row_to_row():
    rows = [(1, "a"), (None, None), ("x|", 2.5), (b"\x01", "b")]

    assert encode_rows(rows, "|") == b"1|a\n\\N|\\N\nx\\||2.5\n01|b\n"


def test_a_delimiter_inside_of_a_number_is_escaped_too():
    assert encode_rows([(-1, dt.date(2024, 8, 7))], "-") == b"\\-1-2024\\-08\\-07\n"


def test_another_delimiter_leaves_the_pipe_alone():
    assert encode_rows([("a|b", "c\td")], "\t") == b"a|b\tc\\\td\n"


@pytest.mark.parametrize("delimiter", ["", "||", "\\", "\n", "\r", "N", "n", "r", "0", "9", "é"])
def test_an_impossible_delimiter_is_refused(delimiter):
    with pytest.raises(SettingsError, match="USERPROFILE_FIELD_DELIMITER"):
        encode_rows([("a",)], delimiter)


def test_an_unknown_type_is_named_with_its_column():
    with pytest.raises(SourceError, match="column point: a value of type complex has no text form"):
        encode_rows([("a", 1j)], "|", columns=("uid", "point"))


def test_json_that_cannot_be_written_is_named_with_its_column():
    with pytest.raises(SourceError, match="column doc: a value cannot be written as text"):
        encode_rows([({"a": b""},)], "|", columns=("doc",))


def test_half_a_surrogate_pair_is_named_with_its_column():
    with pytest.raises(SourceError, match="column name: a text is no valid Unicode"):
        encode_rows([("a", "\ud83d")], "|", columns=("uid", "name"))


def test_rows_of_different_length_are_refused():
    with pytest.raises(ValueError, match="shorter"):
        encode_rows([("a", "b"), ("c",)], "|")


def test_a_line_is_read_with_and_without_its_end():
    assert decode_line(b"a|\\N||\\\\N\n", "|") == ["a", None, "", "\\N"]
    assert decode_line(b"a\\|\\n\\r\\x", "|") == ["a|\n\rx"]
    assert decode_line(b"", "|") == [""]


def test_a_backslash_at_the_very_end_stays():
    assert decode_line(b"a|b\\", "|") == ["a", "b\\"]


_SPECIAL = st.sampled_from(
    ["\\", "|", "\n", "\r", "N", "n", "\0", "\x01", "\\N", "\u2028", "\ufeff", "😀"]
)
_FIELD = st.none() | st.text() | st.lists(_SPECIAL, max_size=6).map("".join)
_DELIMITER = st.sampled_from(["|", "\x01", "\t", ",", "a", "-", "\0"])


@given(
    rows=st.integers(1, 4).flatmap(lambda width: st.lists(st.tuples(*[_FIELD] * width))),
    delimiter=_DELIMITER,
)
def test_any_text_comes_back_from_its_line(rows, delimiter):
    data = encode_rows(rows, delimiter)

    assert b"\r" not in data
    assert data.count(b"\n") == len(rows)
    lines = data.split(b"\n")
    assert lines.pop() == b""
    assert [tuple(decode_line(line, delimiter)) for line in lines] == rows
