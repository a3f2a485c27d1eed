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
STANDARD_DAY, KEEPING_DAY = "20150518", "20150520"


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


@pytest.fixture(scope="module")
def real_log(project_root):
    """10,000 lines of 17 to 20 May 2015; empty where `shared_data` is missing."""
    path = project_root.parent / "shared" / "data" / "elastic_apache_logs.log"
    return path.read_bytes() if path.is_file() else b""


def filled(made, bizdate, real_log):
    """Fill a day with a real log and with any lines; return what the tables must hold.

    One day of both: Spark takes longer for the SQL of a day than for its lines.
    """
    fuzz, users = fuzz_log(bizdate)
    made.run(real_log + fuzz, users, bizdate=bizdate)
    return made.reference(real_log + fuzz, users, bizdate=bizdate)


@pytest.fixture(scope="module")
def standard_day(standard, real_log):
    return filled(standard, STANDARD_DAY, real_log)


@pytest.fixture(scope="module")
def keeping_day(keeping, real_log):
    return filled(keeping, KEEPING_DAY, real_log)


def test_the_standard_logic_makes_of_any_lines_what_the_page_says(standard, standard_day):
    assert standard.differences(standard_day, STANDARD_DAY) == {}
    outcomes = standard.outcomes(STANDARD_DAY)
    accounted(outcomes, len(standard_day.lines))
    assert outcomes["outside"] > 0


def test_keep_drop_and_inactive_users_make_of_any_lines_what_the_page_says(keeping, keeping_day):
    assert keeping.differences(keeping_day, KEEPING_DAY) == {}
    outcomes = keeping.outcomes(KEEPING_DAY)
    accounted(outcomes, len(keeping_day.lines))
    assert "outside" not in outcomes
    assert {row["pv"] for row in keeping_day.profiles()} > {0, 1}


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


@pytest.mark.usefixtures("shared_data")
def test_a_day_of_a_real_log_has_the_rows_of_the_reference(standard, standard_day):
    tables = (LOG, QUARANTINE)
    assert standard.differences(standard_day, STANDARD_DAY, tables=tables) == {}
    outcomes = standard.outcomes(STANDARD_DAY)
    assert sum(outcomes.values()) > 10_000
    assert outcomes["parsed"] > 2_500
    assert outcomes["outside"] > 7_000


@pytest.mark.usefixtures("shared_data")
def test_a_whole_real_log_has_the_rows_of_the_reference(keeping, keeping_day):
    assert keeping.differences(keeping_day, KEEPING_DAY, tables=(LOG, QUARANTINE)) == {}
    outcomes = keeping.outcomes(KEEPING_DAY)
    assert sum(outcomes.values()) > 10_000
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


# Lines of 2 MB, which must cost neither the stack of Java nor hours
LONG = 2 * MIB


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
    "a url": line_of(path="/" + "a" * LONG),
    "an agent of escapes": line_of(agent='\\"\\x' * (LONG // 4)),
    "a referer of backslashes": line_of(referer="\\\\" * (LONG // 2)),
    "fields behind the agent": line_of(rest=' "a"' * (LONG // 4)),
    "a user": line_of(user="u" * LONG),
    "escaped quotes in the user": line_of(user='\\"' * (LONG // 2)),
    "times in the user": line_of(user="[a] " * (LONG // 4)),
    "heads without an end": '192.0.2.1 - - [a] "' * (LONG // 19),
    "whole lines without an end between them": line_of() * 20_000 + '"',
    "quotes": '"' * LONG,
    "blanks": " " * LONG,
    "separators": "##@@" * (LONG // 4),
    "NUL": "\0" * LONG,
    "a status": line_of().replace("200", "2" * LONG),
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
    assert ("combined", LONG + len("GET / HTTP/1.1"), len(AGENT)) in found
    assert ("combined", len("GET / HTTP/1.1"), LONG) in found
