"""The rows of the embedded user table."""

from __future__ import annotations

import hashlib
import json

import pytest

from userprofile_assets.demo.users import COLUMNS, uid_of, user_rows


@pytest.fixture(scope="module")
def rows():
    return list(user_rows(users=5_000, seed=1))


def test_the_rows_of_the_default_table_are_pinned(rows):
    # A change here is a change of the demo data: raise _GENERATOR in demo/sources.py with it.
    text = json.dumps(rows, ensure_ascii=False)
    assert hashlib.sha256(text.encode()).hexdigest() == (
        "bc8f946027537b807c73118b2d1f1e3040b8669714fee50b8690684784a38710"
    )


def test_a_row_has_the_columns_of_the_tutorial():
    assert COLUMNS == ("uid", "gender", "age_range", "zodiac")


def test_uids_are_thirteen_digits_with_leading_zeros_unique_and_rising(rows):
    uids = [row[0] for row in rows]
    assert all(len(uid) == 13 and uid.isdigit() and uid.startswith("00") for uid in uids)
    assert len(set(uids)) == 5_000
    assert uids == sorted(uids)


def test_the_last_uid_of_the_largest_table_still_has_thirteen_digits_and_a_zero():
    uid = uid_of(102_000_000, seed=1)
    assert len(uid) == 13
    assert uid.startswith("0")


def test_a_larger_table_begins_with_the_rows_of_a_smaller_one(rows):
    assert list(user_rows(users=10, seed=1)) == rows[:10]


def test_another_seed_gives_other_rows(rows):
    others = list(user_rows(users=5_000, seed=2))
    assert not {row[0] for row in others} & {row[0] for row in rows[:100]}


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (1, {"男", "女"}),
        (2, {"20岁以下", "20-30岁", "30-40岁", "40-50岁", "50岁以上"}),
        (
            3,
            {
                "白羊座",
                "金牛座",
                "双子座",
                "巨蟹座",
                "狮子座",
                "处女座",
                "天秤座",
                "天蝎座",
                "射手座",
                "摩羯座",
                "水瓶座",
                "双鱼座",
            },
        ),
    ],
    ids=["gender", "age_range", "zodiac"],
)
def test_a_column_holds_the_tutorials_values_and_a_few_nulls(rows, column, values):
    found = [row[column] for row in rows]
    assert set(found) == {*values, None}
    assert 50 < found.count(None) < 300
