"""Text for a terminal: escaping, folding, columns that line up."""

from __future__ import annotations

import json

import pytest

from userprofile_assets.cli.plain_text import Look, aligned, fold, shortened, visible, visible_json


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("plain", "plain", id="plain"),
        pytest.param("一行　日志 é", "一行　日志 é", id="text with a wide blank"),
        pytest.param("a\x1b[2Jb", "a\\x1b[2Jb", id="escape sequence"),
        pytest.param("a\x9b2Jb", "a\\x9b2Jb", id="escape sequence in one character"),
        pytest.param("a\rb\nc\td", "a\\rb\\nc\\td", id="line ends and tab"),
        pytest.param("a\u202eb", "a\\u202eb", id="order of writing"),
        pytest.param("a\u2028b", "a\\u2028b", id="line separator"),
        pytest.param("a\ud800b", "a\\ud800b", id="lone surrogate"),
    ],
)
def test_what_a_terminal_obeys_is_shown_escaped(text, shown):
    assert visible(text) == shown


@pytest.mark.parametrize("text", ["\x1b[31m", "\x9b31m", "\u202e", "\x7f", "\ud800", "双鱼座\n"])
def test_json_means_the_same_and_holds_nothing_that_a_terminal_obeys(text):
    written = visible_json(json.dumps({"comment": text}, ensure_ascii=False))

    assert json.loads(written) == {"comment": text}
    assert visible(written) == written


def test_columns_line_up_also_under_wide_characters():
    lines = list(aligned(("a", "b"), [("双鱼", "1"), ("x", "22")], Look(width=None, styled=False)))

    assert lines == ["a     b", "双鱼  1", "x     22"]


def test_an_empty_column_is_left_out():
    lines = list(aligned(("a", "b", "c"), [("1", "", "3")], Look(width=None, styled=False)))

    assert lines == ["a  c", "1  3"]


def test_rows_are_folded_at_blanks_to_the_width():
    rows = [("name", "some words that are too long for a line"), ("n", "short")]

    lines = list(aligned(("a", "text"), rows, Look(width=24, styled=False)))

    assert lines == [
        "a     text",
        "name  some words that",
        "      are too long for a",
        "      line",
        "n     short",
    ]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        pytest.param("abc", ["abc"], id="fits"),
        pytest.param("abcdefgh", ["abcd", "efgh"], id="one long word"),
        pytest.param("ab abcdef", ["ab", "abcd", "ef"], id="a long word behind a short one"),
        pytest.param("双鱼座座", ["双鱼", "座座"], id="wide characters"),
        pytest.param("", [""], id="empty"),
    ],
)
def test_a_text_is_folded_to_four_cells(text, lines):
    assert list(fold(text, 4)) == lines


def test_a_text_that_is_cut_ends_with_dots():
    assert shortened("some words of a line", 14) == "some words..."
    assert shortened("some words", 10) == "some words"
    assert shortened("some words of a line", None) == "some words of a line"


def test_a_heading_is_bold_only_where_styles_are_wanted():
    assert Look(width=80, styled=True).bold("x") == "\x1b[1mx\x1b[0m"
    assert Look(width=80, styled=False).bold("x") == "x"
