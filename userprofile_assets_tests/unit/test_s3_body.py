"""The body of a request: chunks that are read and sent as one file."""

from __future__ import annotations

import asyncio
import hashlib
import os

import pytest

from userprofile_assets.ingestion.s3_body import SEND_BYTES, SMALL_BYTES, Body

SIZES = {
    "nothing": [],
    "one byte": [1],
    "small ones": [10, 20, 30],
    "small ones that make a large one": [SMALL_BYTES - 1, 1, 1],
    "large ones": [SMALL_BYTES, 3 * SEND_BYTES + 1, SEND_BYTES],
    "mixed": [5, SEND_BYTES, 7, SMALL_BYTES, SMALL_BYTES - 1, 2],
}


async def sent(body: Body) -> list[bytes]:
    return [bytes(piece) async for piece in body]


@pytest.fixture(params=list(SIZES.values()), ids=list(SIZES))
def written(request):
    chunks = [os.urandom(size) for size in request.param]
    body = Body()
    for chunk in chunks:
        body.write(chunk)
    return body, b"".join(chunks)


def test_what_was_written_is_read(written):
    body, expected = written
    assert body.size == len(expected)
    assert body.read() == expected
    assert body.read() == b""
    assert body.tell() == len(expected)


@pytest.mark.parametrize("size", [1000, 65536, 1024 * 1024])
def test_a_read_gives_as_much_as_it_is_asked_for_until_the_end(written, size):
    body, expected = written
    pieces = list(iter(lambda: body.read(size), b""))
    assert pieces == [expected[at : at + size] for at in range(0, len(expected), size)]


def test_the_client_finds_the_length_by_seeking(written):
    body, expected = written
    assert (body.tell(), body.seek(0, os.SEEK_END)) == (0, len(expected))
    assert body.seek(0) == 0
    assert body.read() == expected


def test_a_seek_stays_inside():
    body = Body()
    body.write(b"abc")
    assert [body.seek(2), body.seek(-1, os.SEEK_CUR), body.seek(9), body.seek(-9)] == [2, 1, 3, 0]


def test_every_try_sends_all_bytes_in_pieces_that_the_socket_takes(written):
    body, expected = written
    body.read(1)
    for _ in range(2):
        pieces = asyncio.run(sent(body))
        assert b"".join(pieces) == expected
        assert all(0 < len(piece) <= SEND_BYTES for piece in pieces)


def test_the_md5_is_that_of_the_bytes(written):
    body, expected = written
    assert body.md5() == hashlib.md5(expected, usedforsecurity=False).digest()


def test_bytes_can_be_written_after_a_look():
    body = Body()
    body.write(b"a")
    assert body.read() == b"a"
    body.write(b"b")
    assert body.read() == b"b"
    assert asyncio.run(sent(body)) == [b"a", b"b"]


def test_a_large_chunk_is_kept_and_not_copied():
    chunk = os.urandom(SEND_BYTES)
    body = Body()
    body.write(memoryview(chunk))
    (piece,) = body._pieces(0, body.size)
    assert piece.obj is chunk
