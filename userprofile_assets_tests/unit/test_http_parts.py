"""Which validators are strong, and how digests are read."""

from __future__ import annotations

import hashlib

import pytest

from userprofile_assets.ingestion.digests import parse_digests, promised_digests, sha256_in
from userprofile_assets.ingestion.http_parts import describe_whole, strong_etag

NOON = "Wed, 07 Aug 2024 12:00:00 GMT"
FIFTY_NINE_SECONDS_LATER = "Wed, 07 Aug 2024 12:00:59 GMT"
A_MINUTE_LATER = "Wed, 07 Aug 2024 12:01:00 GMT"


@pytest.mark.parametrize(
    ("etag", "strong"),
    [
        ('"v1"', '"v1"'),
        (' "v1" ', '"v1"'),
        ('""', '""'),
        ('W/"v1"', None),
        ('w/"v1"', None),
        ("v1", None),
        ('"v1', None),
        ('"a"b"', None),
        ('"a b"', None),
        ("", None),
        (None, None),
    ],
)
def test_only_a_strong_etag_stands_for_bytes(etag, strong):
    assert strong_etag(etag) == strong


@pytest.mark.parametrize(
    ("headers", "validator"),
    [
        ({"etag": '"v1"', "last-modified": NOON, "date": A_MINUTE_LATER}, '"v1"'),
        ({"last-modified": NOON, "date": A_MINUTE_LATER}, NOON),
        ({"last-modified": NOON, "date": FIFTY_NINE_SECONDS_LATER}, None),
        ({"last-modified": NOON}, None),
        ({"last-modified": "soon", "date": A_MINUTE_LATER}, None),
        ({"etag": 'W/"v1"', "last-modified": NOON, "date": A_MINUTE_LATER}, None),
        ({"etag": '"v1"', "accept-ranges": "none"}, None),
        ({}, None),
    ],
    ids=[
        "ETag first", "date a minute before", "date just now", "no clock", "no date", "weak ETag",
        "no ranges", "nothing",
    ],
)  # fmt: skip
def test_the_rest_is_asked_for_with_one_strong_validator(headers, validator):
    assert describe_whole(headers).validator == validator


@pytest.mark.parametrize(
    ("value", "algorithms"),
    [
        ("sha-256=:" + "A" * 43 + "=:", ["sha-256"]),
        ("md5=:AAAAAAAAAAAAAAAAAAAAAA==:, sha-256=:" + "A" * 43 + "=:;q=1", ["md5", "sha-256"]),
        ("sha-256=:AAAA:", []),
        ("sha-256=" + "A" * 43 + "=", []),
        ("sha-256=:" + "A" * 43 + "=: garbage", []),
        ("", []),
        (None, []),
    ],
    ids=["one", "two", "too short", "no colons", "garbage", "empty", "none"],
)
def test_digests_are_a_dictionary_of_byte_sequences(value, algorithms):
    assert sorted(parse_digests(value)) == algorithms


def test_a_stronger_digest_makes_md5_superfluous():
    headers = {
        "content-md5": "AAAAAAAAAAAAAAAAAAAAAA==",
        "repr-digest": "sha-256=:" + "A" * 43 + "=:",
    }
    assert [promise.algorithm for promise in promised_digests(headers)] == ["sha-256"]


def test_a_name_in_a_list_of_digests_is_matched_whole():
    one, two = hashlib.sha256(b"1").hexdigest(), hashlib.sha256(b"2").hexdigest()
    text = f"{one}  log.txt.gz\n{two}  log.txt\n"
    assert sha256_in(text, file="log.txt") == two
    assert sha256_in(text, file="other") == one
    assert sha256_in("no digest " + "a" * 63, file="log.txt") is None
    assert sha256_in("a" * 65, file="log.txt") is None
