"""What leaves the machine: plain, short, without secrets; and what makes two failures one cause."""

from __future__ import annotations

import pytest

from userprofile_assets.alerts.message import Severity, cause_of, make_alert, one_line, plain_text


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        pytest.param("\x1b[31mred\x1b[0m text", "red text", id="colours"),
        pytest.param("\x1b]0;title\x07shown", "shown", id="title-of-the-terminal"),
        pytest.param("a\x00b\x08c\x7f", "abc", id="control-characters"),
        pytest.param("admin\u202egnp.exe\u200b", "admingnp.exe", id="order-of-letters"),
        pytest.param("one\r\ntwo\u2028three\n\n\n", "one\ntwo\nthree", id="line-ends"),
        pytest.param("a\tb", "a b", id="tab"),
        pytest.param("\ud800x", "x", id="half-a-letter"),
        pytest.param("错误: 没有文件", "错误: 没有文件", id="other-scripts-stay"),
        pytest.param("404 for 'https://u:pw@h/a?sig=1'", "404 for 'https://***@h/a?...'", id="url"),
        pytest.param("password=hunter2, next", "password=***, next", id="password"),
        pytest.param('{"api_key": "abc"}', '{"api_key": "***"}', id="key-in-json"),
        pytest.param("OSS_ACCESS_KEY_SECRET: xyz", "OSS_ACCESS_KEY_SECRET: ***", id="variable"),
        pytest.param("password='my secret pass', next", "password='***', next", id="blanks"),
        pytest.param('pwd="a\'b" x', 'pwd="***" x', id="quote-in-quotes"),
        pytest.param("password='my secret\nnext", "password='***\nnext", id="no-second-quote"),
        pytest.param("password=ab,cd;ef next", "password=*** next", id="comma"),
        pytest.param("password=ab;user=me", "password=***;user=me", id="next-name"),
        pytest.param("password='***'", "password='***'", id="masked-already"),
        pytest.param("Authorization: Bearer abc.def x", "Authorization: Bearer *** x", id="bearer"),
        pytest.param(
            "{'authorization': 'Basic YTpi'}", "{'authorization': 'Basic ***'}", id="basic"
        ),
        pytest.param(
            "Authorization: none was sent", "Authorization: none was sent", id="no-scheme"
        ),
        pytest.param("token rejected", "token rejected", id="the-word-alone-stays"),
    ],
)
def test_a_text_becomes_plain(text, clean):
    assert plain_text(text) == clean


def test_a_long_text_is_cut():
    assert plain_text("x" * 5000) == "x" * 1200 + " ..."
    assert plain_text("\n".join("abcdefghijklmnopqrst")) == "\n".join("abcdefghijklmno") + "\n..."


def test_a_title_has_no_line_end_that_would_begin_another_header_of_a_mail():
    assert one_line("failed\r\nBcc: everybody@example.org") == "failed Bcc: everybody@example.org"


def test_an_alert_is_clean_whoever_makes_it():
    alert = make_alert(cause="c", title="a\nb", text="secret=1\x1b[0m", severity=Severity.ERROR)
    assert (alert.title, alert.text) == ("a b", "secret=***")


@pytest.mark.parametrize(
    "said",
    [
        "https://host/log_20240808.txt: 404 Not Found",
        "https://host/log_20240807.txt: 404 Not Found\nWhat to do: wait 3 minutes",
    ],
)
def test_the_day_and_further_lines_make_no_other_cause(said):
    assert cause_of("raw_log_oss", "SourceMissingError", said) == (
        "raw_log_oss: SourceMissingError: https://host/log_#.txt: # Not Found"
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("run 1a2b3c4d lost", "run 99ffee00 lost", id="run-identifiers"),
        pytest.param(
            "id 0b1f2a3c-1111-4222-8333-444455556666",
            "id 5c6d7e8f-aaaa-4bbb-9ccc-ddddeeeeffff",
            id="uuids",
        ),
        pytest.param("2024-08-07: 3 rows", "2024-08-08: 14 rows", id="days-and-numbers"),
    ],
)
def test_numbers_and_identifiers_make_no_other_cause(one, other):
    assert cause_of("t", "E", one) == cause_of("t", "E", other)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(("u", "E", "no such file"), id="table"),
        pytest.param(("t", "F", "no such file"), id="class"),
        pytest.param(("t", "E", "no such host"), id="message"),
    ],
)
def test_another_table_class_or_message_is_another_cause(other):
    assert cause_of("t", "E", "no such file") != cause_of(*other)
