"""Business dates: reading, writing, the closed day, substitution."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from userprofile_assets.bizdate import (
    check_closed,
    has_bizdate,
    parse_day,
    substitute,
    to_bizdate,
    to_partition_key,
    yesterday,
)
from userprofile_assets.errors import PermanentError


@pytest.mark.parametrize("text", ["2024-08-07", "20240807"])
def test_a_day_is_read_in_both_forms(text):
    assert parse_day(text) == date(2024, 8, 7)


@pytest.mark.parametrize(
    "text",
    ["", "2024-8-7", "2024-02-30", "20240230", "2024/08/07", "2024-0807", "202408",
     "\uff12\uff10\uff12\uff14-08-07", " 20240807", "20240807\n", "00000101"],
    ids=ascii,
)  # fmt: skip
def test_what_is_no_day_is_refused_with_both_forms(text):
    with pytest.raises(PermanentError, match="write it as 2024-08-07 or 20240807"):
        parse_day(text)


@pytest.mark.parametrize("day", ["2024-08-07", "20240807", date(2024, 8, 7)], ids=str)
def test_a_day_is_written_in_both_forms(day):
    assert to_bizdate(day) == "20240807"
    assert to_partition_key(day) == "2024-08-07"


@given(st.dates())
def test_every_day_survives_writing_and_reading(day):
    assert parse_day(to_bizdate(day)) == day
    assert parse_day(to_partition_key(day)) == day


@pytest.mark.parametrize(
    ("timezone", "newest"),
    [("Asia/Shanghai", date(2024, 8, 7)), ("UTC", date(2024, 8, 6))],
)
def test_yesterday_is_the_newest_closed_day_of_the_time_zone(timezone, newest):
    # 16:30 UTC is 00:30 of the next day in Shanghai.
    now = datetime(2024, 8, 7, 16, 30, tzinfo=UTC)
    assert yesterday(timezone, now=now) == newest


def test_a_closed_day_passes_and_an_open_one_is_refused_with_the_newest():
    newest = yesterday("Asia/Shanghai")
    check_closed(newest, timezone="Asia/Shanghai")
    with pytest.raises(PermanentError, match="is not over yet in Asia/Shanghai") as caught:
        check_closed(newest + timedelta(days=2), timezone="Asia/Shanghai")
    assert to_partition_key(newest)[:7] in str(caught.value)


def test_every_bizdate_variable_becomes_the_day():
    text = substitute("log_${bizdate}/log_${bizdate}.txt", "2024-08-07")
    assert text == "log_20240807/log_20240807.txt"


@pytest.mark.parametrize(("template", "has"), [("a_${bizdate}", True), ("a_$bizdate", False)])
def test_a_template_has_a_bizdate_only_as_the_variable(template, has):
    assert has_bizdate(template) is has
