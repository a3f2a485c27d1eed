"""HTTP transfers that break off, stall, change in the middle: the same bytes, or a typed error."""

from __future__ import annotations

import gzip
import itertools
import socket
import threading
from contextlib import suppress
from email.utils import formatdate
from typing import TYPE_CHECKING

import pytest

from userprofile_assets.errors import SourceError, SourceMissingError, SourceUnavailableError
from userprofile_assets.ingestion import http_session
from userprofile_assets.ingestion.http_errors import (
    SourceBusyError,
    SourceChangedError,
    SourceTooSlowError,
)
from userprofile_assets.ingestion.log_copy import LogOptions
from userprofile_assets.ingestion.retry import DeadlineError, GaveUpError
from userprofile_assets_tests.support.log_days import LogDay
from userprofile_assets_tests.support.web import Answer, File, Request

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("unhurried")

BODY = b"".join(b"line %d\n" % number for number in range(40_000))
LONG_AGO = "Wed, 07 Aug 2024 16:00:00 GMT"


@pytest.fixture
def day(tmp_path) -> LogDay:
    return LogDay(tmp_path)


class DrippingHead:
    """A server whose heads come byte by byte and have no end."""

    def __init__(self) -> None:
        self.connections = 0
        self._stopped = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/log"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.connections += 1
                threading.Thread(target=self._drip, args=(connection,), daemon=True).start()

    def _drip(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
            while not self._stopped.wait(0.02):
                connection.sendall(b"x")

    def close(self) -> None:
        self._stopped.set()
        self._socket.close()


@pytest.fixture
def dripping_head(monkeypatch) -> Iterator[DrippingHead]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(http_session, "_CONNECT_SECONDS", 0.1)
    server = DrippingHead()
    yield server
    server.close()


def ranges(web, path="/log") -> list[tuple[str | None, str | None]]:
    return [(headers["Range"], headers["If-Range"]) for headers in web.requests(path)]


@pytest.mark.parametrize("resets", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize("cut", [1, 150_000, len(BODY) - 1], ids="after {} bytes".format)
def test_a_cut_transfer_goes_on_where_it_broke_off(web, day, cut, resets):
    url = web.script("/log", File(BODY, cuts=[cut], resets=resets))
    assert day.copied(url) == BODY
    first, second = ranges(web)
    assert first == (None, None)
    assert second[1] == '"v1"'
    # A reset may take back what the client had not read yet.
    if not resets:
        assert second[0] == f"bytes={cut}-"
    assert len([line for line in day.lines if line.startswith("Going on from byte")]) == 1


@pytest.mark.parametrize("resets", [False, True], ids=["closed", "reset"])
def test_a_transfer_cut_before_its_first_byte_begins_anew(web, day, resets):
    url = web.script("/log", File(BODY, cuts=[0], resets=resets))
    assert day.copied(url) == BODY
    assert ranges(web) == [(None, None)] * 2


def test_twenty_cuts_that_each_bring_bytes_use_up_no_attempt(web, day):
    url = web.script("/log", File(BODY, cuts=[15_000] * 20))
    assert day.copied(url) == BODY
    assert len(web.requests("/log")) == 21


def test_five_tries_that_bring_no_byte_are_the_end(web, day):
    url = web.script("/log", File(BODY, cuts=[100_000, *[0] * 50]))
    with pytest.raises(GaveUpError, match="5 tries in a row brought no byte from 100,000 on"):
        day.copied(url)
    assert len(web.requests("/log")) == 1 + 5
    day.assert_untouched()


def test_hashing_and_decompressing_go_on_over_a_cut(web, day):
    packed = gzip.compress(BODY)
    url = web.script("/log", File(packed, cuts=[len(packed) // 2]))
    manifest = day.copy(url, options=LogOptions(compression="gzip"))
    assert day.content() == BODY
    assert manifest.source["bytes"] == len(packed)
    assert len(web.requests("/log")) == 2


def test_an_old_last_modified_is_a_validator_where_there_is_no_etag(web, day):
    url = web.script("/log", File(BODY, etag=None, modified=LONG_AGO, cuts=[100_000]))
    assert day.copied(url) == BODY
    assert ranges(web)[1] == ("bytes=100000-", LONG_AGO)


@pytest.mark.parametrize(
    "file",
    [
        pytest.param({"etag": 'W/"v1"'}, id="a weak ETag"),
        pytest.param({"etag": 'W/"v1"', "modified": LONG_AGO}, id="a weak ETag and a date"),
        pytest.param({"etag": "v1"}, id="an ETag without quotes"),
        pytest.param({"etag": None}, id="no validator"),
        pytest.param({"headers": {"Accept-Ranges": "none"}, "ranges": False}, id="no ranges"),
    ],
)
def test_without_a_strong_validator_a_cut_transfer_begins_from_zero(web, day, file):
    url = web.script("/log", File(BODY, cuts=[100_000], **file))
    assert day.copied(url) == BODY
    assert ranges(web) == [(None, None)] * 2


def test_a_date_of_just_now_is_no_strong_validator(web, day):
    # Asked for within the minute: a second change in the same second would have the same date.
    just_now = formatdate(usegmt=True)
    url = web.script("/log", File(BODY, etag=None, modified=just_now, cuts=[100_000]))
    assert day.copied(url) == BODY
    assert ranges(web) == [(None, None)] * 2


def test_a_file_that_changes_in_the_middle_is_never_mixed(web, day):
    file = File(BODY, cuts=[100_000])
    other = File(BODY.upper(), etag='"v2"')
    url = web.script("/log", file, other)
    manifest = day.copy(url)
    assert day.content() == BODY.upper()
    assert manifest.source["etag"] == '"v2"'
    assert ranges(web) == [(None, None), ("bytes=100000-", '"v1"'), (None, None)]


def part(start: int, end: int, *, of: str, etag: str | None = '"v1"', **headers: str) -> Answer:
    fields = {"Content-Range": f"bytes {start}-{end - 1}/{of}", **headers}
    if etag is not None:
        fields["ETag"] = etag
    return Answer(status=206, body=BODY.upper()[start:end], headers=fields)


SIZE = str(len(BODY))


@pytest.mark.parametrize(
    "second",
    [
        pytest.param(part(100_000, len(BODY), of=SIZE, etag='"v2"'), id="another ETag"),
        pytest.param(part(100_000, len(BODY), of=SIZE, etag=None), id="no ETag"),
        pytest.param(part(0, len(BODY), of=SIZE), id="from the first byte"),
        pytest.param(part(99_999, len(BODY), of=SIZE), id="from another byte"),
        pytest.param(part(100_000, len(BODY), of="999999"), id="of another length"),
        pytest.param(
            part(100_000, len(BODY), of=SIZE, **{"Content-Encoding": "gzip"}), id="another coding"
        ),
        pytest.param(Answer(status=206, body=b"X", headers={"ETag": '"v1"'}), id="no range"),
        pytest.param(Answer(status=416), id="416"),
        pytest.param(Answer(status=412), id="412"),
        pytest.param(Answer(status=200, body=b"X" * 9, headers={"ETag": '"v1"'}), id="200"),
    ],
)
def test_a_part_that_does_not_fit_makes_the_transfer_begin_from_zero(web, day, second):
    url = web.script("/log", File(BODY, cuts=[100_000]), second, File(BODY))
    assert day.copied(url) == BODY
    assert ranges(web) == [(None, None), ("bytes=100000-", '"v1"'), (None, None)]


def test_a_file_that_changes_at_each_try_is_a_transient_error(web, day):
    class Changing(File):
        def __call__(self, request: Request) -> Answer:
            self.etag = f'"{next(versions)}"'
            self.cuts = [100_000]
            return super().__call__(request)

    versions = itertools.count()
    url = web.script("/log", Changing(BODY))
    with pytest.raises(SourceChangedError, match="the file is another one by now"):
        day.copied(url)
    assert len(web.requests("/log")) == 10
    day.assert_untouched()


def test_a_server_that_sends_less_than_the_rest_is_asked_for_what_is_missing(web, day):
    size = len(BODY)
    good = Answer(
        status=206,
        body=BODY[100_000:200_000],
        headers={"ETag": '"v1"', "Content-Range": f"bytes 100000-199999/{size}"},
    )
    url = web.script("/log", File(BODY, cuts=[100_000]), good, File(BODY))
    assert day.copied(url) == BODY
    assert [asked for asked, _ in ranges(web)] == [None, "bytes=100000-", "bytes=200000-"]


@pytest.mark.parametrize("status", [429, 500, 503], ids=str)
def test_a_server_that_is_busy_in_the_middle_is_asked_for_the_rest_later(web, day, status):
    busy = Answer(status=status, headers={"Retry-After": "1"})
    url = web.script("/log", File(BODY, cuts=[100_000]), busy, busy, File(BODY))
    assert day.copied(url) == BODY
    assert [asked for asked, _ in ranges(web)] == [None] + ["bytes=100000-"] * 3


@pytest.mark.parametrize(
    ("status", "error"), [(404, SourceMissingError), (401, SourceError), (403, SourceError)]
)
def test_a_file_that_may_no_longer_be_read_in_the_middle_is_a_permanent_error(
    web, day, status, error
):
    url = web.script("/log", File(BODY, cuts=[100_000]), Answer(status=status))
    with pytest.raises(error, match=f"answered {status}"):
        day.copied(url)
    assert len(web.requests("/log")) == 2
    day.assert_untouched()


def test_the_answer_to_a_post_has_no_parts(web, day):
    url = web.script("/log", File(BODY, cuts=[100_000]))
    assert day.copied(url, method="POST", parameters="a=1") == BODY
    assert ranges(web) == [(None, None)] * 2


def test_a_body_that_stops_coming_is_left_after_the_read_timeout(web, day):
    url = web.script("/log", File(BODY, cuts=[100_000], hangs=True))
    assert day.copied(url, read_timeout=0.5) == BODY
    assert ranges(web)[1] == ("bytes=100000-", '"v1"')


def test_a_server_that_takes_the_request_and_says_nothing_is_a_transient_error(web, day):
    url = web.script("/log", Answer(silent=True))
    with pytest.raises(SourceUnavailableError, match="ReadTimeout") as caught:
        day.copied(url, read_timeout=0.05)
    assert "USERPROFILE_LOG_READ_TIMEOUT_SECONDS" in str(caught.value)
    assert len(web.requests("/log")) == 5
    day.assert_untouched()


def test_a_slow_drip_names_its_rate_and_the_setting(web, day):
    url = web.script("/log", Answer(body=b"x" * 100_000, pause=0.001))
    with pytest.raises(SourceTooSlowError, match=r"only [\d,]+ bytes came in") as caught:
        day.copied(url, min_rate=1_000_000, min_rate_window=0.05)
    assert "USERPROFILE_LOG_MIN_RATE" in str(caught.value)
    assert len(web.requests("/log")) == 5


def test_a_drip_that_may_be_resumed_ends_too(web, day):
    class Dripping(File):
        def __call__(self, request: Request) -> Answer:
            full = super().__call__(request)
            return Answer(status=full.status, body=full.body, headers=full.headers, pause=0.001)

    url = web.script("/log", Dripping(BODY))
    with pytest.raises(GaveUpError, match="bytes came in"):
        day.copied(url, min_rate=1_000_000, min_rate_window=0.05)
    assert len(web.requests("/log")) == 5
    day.assert_untouched()


def test_a_slow_log_is_copied_when_no_rate_is_asked_for(web, day):
    url = web.script("/log", Answer(body=b"slow\n", pause=0.01))
    assert day.copied(url, min_rate=0, min_rate_window=0.001) == b"slow\n"


def test_a_head_that_drips_in_is_left_although_no_read_times_out(day, dripping_head):
    with pytest.raises(SourceUnavailableError, match="the head of the answer was not complete"):
        day.copied(dripping_head.url, read_timeout=0.2)
    assert dripping_head.connections == 5
    day.assert_untouched()


def test_the_deadline_ends_a_copy_in_the_middle(web, day):
    url = web.script("/log", Answer(body=b"x" * 100_000, pause=0.001))
    with pytest.raises(DeadlineError, match=r"not done within 0\.2 seconds") as caught:
        day.copied(url, deadline_seconds=0.2)
    assert "USERPROFILE_LOG_DEADLINE_SECONDS" in str(caught.value)
    assert len(web.requests("/log")) == 1
    day.assert_untouched()


def test_the_deadline_ends_a_copy_that_waits_for_a_byte(web, day):
    url = web.script("/log", File(BODY, cuts=[100_000], hangs=True))
    with pytest.raises(DeadlineError):
        day.copied(url, deadline_seconds=0.2)
    day.assert_untouched()


@pytest.mark.parametrize("cut", [None, 100_000], ids=["at first", "in the middle"])
def test_a_wait_past_the_deadline_is_not_begun(web, day, cut):
    busy = Answer(status=503, headers={"Retry-After": "8000"})
    url = web.script("/log", *([File(BODY, cuts=[cut])] if cut else []), busy)
    with pytest.raises(DeadlineError, match="asks to wait 8000 seconds, but only") as caught:
        day.copied(url)
    assert isinstance(caught.value.__cause__, SourceBusyError)
    assert len(web.requests("/log")) == (2 if cut else 1)
    day.assert_untouched()


def test_a_host_whose_name_does_not_resolve_is_a_transient_error(day, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("no_proxy", "*")
    with pytest.raises(SourceUnavailableError, match="the name of the host cannot be resolved"):
        day.copied("http://no-such-host.invalid/log")
    assert len([line for line in day.lines if line.startswith("Attempt")]) == 4
    day.assert_untouched()
