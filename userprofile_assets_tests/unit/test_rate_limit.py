"""Requests of a key are counted, each key for itself."""

from __future__ import annotations

from userprofile_assets.service.rate_limit import RateLimit


def test_a_key_is_refused_after_its_own_limit_and_another_is_not():
    rate = RateLimit(default=100)
    allowed = [rate.count("a", 2).allowed for _ in range(3)]
    assert allowed == [True, True, False]
    assert rate.count("b", 2).allowed


def test_a_key_without_a_limit_of_its_own_has_the_default():
    rate = RateLimit(default=1)
    assert [rate.count("a", None).allowed for _ in range(2)] == [True, False]


def test_the_headers_say_what_is_left():
    rate = RateLimit(default=100)
    rate.count("a", 3)
    headers = dict(rate.count("a", 3).headers)
    assert headers == {b"ratelimit-policy": b'"key";q=3;w=60', b"ratelimit": b'"key";r=1;t=60'}
