"""How the store's ETag, or the bytes themselves, prove what was sent."""

from __future__ import annotations

import hashlib

import pytest

from userprofile_assets.ingestion.s3_integrity import Sent

ONE, TWO = b"one" * 10, b"two"
PLAIN = hashlib.md5(ONE).hexdigest()
PARTS = f"{hashlib.md5(hashlib.md5(ONE).digest() + hashlib.md5(TWO).digest()).hexdigest()}-2"
OTHER = "0" * 32


def sent(*pieces, whole=False, etags=None, **answer):
    found = Sent(whole=whole)
    # Parts arrive in any order.
    for number, piece in reversed(list(enumerate(pieces, start=1))):
        digest = hashlib.md5(piece)
        etag = etags or digest.hexdigest()
        found.add(number, len(piece), digest.digest(), {"ETag": f'"{etag}"', **answer})
    return found


def test_the_usual_etags_are_the_md5_and_the_md5_of_md5s():
    assert sent(ONE, whole=True).etag == PLAIN
    assert sent(ONE, TWO).etag == PARTS
    assert sent(ONE, TWO).size == 33


@pytest.mark.parametrize(
    ("facts", "etag", "etag_of_parts", "verdict"),
    [
        (sent(ONE, TWO), PARTS, True, True),
        (sent(ONE, TWO), PARTS.upper(), False, True),
        (sent(ONE, TWO), f"{OTHER}-2", True, None),
        (sent(ONE, TWO), f"{OTHER}-2", False, True),
        (sent(ONE, TWO, etags=OTHER), f"{OTHER}-2", False, None),
        (sent(ONE, whole=True), OTHER, False, None),
        (sent(ONE, whole=True), "opaque", True, True),
        (sent(ONE, whole=True), None, True, True),
        (sent(ONE, whole=True, ServerSideEncryption="aws:kms"), OTHER, True, True),
        (sent(ONE, whole=True, ServerSideEncryption="AES256"), OTHER, True, None),
    ],
    ids=[
        "parts",
        "upper case",
        "parts, other",
        "parts, form unknown",
        "parts whose own ETags differ",
        "whole, other",
        "no hash",
        "none",
        "key service",
        "AES256",
    ],
)
def test_an_etag_proves_the_bytes_or_asks_for_them(facts, etag, etag_of_parts, verdict):
    assert facts.verdict(etag, etag_of_parts=etag_of_parts) is verdict


@pytest.mark.parametrize(
    ("chunks", "same"),
    [
        ([ONE + TWO], True),
        ([ONE[:5], ONE[5:] + TWO[:1], TWO[1:]], True),
        ([ONE, b"twO"], False),
        ([ONE], False),
        ([ONE + TWO + b"x"], False),
        ([ONE + TWO, b"x"], False),
        ([], False),
    ],
    ids=["one chunk", "three", "other", "short", "long", "long by a chunk", "nothing"],
)
def test_bytes_that_are_read_again_are_compared_part_by_part(chunks, same):
    assert sent(ONE, TWO).same_bytes(chunks) is same


def test_nothing_is_the_same_as_nothing():
    assert sent(b"", whole=True).same_bytes([])
