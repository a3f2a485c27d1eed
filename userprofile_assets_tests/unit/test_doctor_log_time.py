"""The day of a log's line, by the forms that `sql/dwd/dwd_log_line_spark.sql` takes.

What Spark makes of the same texts is in `integration/test_processing_lines.py`; the zones that are
not there were asked of Spark 4.3's TRY_CAST.
"""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from userprofile_assets.cli.doctor_log_time import day_of_line

TUTORIAL = '192.0.2.1##@@-##@@{}##@@GET /a HTTP/1.1##@@200##@@5##@@-##@@Mozilla/5.0 "[a] "'
COMBINED = '[2001:db8::1]:443 - John Smith [{}] "GET /[b] HTTP/1.1" 200 5 "-" "Mozilla/5.0"'
COMMON = '192.0.2.1 - - [{}] "GET /a##@@b HTTP/1.1" 200 5'

DAYS = {
    "07/Aug/2024:10:00:00 +0800": date(2024, 8, 7),
    "06/Aug/2024:16:00:00 +0000": date(2024, 8, 7),
    "07/Aug/2024:16:00:00 +0000": date(2024, 8, 8),
    "06/Aug/2024:19:00:00 -0700": date(2024, 8, 7),
    "2024080710:00:00": date(2024, 8, 7),
    "2024-08-07 23:59:59": date(2024, 8, 7),
    "2024-08-07T10:00:00": date(2024, 8, 7),
    "2024-08-07T10:00:00+08:00": date(2024, 8, 7),
    "2024-08-07T23:00:00Z": date(2024, 8, 8),
    "2024-08-07 23:00:00 UTC": date(2024, 8, 8),
    "2024-08-07 23:00:00 UTC+8": date(2024, 8, 7),
    "2024-08-07 23:00:00 GMT+08:00": date(2024, 8, 7),
    "2024-08-07 23:00:00+0800": date(2024, 8, 7),
    "2024-08-07 23:00:00+8": date(2024, 8, 7),
    "2024-08-07 23:59:59+07:59:59": date(2024, 8, 8),
    "2024-08-07 20:00:00 America/New_York": date(2024, 8, 8),
    "2024-08-07 10:00:00.123456789": date(2024, 8, 7),
    "2024-8-7 1:2:3.00000": date(2024, 8, 7),
}
NO_TIMES = (
    "-",
    "",
    "99/Aug/2024:10:00:00 +0800",
    "07/AUG/2024:10:00:00 +0800",
    "07/Abc/2024:10:00:00 +0800",
    "07/Aug/2024:10:00:00",
    "07/Aug/2024:24:00:00 +0800",
    "2024080724:00:00",
    "2024023010:00:00",
    "2024-02-30 10:00:00",
    "2024-08-07 24:00:00",
    "2024-08-07 10:00:60",
    "2024-08-07 10:00:00,123",
    "2024-08-07 10:00:00 Mars/Base",
    "2024-08-07 10:00:00 ../etc/passwd",
    "2024-08-07 10:00:00+19:00",
    "2024-08-07 10:00",
    "0000-01-01 10:00:00",
    "0001-01-01 00:00:00+18:00",
    "9999-12-31 23:59:59Z",
)


def day(line, log_format="auto"):
    return day_of_line(line.encode(), log_format=log_format, zone=ZoneInfo("Asia/Shanghai"))


@pytest.mark.parametrize("form", [TUTORIAL, COMBINED, COMMON], ids=["##@@", "combined", "common"])
@pytest.mark.parametrize("time", DAYS)
def test_a_time_is_dated_in_the_zone_of_the_business(form, time):
    assert day(form.format(time)) == DAYS[time]


@pytest.mark.parametrize("form", [TUTORIAL, COMBINED, COMMON], ids=["##@@", "combined", "common"])
@pytest.mark.parametrize("time", NO_TIMES)
def test_what_the_log_table_cannot_read_has_no_day(form, time):
    assert day(form.format(time)) is None


@pytest.mark.parametrize(
    "line",
    [
        "",
        "no time at all",
        "2024-08-07 10:00:00 GET /",
        "[07/Aug/2024:10:00:00 +0800]",
        "192.0.2.1##@@-##@@2024-08-07 10:00:00##@@GET / HTTP/1.1",
        TUTORIAL.format("2024-08-07 10:00:00") + "##@@one more",
    ],
)
def test_a_time_in_a_line_of_no_known_format_does_not_count(line):
    assert day(line) is None


def test_a_line_that_is_not_utf_8_is_read_all_the_same():
    line = TUTORIAL.format("2024-08-07 10:00:00").encode() + b"\xff\r"
    assert day_of_line(line, log_format="auto", zone=ZoneInfo("Asia/Shanghai")) == date(2024, 8, 7)


@pytest.mark.parametrize(
    ("form", "log_format", "known"),
    [
        (TUTORIAL, "tutorial", True),
        (TUTORIAL, "combined", False),
        (COMBINED, "combined", True),
        (COMBINED, "tutorial", False),
        (COMMON, "common", True),
    ],
)
def test_the_format_of_the_settings_decides_where_the_time_stands(form, log_format, known):
    found = day(form.format("2024080710:00:00"), log_format)
    assert found == (date(2024, 8, 7) if known else None)
