"""A log that has not changed is not fetched again; its bytes are copied in the store."""

from __future__ import annotations

import pytest

from userprofile_assets.errors import NotPublishedError
from userprofile_assets.ingestion.log_copy import LogOptions
from userprofile_assets_tests.support.log_days import LogDay, key_of
from userprofile_assets_tests.support.web import Answer, File

BODY = b"".join(b"line %d\n" % number for number in range(1000))


@pytest.fixture
def day(tmp_path) -> LogDay:
    return LogDay(tmp_path)


def statuses(web) -> list[str | None]:
    """What each request said about the bytes that are there."""
    return [headers["If-None-Match"] for headers in web.requests("/log")]


def damage(day, data):
    """Write other bytes, as many as before, past the publisher."""
    (day.root / "storage" / key_of("20240807")).write_bytes(data)


def test_the_next_day_is_copied_in_the_store(web, day):
    url = web.script("/log", File(BODY))
    first = day.copy(url)
    second = day.copy(url, bizdate="20240808", former=["20240807"])
    assert statuses(web) == [None, '"v1"']
    assert day.content("20240808") == BODY
    assert (second.bizdate, second.copied_from, second.sha256) == (
        "20240808",
        "20240807",
        first.sha256,
    )
    assert second.source["unchanged_since"] == "20240807"
    assert second.taken_at == first.taken_at
    assert day.publisher.verify(key_of("20240808")) == second
    assert "has not changed since the publish of 20240807" in day.lines[-1]


def test_the_third_day_still_names_the_first(web, day):
    url = web.script("/log", File(BODY))
    day.copy(url)
    day.copy(url, bizdate="20240808", former=["20240807"])
    third = day.copy(url, bizdate="20240809", former=["20240808"])
    assert (third.copied_from, third.source["unchanged_since"]) == ("20240807", "20240807")
    assert statuses(web) == [None, '"v1"', '"v1"']


def test_the_same_day_is_left_as_it_is(web, day):
    url = web.script("/log", File(BODY))
    first = day.copy(url)
    again = day.copy(url)
    assert statuses(web) == [None, '"v1"']
    assert again.source["unchanged_since"] == "20240807"
    assert day.publisher.verify(key_of("20240807")) == first


def test_a_changed_log_is_fetched(web, day):
    url = web.script("/log", File(BODY), File(BODY.upper(), etag='"v2"'))
    day.copy(url)
    second = day.copy(url, bizdate="20240808", former=["20240807"])
    assert day.content("20240808") == BODY.upper()
    assert (second.copied_from, "unchanged_since" in second.source) == (None, False)
    assert len(web.requests("/log")) == 2


@pytest.mark.parametrize("etag", ['W/"v1"', None], ids=["a weak ETag", "no ETag"])
def test_without_a_strong_etag_the_log_is_fetched(web, day, etag):
    url = web.script("/log", File(BODY, etag=etag))
    day.copy(url)
    day.copy(url, bizdate="20240808", former=["20240807"])
    assert statuses(web) == [None, None]


@pytest.mark.parametrize(
    "options",
    [LogOptions(skip_header=True), LogOptions(encoding="latin-1")],
    ids=["skip_header", "encoding"],
)
def test_a_log_that_is_treated_otherwise_is_fetched(web, day, options):
    url = web.script("/log", File(BODY))
    day.copy(url)
    day.copy(url, options=options)
    assert statuses(web) == [None, None]
    day.copy(url, options=options)
    assert statuses(web) == [None, None, '"v1"']


@pytest.mark.parametrize(
    "other",
    [
        {"parameters": "a=2"},
        {"parameters": ""},
        {"headers": {"X-Tenant": "b"}},
        {"method": "POST"},
        {"sha256": "ab" * 32},
    ],
    ids=["other parameters", "no parameters", "other headers", "POST", "another sha256"],
)
@pytest.mark.usefixtures("unhurried")
def test_another_request_is_not_taken_for_the_same_log(web, day, other):
    url = web.script("/log", File(BODY))
    same = {"parameters": "a=1", "headers": {"X-Tenant": "a"}}
    day.copy(url, **same)
    day.copy(url, **same)
    assert statuses(web) == [None, '"v1"']
    if "sha256" in other:
        with pytest.raises(Exception, match="sha-256 of the bytes"):
            day.copy(url, **(same | other))
    else:
        day.copy(url, **(same | other))
    assert statuses(web)[2] is None


def test_another_url_with_the_same_etag_is_fetched(web, day):
    day.copy(web.script("/log", File(BODY)))
    other = web.script("/other", File(BODY.upper()))
    assert day.copied(other) == BODY.upper()
    assert [headers["If-None-Match"] for headers in web.requests("/other")] == [None]


def test_a_query_is_part_of_the_request(web, day):
    url = web.script("/log", File(BODY))
    day.copy(f"{url}?day=1")
    day.copy(f"{url}?day=2")
    day.copy(f"{url}?day=2")
    assert statuses(web) == [None, None, '"v1"']


def test_a_new_token_asks_for_the_same_log(web, day):
    url = web.script("/log", File(BODY))
    day.copy(url, token="monday")
    day.copy(url, token="tuesday")
    assert statuses(web) == [None, '"v1"']


def test_a_former_day_that_is_gone_is_not_relied_on(web, day):
    url = web.script("/log", File(BODY))
    day.copy(url)
    day.publisher.store.delete(key_of("20240807"))
    day.copy(url, bizdate="20240808", former=["20240807"])
    assert statuses(web) == [None, None]
    assert day.content("20240808") == BODY


def test_a_former_day_that_vanishes_meanwhile_is_fetched(web, day):
    url = web.script("/log", File(BODY))
    day.copy(url)
    file = File(BODY)

    def vanish(request):
        day.publisher.store.delete(key_of("20240807"))
        return file(request)

    web.script("/log", vanish)
    day.copy(url, bizdate="20240808", former=["20240807"])
    assert statuses(web) == [None, '"v1"', None]
    assert day.content("20240808") == BODY
    with pytest.raises(NotPublishedError):
        day.publisher.verify(key_of("20240807"))


@pytest.mark.parametrize("bizdate", ["20240807", "20240808"], ids=["that day", "the next day"])
def test_a_day_whose_bytes_were_damaged_is_not_relied_on(web, day, bizdate):
    url = web.script("/log", File(BODY))
    day.copy(url)
    damage(day, BODY.upper())
    day.copy(url, bizdate=bizdate, former=["20240807"])
    assert statuses(web) == [None, None]
    assert day.content(bizdate) == BODY
    assert (
        "Fetching the log whether it has changed or not: the object does not have the bytes of "
        "its manifest (ods_raw_log_d/log_20240807/log_20240807.txt)"
    ) in day.lines


def test_a_day_that_is_damaged_meanwhile_is_fetched(web, day):
    url = web.script("/log", File(BODY))
    day.copy(url)
    file = File(BODY)

    def damaged(request):
        damage(day, BODY.upper())
        return file(request)

    web.script("/log", damaged, file)
    day.copy(url)
    assert statuses(web) == [None, '"v1"', None]
    assert day.content("20240807") == BODY


def test_a_304_that_nobody_asked_for_is_an_error(web, day):
    url = web.script("/log", Answer(status=304))
    with pytest.raises(Exception, match="the server answered 304"):
        day.copy(url)
    day.assert_untouched()
