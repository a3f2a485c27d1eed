"""How `userprofile query` prints rows."""

import io
import json
import math
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pytest
from rich.console import Console

from userprofile_assets.cli.print_rows import print_table, write_csv, write_json
from userprofile_assets.errors import QueryRefusedError

ROWS = [("001", None, 1), ('a,"b"', "x\ny", 2)]


def test_csv_is_a_header_and_quoted_rows_with_null_as_an_empty_field():
    out = io.StringIO()
    write_csv(out, ["uid", "text", "n"], ROWS)
    assert out.getvalue() == 'uid,text,n\n001,,1\n"a,""b""","x\ny",2\n'


def test_json_is_an_array_with_an_object_a_line():
    out = io.StringIO()
    write_json(out, ["uid", "text", "n"], ROWS)
    assert out.getvalue().splitlines() == [
        "[",
        '{"uid": "001", "text": null, "n": 1},',
        '{"uid": "a,\\"b\\"", "text": "x\\ny", "n": 2}',
        "]",
    ]


def test_json_without_rows_is_an_empty_array():
    out = io.StringIO()
    write_json(out, ["uid"], [])
    assert json.loads(out.getvalue()) == []


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Decimal("1.10"), "1.10"),
        (date(2024, 8, 7), "2024-08-07"),
        (datetime(2024, 8, 7, 0, 30), "2024-08-07 00:30:00"),  # noqa: DTZ001 - as Spark gives it
        (b"\x00\xff", "00ff"),
        ([1, {"a": None}], [1, {"a": None}]),
        ("男", "男"),
        (math.nan, None),
        (-math.inf, None),
        ([math.inf, {"a": math.nan}], [None, {"a": None}]),
        (timedelta(days=1, seconds=2), "1 day, 0:00:02"),
        (time(0, 30), "00:30:00"),
    ],
    ids=[
        "decimal",
        "date",
        "timestamp",
        "bytes",
        "nested",
        "Chinese",
        "NaN",
        "infinity",
        "nested NaN",
        "interval",
        "time of day",
    ],
)
def test_json_keeps_values_exact(value, written):
    out = io.StringIO()
    write_json(out, ["v"], [(value,)])
    assert json.loads(out.getvalue()) == [{"v": written}]


def test_json_is_refused_before_its_first_row_where_two_columns_have_one_name():
    out = io.StringIO()
    with pytest.raises(QueryRefusedError) as raised:
        write_json(out, ["uid", "n", "uid", "n", "x"], [("a", 1, "b", 2, 3)])
    assert str(raised.value) == (
        "the statement: JSON has no room for several columns of one name: uid, n\n"
        "What to do: give each column a name of its own (AS), or use --format csv"
    )
    assert out.getvalue() == ""


def test_csv_and_tables_show_columns_of_one_name_beside_each_other():
    out = io.StringIO()
    write_csv(out, ["n", "n"], [(1, 2)])
    assert out.getvalue() == "n,n\n1,2\n"
    assert shown(["n", "n"], [(1, 2)]).splitlines()[2] == "1 │ 2"


def test_csv_and_tables_show_nan_and_infinity_by_name():
    out = io.StringIO()
    write_csv(out, ["a", "b"], [(math.nan, -math.inf)])
    assert out.getvalue() == "a,b\nnan,-inf\n"
    assert "nan" in shown(["a"], [(math.nan,)])


def shown(names, rows, limit=10):
    out = io.StringIO()
    print_table(Console(file=out, width=80), names, rows, limit=limit)
    return out.getvalue()


def test_a_table_shows_null_by_name_and_control_characters_as_escapes():
    text = shown(["a", "b"], [(None, "x\ry")])
    assert "NULL" in text
    assert "x\\ry" in text
    assert "1 row\n" in text


def test_brackets_in_values_are_no_markup():
    assert "[bold]x[/bold]" in shown(["a"], [("[bold]x[/bold]",)])


def test_a_table_says_when_there_are_more_rows():
    text = shown(["n"], [(n,) for n in range(11)])
    assert "10 rows; there are more, see --limit and --format (10 shown)" in text


def test_a_statement_without_rows_is_done():
    assert shown([], []) == "Done.\n"
