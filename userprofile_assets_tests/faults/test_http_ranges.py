"""A large log from a server that is slow per connection: ranges at once, in order, never mixed."""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING

import pytest

from userprofile_assets.errors import SourceUnavailableError
from userprofile_assets.ingestion import http_ranges, http_transfer
from userprofile_assets_tests.support.log_days import LogDay
from userprofile_assets_tests.support.web import Answer, File, Request

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("unhurried", "small_blocks")

KIB = 1024
BLOCK = 64 * KIB
# 4 MiB and a bit, no two blocks alike.
BODY = b"".join(b"%09d\n" % number for number in range(420_000))


@pytest.fixture
def small_blocks(monkeypatch) -> None:
    """Ranges for a log of 4 MiB; a server on loopback is never slow, so any rate counts as slow."""
    monkeypatch.setattr(http_ranges, "BLOCK_BYTES", BLOCK)
    monkeypatch.setattr(http_ranges, "_FASTER", 0.0)
    monkeypatch.setattr(http_transfer, "RANGES_FROM_BYTES", 4 * KIB * KIB)
    monkeypatch.setattr(http_transfer, "JUDGE_AFTER_BYTES", KIB * KIB)
    monkeypatch.setattr(http_transfer, "FAST_ENOUGH", 1e15)


@pytest.fixture
def day(tmp_path) -> LogDay:
    return LogDay(tmp_path)


def spans(web, path="/log") -> list[str]:
    """The ranges asked for, as they came in: one given up may come in after its successor."""
    return [headers["Range"] for headers in web.requests(path) if headers["Range"]]


def open_spans(web) -> list[str]:
    """Those that ask for all the rest in one stream."""
    return [span for span in spans(web) if span.endswith("-")]


class Together:
    """Holds every range but the first one back until so many are under way."""

    def __init__(self, file: File, wanted: int) -> None:
        self._file = file
        self._wanted = wanted
        self._under_way = 0
        self._asked = 0
        self._changed = threading.Condition()
        self.most = 0

    def __call__(self, request: Request) -> Answer:
        answer = self._file(request)
        body = answer.body
        if answer.status != 206 or not isinstance(body, bytes):
            return answer
        self._asked += 1
        alone = self._asked == 1
        headers = {**answer.headers, "Content-Length": str(len(body))}
        return Answer(status=206, headers=headers, body=lambda: self._chunks(body, alone=alone))

    def _chunks(self, body: bytes, *, alone: bool) -> Iterator[bytes]:
        with self._changed:
            self._under_way += 1
            self.most = max(self.most, self._under_way)
            self._changed.notify_all()
            if not alone:
                self._changed.wait_for(lambda: self.most >= self._wanted, timeout=60)
        yield body
        with self._changed:
            self._under_way -= 1


def test_a_slow_large_log_is_read_in_ranges_and_is_the_same_bytes(web, day):
    url = web.script("/log", File(BODY))
    manifest = day.copy(url)
    assert day.content() == BODY
    assert manifest.source["bytes"] == len(BODY)
    starts = sorted(int(span[len("bytes=") :].partition("-")[0]) for span in spans(web))
    assert len(starts) == len(set(starts)) == -(-(len(BODY) - starts[0]) // BLOCK)
    assert {b - a for a, b in itertools.pairwise(starts)} == {BLOCK}
    assert {headers["If-Range"] for headers in web.requests("/log")} == {None, '"v1"'}
    assert "with up to 4 range requests at once" in "\n".join(day.lines)


@pytest.mark.parametrize("connections", [2, 4])
def test_as_many_ranges_are_asked_for_at_once_as_the_setting_says(web, day, connections):
    together = Together(File(BODY), connections)
    url = web.script("/log", together)
    assert day.copied(url, connections=connections) == BODY
    assert together.most == connections


@pytest.mark.parametrize(
    "file",
    [
        pytest.param({"etag": 'W/"v1"'}, id="a weak ETag"),
        pytest.param({"etag": None}, id="no ETag"),
        pytest.param(
            {"etag": None, "modified": "Wed, 07 Aug 2024 16:00:00 GMT"}, id="a date instead of one"
        ),
        pytest.param({"ranges": False}, id="no Accept-Ranges"),
        pytest.param({"headers": {"Content-Encoding": "identity"}}, id="a coding"),
    ],
)
def test_without_what_makes_ranges_safe_one_stream_is_read(web, day, file):
    url = web.script("/log", File(BODY, **file))
    assert day.copied(url) == BODY
    assert spans(web) == []
    assert len(web.requests("/log")) == 1


def test_one_connection_means_one_stream(web, day):
    url = web.script("/log", File(BODY))
    assert day.copied(url, connections=1) == BODY
    assert spans(web) == []


def test_a_fast_server_is_read_in_one_stream(web, day, monkeypatch):
    monkeypatch.setattr(http_transfer, "FAST_ENOUGH", 0)
    url = web.script("/log", File(BODY))
    assert day.copied(url) == BODY
    assert spans(web) == []


def test_a_small_log_is_read_in_one_stream(web, day):
    url = web.script("/log", File(BODY[: 3 * KIB * KIB]))
    assert day.copied(url) == BODY[: 3 * KIB * KIB]
    assert spans(web) == []


def test_ranges_that_are_not_faster_are_left_for_one_stream(web, day, monkeypatch):
    monkeypatch.setattr(http_ranges, "_FASTER", 1e15)
    url = web.script("/log", File(BODY))
    assert day.copied(url) == BODY
    # The first block, three rounds, those that were under way, then the rest in one.
    assert len(open_spans(web)) == 1
    assert "Several range requests are not faster here" in "\n".join(day.lines)


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param(Answer(body=BODY, headers={"ETag": '"v1"'}), id="200 with the whole file"),
        pytest.param(Answer(status=429), id="429"),
        pytest.param(Answer(status=503), id="503"),
    ],
)
def test_a_server_that_refuses_ranges_goes_on_sending_the_first_answer(web, day, refusal):
    url = web.script("/log", File(BODY), refusal)
    assert day.copied(url) == BODY
    assert len(web.requests("/log")) == 2


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param(Answer(status=503), id="503"),
        pytest.param(Answer(body=BODY, headers={"ETag": '"v1"'}), id="200 with the whole file"),
        pytest.param(File(BODY, cuts=[0] * 99), id="always cut"),
    ],
)
def test_a_server_that_comes_to_refuse_ranges_is_read_in_one_stream(web, day, refusal):
    file = File(BODY)
    refused = 0

    def script(request: Request) -> Answer:
        nonlocal refused
        span = request.headers["Range"]
        if span and not span.endswith("-") and len(spans(web)) > 5:
            refused += 1
            return refusal if isinstance(refusal, Answer) else refusal(request)
        return file(request)

    url = web.script("/log", script)
    assert day.copied(url) == BODY
    assert refused >= 1
    assert len(open_spans(web)) == 1
    assert "starting again from zero" not in "\n".join(day.lines)


@pytest.mark.parametrize("resets", [False, True], ids=["closed", "reset"])
def test_a_cut_range_goes_on_where_it_broke_off(web, day, resets):
    url = web.script("/log", File(BODY, cuts=[None, None, 1000, 2000, None, 3000], resets=resets))
    assert day.copied(url) == BODY
    assert len([line for line in day.lines if line.startswith("Going on from byte")]) == 3
    assert open_spans(web) == []


def test_a_file_that_changes_between_two_ranges_is_never_mixed(web, day):
    old, new = File(BODY), File(BODY[::-1], etag='"v2"')

    def script(request: Request) -> Answer:
        return (old if len(web.requests("/log")) <= 9 else new)(request)

    url = web.script("/log", script)
    manifest = day.copy(url)
    assert day.content() == BODY[::-1]
    assert manifest.source["etag"] == '"v2"'
    assert "starting again from zero" in "\n".join(day.lines)


@pytest.mark.parametrize("shift", [-1, 1], ids=["one byte less", "one byte more"])
def test_a_range_that_begins_elsewhere_is_not_taken(web, day, shift):
    file = File(BODY)

    def script(request: Request) -> Answer:
        span = request.headers["Range"]
        if span and len(spans(web)) == 4:
            start, end = (int(number) for number in span[len("bytes=") :].split("-"))
            return Answer(
                status=206,
                body=BODY[start + shift : end + 1 + shift],
                headers={
                    "ETag": '"v1"',
                    "Content-Range": f"bytes {start + shift}-{end + shift}/{len(BODY)}",
                },
            )
        return file(request)

    url = web.script("/log", script)
    assert day.copied(url) == BODY
    assert "starting again from zero" in "\n".join(day.lines)


def test_a_server_that_dies_while_ranges_are_read_is_a_transient_error(web, day):
    file = File(BODY)

    def script(request: Request) -> Answer:
        if len(web.requests("/log")) <= 8:
            return file(request)
        return Answer(body=b"", headers={"Content-Length": "1"}, resets=True)

    url = web.script("/log", script)
    with pytest.raises(SourceUnavailableError, match="the transfer failed"):
        day.copied(url)
    assert len(web.requests("/log")) > 8
    day.assert_untouched()


def test_a_range_that_hangs_does_not_hold_up_what_failed_before_it(web, day):
    file = File(BODY)
    hanging = threading.Event()
    started: list[int] = []

    def wait_and_break_off():
        hanging.wait(60)
        yield BODY[:1]

    def script(request: Request) -> Answer:
        answer = file(request)
        if answer.status != 206 or hanging.is_set():
            return Answer(status=412) if answer.status == 206 else answer
        start = int(request.headers["Range"][len("bytes=") :].partition("-")[0])
        started.append(start)
        if start == started[0] + BLOCK:
            length = {"Content-Length": str(BLOCK)}
            return Answer(status=206, headers={**answer.headers, **length}, body=wait_and_break_off)
        if start == started[0] + 2 * BLOCK:
            hanging.set()
            return Answer(silent=True)
        return answer

    url = web.script("/log", script)
    # Longer than the time-out of a test: only an interrupted range ends before.
    with pytest.raises(SourceUnavailableError, match="412"):
        day.copied(url, connections=2, read_timeout=1000)
    assert hanging.is_set()
    day.assert_untouched()


def test_no_thread_is_left_behind(web, day):
    before = {thread.name for thread in threading.enumerate() if thread.name.startswith("range")}
    url = web.script("/log", File(BODY))
    day.copied(url)
    after = {thread.name for thread in threading.enumerate() if thread.name.startswith("range")}
    assert (before, after) == (set(), set())
