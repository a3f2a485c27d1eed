"""What Spark 4 says of a value is told without the value, and what helps is kept."""

from __future__ import annotations

import pytest

from userprofile_assets.row_values import without_row_values
from userprofile_assets.warehouse.spark_errors import typed_error

NOT_SHOWN = "what Spark says may hold values of rows, so it is not shown"

SAID = {
    "in quotes": (
        '[CAST_INVALID_INPUT] The value \'Ann\' of the type "STRING" cannot be cast to "INT" '
        "because it is malformed. SQLSTATE: 22018",
        f"[CAST_INVALID_INPUT] {NOT_SHOWN}. SQLSTATE: 22018",
    ),
    "bare": (
        '[CAST_OVERFLOW] The value 13800138000L of the type "BIGINT" cannot be cast to "INT" due '
        "to an overflow. SQLSTATE: 22003",
        f"[CAST_OVERFLOW] {NOT_SHOWN}. SQLSTATE: 22003",
    ),
    "bare, with a condition of two parts": (
        "[NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION]  13800138000 cannot be represented as "
        "Decimal(5, 0). SQLSTATE: 22003",
        f"[NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION] {NOT_SHOWN}. SQLSTATE: 22003",
    ),
    "all that is said": (
        "[USER_RAISED_EXCEPTION] Ann Smith SQLSTATE: P0001",
        f"[USER_RAISED_EXCEPTION] {NOT_SHOWN}. SQLSTATE: P0001",
    ),
    "a key": (
        "[DUPLICATED_MAP_KEY] Duplicate map key 138 was found. SQLSTATE: 23505",
        f"[DUPLICATED_MAP_KEY] {NOT_SHOWN}. SQLSTATE: 23505",
    ),
    "a line feed in it": (
        "[CAST_INVALID_INPUT] The value 'Eve\nJones' of the type SQLSTATE: 22018\nWhat to do: x",
        f"[CAST_INVALID_INPUT] {NOT_SHOWN}. SQLSTATE: 22018\nWhat to do: x",
    ),
    "its end is not known": (
        "[CAST_INVALID_INPUT] The value 'Eve\nJones 138",
        f"[CAST_INVALID_INPUT] {NOT_SHOWN}",
    ),
    "it looks like a state": (
        "[CAST_INVALID_INPUT] The value 'SQLSTATE: 42000 Eve' of the type SQLSTATE: 22018",
        f"[CAST_INVALID_INPUT] {NOT_SHOWN}. SQLSTATE: 22018",
    ),
    "a mistake in the SQL": (
        "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column `colour` cannot be resolved. SQLSTATE: 42703",
        "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column `colour` cannot be resolved. SQLSTATE: 42703",
    ),
    "a mistake with a text in it": (
        "[PARSE_SYNTAX_ERROR] Syntax error at or near 'Ann'. SQLSTATE: 42601 (line 1, pos 5)",
        "[PARSE_SYNTAX_ERROR] Syntax error at or near '***'. SQLSTATE: 42601 (line 1, pos 5)",
    ),
    "an exception of Java": (
        'dws_x: java.lang.NumberFormatException: For input string: "Ann"',
        "dws_x: java.lang.NumberFormatException: For input string: '***'",
    ),
    "two days of a step": (
        "2 of 2 days failed.\n"
        "2024-08-06: t: [CAST_INVALID_INPUT] The value 'Ann' SQLSTATE: 22018\n"
        "2024-08-07: t: [DIVIDE_BY_ZERO] Division by zero. SQLSTATE: 22012",
        "2 of 2 days failed.\n"
        f"2024-08-06: t: [CAST_INVALID_INPUT] {NOT_SHOWN}. SQLSTATE: 22018\n"
        f"2024-08-07: t: [DIVIDE_BY_ZERO] {NOT_SHOWN}. SQLSTATE: 22012",
    ),
    "nothing of Spark": (
        "the source has no column 'uid'; it doesn't have [any]",
        "the source has no column 'uid'; it doesn't have [any]",
    ),
}


@pytest.mark.parametrize(("said", "kept"), SAID.values(), ids=SAID)
def test_a_value_of_a_row_is_left_out_of_a_text(said, kept):
    assert without_row_values(said) == kept


OF_SPARK = {
    "between two quotes": ("Text 'Ann' could not be parsed", "Text '***' could not be parsed"),
    "behind one quote": ("Text 'Eve\nJones 138", "Text '***'"),
    "with quotes in it": ("The value 'O'Brien' of the type", "The value '***'"),
    "none": ("Table is gone", "Table is gone"),
}


@pytest.mark.parametrize(("said", "kept"), OF_SPARK.values(), ids=OF_SPARK)
def test_quoted_text_is_left_out_of_what_is_all_of_spark(said, kept):
    assert without_row_values(said, of_spark=True) == kept


def test_an_error_of_spark_is_one_line_with_its_state():
    said = "[CAST_INVALID_INPUT] The value 'Eve\nJones' is malformed. SQLSTATE: 22018\n== SQL =="
    error = typed_error(RuntimeError(said), address="local")
    assert str(error) == "local: [CAST_INVALID_INPUT] The value 'Eve SQLSTATE: 22018"


def test_a_state_that_is_there_is_not_said_twice():
    said = "[PARSE_SYNTAX_ERROR] At end of input. SQLSTATE: 42601 (line 1, pos 5)\n\n== SQL =="
    error = typed_error(RuntimeError(said), address="local")
    assert error.what == "[PARSE_SYNTAX_ERROR] At end of input. SQLSTATE: 42601 (line 1, pos 5)"
