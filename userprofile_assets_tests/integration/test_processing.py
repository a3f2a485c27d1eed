"""The SQL of `sql/` and the reference make the same rows of the same lines.

A difference means that one of them, or docs/processing.md, is wrong. Literal lines are in
`test_processing_lines.py`.
"""

from __future__ import annotations

import pytest

from userprofile_assets_tests.support.log_lines_fuzz import fuzz_log
from userprofile_assets_tests.support.processing import (
    DAY,
    LINES,
    LOG,
    QUARANTINE,
    VALUES,
    processing,
)

# The session is that of the fixture `spark`, which cleans up behind each test.
pytestmark = pytest.mark.xdist_group("spark")

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"
MIB = 1024**2


@pytest.fixture(scope="module")
def standard(spark_session, tmp_path_factory):
    with processing(spark_session, tmp_path_factory.mktemp("standard")) as made:
        yield made


@pytest.fixture(scope="module")
def keeping(spark_session, tmp_path_factory):
    """Every setting that changes rows is another one."""
    home = tmp_path_factory.mktemp("keeping")
    settings = {"log_day_filter": "keep", "anonymous": "drop", "inactive_users": True}
    with processing(spark_session, home, **settings) as made:
        yield made


def accounted(outcomes, lines):
    """Say that every line is parsed, quarantined or outside, and some are each."""
    assert sum(outcomes.values()) == lines
    assert min(outcomes.get("parsed", 0), outcomes.get("no known format", 0)) > 0


def test_the_standard_logic_makes_of_any_lines_what_the_page_says(standard):
    content, users = fuzz_log(DAY)
    standard.run(content, users)
    day = standard.reference(content, users)
    assert standard.differences(day) == {}
    accounted(standard.outcomes(), len(day.lines))
    assert standard.outcomes()["outside"] > 0


def test_keep_drop_and_inactive_users_make_of_any_lines_what_the_page_says(keeping):
    content, users = fuzz_log(DAY)
    keeping.run(content, users)
    day = keeping.reference(content, users)
    assert keeping.differences(day) == {}
    accounted(keeping.outcomes(), len(day.lines))
    assert "outside" not in keeping.outcomes()
    assert {row["pv"] for row in day.profiles()} > {0, 1}


def test_the_tutorials_logic_makes_of_any_lines_what_the_page_says(spark_session, tmp_path):
    content, users = fuzz_log(DAY)
    with processing(spark_session, tmp_path, logic="tutorial") as tutorial:
        tutorial.run(content, users)
        day = tutorial.reference(content, users)
        assert tutorial.differences(day) == {}
        assert tutorial.outcomes() == {"parsed": len(day.lines)}


@pytest.mark.parametrize("log_format", ["combined", "common", "tutorial"])
def test_lines_of_other_formats_are_quarantined(spark_session, tmp_path, log_format):
    content, _ = fuzz_log(DAY)
    with processing(spark_session, tmp_path, log_format=log_format) as made:
        made.run(content, until=[VALUES])
        assert made.outcomes() == made.reference(content).outcomes()
        formats = {row["value"] for row in made.rows(VALUES) if row["kind"] == "format"}
    assert formats == {log_format}


# The log of ../shared/data: 10,000 lines of 17 to 20 May 2015, without users


def test_a_day_of_a_real_log_has_the_rows_of_the_reference(standard, shared_data):
    content = (shared_data / "elastic_apache_logs.log").read_bytes()
    bizdate = "20150518"
    tables = (LOG, QUARANTINE)
    standard.run(content, bizdate=bizdate, until=tables)
    day = standard.reference(content, bizdate=bizdate)
    assert standard.differences(day, bizdate, tables=tables) == {}
    outcomes = standard.outcomes(bizdate)
    assert sum(outcomes.values()) == 10_000
    assert outcomes["parsed"] > 2_500
    assert outcomes["outside"] > 7_000


def test_a_whole_real_log_has_the_rows_of_the_reference(keeping, shared_data):
    content = (shared_data / "elastic_apache_logs.log").read_bytes()
    bizdate = "20150520"
    keeping.run(content, bizdate=bizdate)
    day = keeping.reference(content, bizdate=bizdate)
    assert keeping.differences(day, bizdate) == {}
    outcomes = keeping.outcomes(bizdate)
    assert sum(outcomes.values()) == 10_000
    assert outcomes["parsed"] > 9_900


# In New York an hour of 10 March 2024 is missing and one of 3 November comes twice
TIMES = (
    "2024-03-10 02:30:00",
    "2024031002:30:00",
    "10/Mar/2024:07:30:00 +0000",
    "2024-11-03 01:30:00",
    "2024110301:30:00",
    "03/Nov/2024:06:30:00 +0000",
    "1883-11-18 12:01:00",
    "07/Aug/1500:10:00:00 +0800",
    "01/Jan/0001:00:00:00 +0000",
    "31/Dec/9999:23:59:59 -0500",
)


def test_times_of_another_zone_and_of_any_age_are_kept(spark_session, tmp_path):
    content = "".join(f"{line_of(time=time)}\n" for time in TIMES).encode()
    settings = {"timezone": "America/New_York", "log_day_filter": "keep"}
    with processing(spark_session, tmp_path, **settings) as made:
        made.run(content, until=[LOG])
        found = {row["time"]: row["event_time"] for row in made.rows(LOG)}
        expected = {row["time"]: row["event_time"] for row in made.reference(content).log}
    assert found == expected
    assert set(found) == set(TIMES)


# Lines of 5 MB, which must cost neither the stack of Java nor hours


def line_of(
    *,
    user="u1",
    time="07/Aug/2024:10:00:00 +0800",
    path="/",
    referer="-",
    agent=AGENT,
    rest="",
):
    return f'192.0.2.1 - {user} [{time}] "GET {path} HTTP/1.1" 200 5 "{referer}" "{agent}"{rest}'


HUGE = {
    "a url": line_of(path="/" + "a" * 5 * MIB),
    "an agent of escapes": line_of(agent='\\"\\x' * MIB),
    "a referer of backslashes": line_of(referer="\\\\" * 2 * MIB),
    "fields behind the agent": line_of(rest=' "a"' * MIB),
    "a user": line_of(user="u" * 5 * MIB),
    "escaped quotes in the user": line_of(user='\\"' * 2 * MIB),
    "times in the user": line_of(user="[a] " * MIB),
    "heads without an end": '192.0.2.1 - - [a] "' * (MIB // 4),
    "whole lines without an end between them": line_of() * 20_000 + '"',
    "quotes": '"' * 5 * MIB,
    "blanks": " " * 5 * MIB,
    "separators": "##@@" * MIB,
    "NUL": "\0" * 5 * MIB,
    "a status": line_of().replace("200", "2" * 5 * MIB),
}


def test_lines_of_megabytes_are_parsed_or_quarantined(standard):
    content = "\n".join(HUGE.values()).encode()
    bizdate = "20240809"
    content = content.replace(b"07/Aug", b"09/Aug")
    standard.run(content, bizdate=bizdate, until=[VALUES])
    day = standard.reference(content, bizdate=bizdate)
    assert standard.outcomes(bizdate) == day.outcomes()
    lengths = ("format", "length(request) AS request", "length(agent) AS agent")
    found = [tuple(row.values()) for row in standard.rows(LINES, bizdate, columns=lengths)]
    assert ("combined", 5 * MIB + len("GET / HTTP/1.1"), len(AGENT)) in found
    assert ("combined", len("GET / HTTP/1.1"), 4 * MIB) in found
