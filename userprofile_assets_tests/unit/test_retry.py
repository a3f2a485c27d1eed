"""Which errors are repeated, how often, and how long the wait is."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from userprofile_assets.errors import (
    LockTimeoutError,
    SourceError,
    SourceUnavailableError,
    StorageUnavailableError,
)
from userprofile_assets.ingestion import retry
from userprofile_assets.ingestion.http_errors import (
    SourceBusyError,
    parse_http_date,
    parse_retry_after,
)
from userprofile_assets.ingestion.retry import (
    Deadline,
    DeadlineError,
    GaveUpError,
    Patience,
    retrying,
)

NOON = datetime(2024, 8, 7, 12, 0, 0, tzinfo=UTC)


class Script:
    """Raises its errors one after the other, then gives its result."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


@pytest.fixture
def slept(monkeypatch) -> list[float]:
    """Seconds that would have been slept."""
    seconds: list[float] = []
    monkeypatch.setattr(time, "sleep", seconds.append)
    return seconds


@pytest.mark.parametrize(
    "error",
    [
        SourceUnavailableError("the transfer failed"),
        StorageUnavailableError("no answer"),
        LockTimeoutError("still held"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_transient_error_is_repeated(unhurried, error):
    script = Script(error)
    assert retrying(lambda _: None)(script)() == "done"
    assert script.calls == 2


@pytest.mark.parametrize(
    "error", [SourceError("404"), ValueError("a bug"), OSError("a bug")], ids=repr
)
def test_every_other_error_passes_at_once(unhurried, error):
    script = Script(error)
    with pytest.raises(type(error)):
        retrying(lambda _: None)(script)()
    assert script.calls == 1


def test_the_fifth_error_is_raised_as_it_is(unhurried):
    errors = [SourceUnavailableError(f"failure {number}") for number in range(1, 7)]
    script = Script(*errors)
    with pytest.raises(SourceUnavailableError) as caught:
        retrying(lambda _: None)(script)()
    assert caught.value is errors[4]
    assert script.calls == 5


def test_each_wait_is_announced_in_one_line_and_nowhere_else(slept, capfd):
    lines: list[str] = []
    error = SourceUnavailableError("cut", where="http://host/log", remedy="look at the server")
    script = Script(*[error] * 5)
    with pytest.raises(SourceUnavailableError):
        retrying(lines.append)(script)()
    assert lines == [
        "Attempt 1 of 5 failed, starting again from zero in about 1 s: http://host/log: cut",
        "Attempt 2 of 5 failed, starting again from zero in about 2 s: http://host/log: cut",
        "Attempt 3 of 5 failed, starting again from zero in about 4 s: http://host/log: cut",
        "Attempt 4 of 5 failed, starting again from zero in about 8 s: http://host/log: cut",
    ]
    assert capfd.readouterr() == ("", "")


def test_waits_double_and_are_spread_by_up_to_a_second(slept):
    script = Script(*[SourceUnavailableError("cut")] * 4)
    retrying(lambda _: None)(script)()
    bounds = [(1, 2), (2, 3), (4, 5), (8, 9)]
    assert [low <= wait <= high for (low, high), wait in zip(bounds, slept, strict=True)] == [
        True
    ] * 4


def test_the_wait_that_a_server_asks_for_is_kept(slept):
    busy = SourceBusyError("503", where="http://host/log", retry_after=7.0)
    retrying(lambda _: None)(Script(busy))()
    assert slept == [7.0]


def test_the_wait_that_a_server_asks_for_ends_at_the_deadline(slept):
    busy = SourceBusyError("503", where="http://host/log", retry_after=86_400.0)
    retrying(lambda _: None)(Script(busy))()
    assert [119 < wait <= 120 for wait in slept] == [True]


def test_nothing_is_repeated_or_announced_after_the_deadline(monkeypatch):
    monkeypatch.setattr(retry, "DEADLINE_SECONDS", 0.000001)
    lines: list[str] = []
    script = Script(SourceUnavailableError("cut"))
    with pytest.raises(SourceUnavailableError):
        retrying(lines.append)(script)()
    assert (script.calls, lines) == (1, [])


def test_arguments_and_the_name_of_the_function_are_kept(unhurried):
    @retrying(lambda _: None)
    def add(left: int, *, right: int) -> int:
        return left + right

    assert add(1, right=2) == 3
    assert add.__name__ == "add"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        pytest.param(None, None, id="no header"),
        pytest.param("120", 120.0, id="seconds"),
        pytest.param(" 0 ", 0.0, id="zero"),
        pytest.param("Wed, 07 Aug 2024 12:00:30 GMT", 30.0, id="a date"),
        pytest.param("Wed, 07 Aug 2024 11:00:00 GMT", 0.0, id="a date that has passed"),
        pytest.param("-5", None, id="negative"),
        pytest.param("soon", None, id="words"),
        pytest.param("", None, id="empty"),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(header, seconds):
    assert parse_retry_after(header, now=NOON) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Mon",
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Mon, 01 Jan 2024 00:00:00 +99999999999999999999",
    ],
)
def test_a_date_that_is_none_is_not_read(text):
    assert parse_http_date(text) is None


def test_a_wait_that_would_pass_the_deadline_fails_at_once(slept):
    busy = SourceBusyError("503", where="http://host/log", retry_after=60.0)
    script = Script(busy)
    deadline = Deadline(30, setting="USERPROFILE_LOG_DEADLINE_SECONDS")
    with pytest.raises(DeadlineError, match="asks to wait 60 seconds, but only") as caught:
        retrying(lambda _: None, deadline=deadline)(script)()
    assert (script.calls, slept) == (1, [])
    assert "USERPROFILE_LOG_DEADLINE_SECONDS" in str(caught.value)


def test_a_wait_within_the_deadline_is_kept_whatever_its_length(slept):
    busy = SourceBusyError("503", where="http://host/log", retry_after=3000.0)
    deadline = Deadline(7200, setting="USERPROFILE_LOG_DEADLINE_SECONDS")
    assert retrying(lambda _: None, deadline=deadline)(Script(busy))() == "done"
    assert slept == [3000.0]


@pytest.mark.parametrize("error", [DeadlineError("late"), GaveUpError("five tries")], ids=repr)
def test_an_error_that_ends_all_tries_is_not_repeated(unhurried, error):
    script = Script(error)
    with pytest.raises(type(error)):
        retrying(lambda _: None)(script)()
    assert script.calls == 1


def test_patience_ends_after_five_tries_without_progress(slept):
    lines: list[str] = []
    patience = Patience(lines.append, deadline=Deadline(7200, setting="X"))
    error = SourceUnavailableError("cut", where="http://host/log", remedy="look")
    for _ in range(4):
        patience.wait(error, offset=1234)
    with pytest.raises(GaveUpError, match="5 tries in a row brought no byte from 1,234 on"):
        patience.wait(error, offset=1234)
    bounds = [(1, 2), (2, 3), (4, 5), (8, 9)]
    assert [low <= wait <= high for (low, high), wait in zip(bounds, slept, strict=True)] == [
        True
    ] * 4
    assert [line.partition(" in about ")[0] for line in lines] == ["Going on from byte 1,234"] * 4


def test_progress_gives_all_tries_back(slept):
    patience = Patience(lambda _: None, deadline=Deadline(7200, setting="X"))
    error = SourceUnavailableError("cut")
    for _ in range(20):
        patience.progress()
        patience.wait(error, offset=0)
    assert all(wait <= 2 for wait in slept)


def test_patience_does_not_wait_past_the_deadline(slept):
    patience = Patience(lambda _: None, deadline=Deadline(0.5, setting="X"))
    with pytest.raises(DeadlineError):
        patience.wait(SourceUnavailableError("cut"), offset=0)
    assert slept == []
