"""Decompressing, recoding and leaving out a header, at every border between chunks."""

from __future__ import annotations

import bz2
import gzip
import io
import random
import struct
import tempfile
import zipfile
import zlib
from typing import TYPE_CHECKING

import pytest

from userprofile_assets.errors import SourceError, StorageFullError
from userprofile_assets.ingestion.decode import (
    PIECE_BYTES,
    RATIO_FROM_BYTES,
    decompress,
    recode,
    skip_header,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

WHERE = "http://host/log"
TEXT = b"first\x00\r\nsecond\x01\xff\xfe\nno line end"
MIB = 1024**2


def in_pieces(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def zipped(*files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", method) as writer:
        for name, content in files:
            writer.writestr(name, content)
    return archive.getvalue()


def unpacked(
    chunks: Iterable[bytes],
    compression,
    *,
    max_bytes: int = 100 * MIB,
    max_ratio: int = 2000,
) -> bytes:
    return b"".join(
        decompress(
            chunks,
            compression=compression,
            where=WHERE,
            max_bytes=max_bytes,
            max_ratio=max_ratio,
        )
    )


def packed_as(compression: str, content: bytes) -> bytes:
    if compression == "gzip":
        return gzip.compress(content)
    if compression == "bzip2":
        return bz2.compress(content)
    return zipped(("log.txt", content))


def noise(size: int) -> bytes:
    return random.Random(1).randbytes(size)


PACKED = [
    pytest.param("none", TEXT, id="none"),
    pytest.param("gzip", gzip.compress(TEXT), id="gzip"),
    pytest.param("gzip", gzip.compress(TEXT[:9]) + gzip.compress(TEXT[9:]), id="two gzip members"),
    pytest.param(
        "gzip",
        gzip.compress(b"") + gzip.compress(TEXT) + gzip.compress(b""),
        id="empty gzip members",
    ),
    pytest.param("gzip", gzip.compress(TEXT) + bytes(512), id="gzip padded with zero bytes"),
    pytest.param("bzip2", bz2.compress(TEXT), id="bzip2"),
    pytest.param("bzip2", bz2.compress(TEXT[:9]) + bz2.compress(TEXT[9:]), id="two bzip2 streams"),
    pytest.param("zip", zipped(("log.txt", TEXT)), id="zip"),
    pytest.param("zip", zipped(("log.txt", TEXT), method=zipfile.ZIP_STORED), id="stored zip"),
    pytest.param("zip", zipped(("logs/", b""), ("logs/log.txt", TEXT)), id="zip with directory"),
]


@pytest.mark.parametrize("size", [1, 7, 1000], ids="pieces of {}".format)
@pytest.mark.parametrize(("compression", "packed"), PACKED)
def test_the_bytes_come_out_wherever_the_chunks_end(compression, packed, size):
    assert unpacked(in_pieces(packed, size), compression) == TEXT


@pytest.mark.parametrize(
    ("compression", "packed"),
    [
        pytest.param("none", b"", id="none"),
        pytest.param("gzip", gzip.compress(b""), id="gzip"),
        pytest.param("bzip2", bz2.compress(b""), id="bzip2"),
        pytest.param("zip", zipped(("log.txt", b"")), id="zip"),
    ],
)
def test_an_empty_log_stays_empty(compression, packed):
    assert unpacked([packed] if packed else [], compression) == b""


@pytest.mark.parametrize("size", [PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES])
@pytest.mark.parametrize("compression", ["gzip", "bzip2", "zip"])
def test_output_around_the_size_of_a_piece_is_whole(compression, size):
    content = b"a" * size
    packed = packed_as(compression, content)
    assert unpacked([packed], compression) == content


@pytest.mark.parametrize("compression", ["gzip", "bzip2", "zip"])
def test_one_chunk_never_becomes_more_than_a_piece_at_once(compression):
    content = bytes(5 * MIB)
    packed = packed_as(compression, content)
    pieces = decompress(
        [packed], compression=compression, where=WHERE, max_bytes=100 * MIB, max_ratio=10**9
    )
    assert max(map(len, pieces)) <= PIECE_BYTES


@pytest.mark.parametrize(
    ("compression", "packed", "offset"),
    [
        pytest.param("gzip", gzip.compress(TEXT)[:-9], len(gzip.compress(TEXT)) - 9, id="gzip"),
        pytest.param("gzip", b"", 0, id="no byte of gzip"),
        pytest.param("bzip2", bz2.compress(TEXT)[:-5], len(bz2.compress(TEXT)) - 5, id="bzip2"),
        pytest.param("bzip2", b"", 0, id="no byte of bzip2"),
    ],
)
def test_a_truncated_stream_is_an_error_that_names_its_end(compression, packed, offset):
    with pytest.raises(SourceError, match=rf"{WHERE}: it ends after {offset} bytes, inside the "):
        unpacked(in_pieces(packed, 10), compression)


@pytest.mark.parametrize("size", [3, 1000], ids="pieces of {}".format)
@pytest.mark.parametrize(
    ("packed", "start"),
    [
        (gzip.compress(TEXT) + bytes(9) + gzip.compress(TEXT), len(gzip.compress(TEXT))),
        (gzip.compress(TEXT) + bytes(9) + b"x", len(gzip.compress(TEXT))),
        (bytes(9) + gzip.compress(TEXT), 0),
        (bytes(9), 0),
    ],
    ids=["another member behind it", "garbage behind it", "in front", "nothing else"],
)
def test_zero_bytes_that_are_not_at_the_end_of_gzip_are_an_error(packed, start, size):
    with pytest.raises(SourceError, match=f"no gzip member starts at byte {start}, "):
        unpacked(in_pieces(packed, size), "gzip")


@pytest.mark.parametrize("size", [3, 1000], ids="pieces of {}".format)
@pytest.mark.parametrize(
    ("compression", "packed"),
    [
        pytest.param("gzip", gzip.compress(TEXT), id="gzip"),
        pytest.param("bzip2", bz2.compress(TEXT), id="bzip2"),
    ],
)
def test_garbage_after_the_end_is_an_error_that_names_its_offset(compression, packed, size):
    with pytest.raises(
        SourceError,
        match=rf"{WHERE}: no {compression} member starts at byte {len(packed)}, or it is broken",
    ):
        unpacked(in_pieces(packed + b"garbage", size), compression)


@pytest.mark.parametrize(
    ("compression", "member"),
    [
        pytest.param("gzip", gzip.compress(TEXT), id="gzip"),
        pytest.param("bzip2", bz2.compress(TEXT), id="bzip2"),
    ],
)
def test_a_single_byte_of_garbage_is_an_error_too(compression, member):
    with pytest.raises(SourceError, match=f"starts at byte {len(member)}\nWhat"):
        unpacked([member + member[:1]], compression)


@pytest.mark.parametrize("compression", ["gzip", "bzip2", "zip"])
def test_a_file_that_is_not_compressed_is_an_error(compression):
    with pytest.raises(SourceError, match=f"What to do: check that the file is a? ?{compression}"):
        unpacked([b"2024-08-07 GET /index.html\n" * 100], compression)


def test_a_gzip_member_with_a_wrong_checksum_is_an_error():
    packed = bytearray(gzip.compress(TEXT))
    packed[-8] ^= 1
    with pytest.raises(SourceError, match="incorrect data check"):
        unpacked([bytes(packed)], "gzip")


def test_a_zip_with_two_files_is_refused_with_their_names():
    archive = zipped(("a.txt", b"a"), ("b\n.txt", b"b"))
    with pytest.raises(SourceError, match=r"holds 2 files, not one: 'a.txt', 'b\\n.txt'"):
        unpacked([archive], "zip")


def test_a_zip_without_a_file_is_refused():
    with pytest.raises(SourceError, match="holds no file"):
        unpacked([zipped(("logs/", b""))], "zip")


def test_a_zip_with_a_wrong_checksum_is_an_error():
    archive = bytearray(zipped(("log.txt", TEXT), method=zipfile.ZIP_STORED))
    archive[archive.index(b"second")] ^= 1
    with pytest.raises(SourceError, match="Bad CRC-32"):
        unpacked([bytes(archive)], "zip")


def test_an_encrypted_zip_is_refused():
    archive = bytearray(zipped(("log.txt", TEXT)))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        archive[archive.index(signature) + offset] |= 1
    with pytest.raises(SourceError, match=r"'log.txt' in the zip archive is encrypted"):
        unpacked([bytes(archive)], "zip")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA], ids=["bzip2", "lzma"])
def test_a_zip_method_that_cannot_be_bounded_is_refused(method):
    with pytest.raises(SourceError, match=f"compressed by method {method}"):
        unpacked([zipped(("log.txt", TEXT), method=method)], "zip")


@pytest.mark.parametrize("kept", [10, 40, 90], ids="{} percent".format)
def test_a_truncated_zip_is_an_error(kept):
    archive = zipped(("log.txt", noise(1000)))
    with pytest.raises(SourceError, match="the zip archive cannot be read"):
        unpacked([archive[: len(archive) * kept // 100]], "zip")


def test_a_zip_with_a_huge_directory_is_refused_unread():
    directory = 5 * MIB
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, directory, 0, 0)
    with pytest.raises(SourceError, match="5,242,880 bytes of directory are too many"):
        unpacked([bytes(directory) + end], "zip")


def test_a_zip_that_does_not_fit_into_the_temporary_directory_is_a_full_storage(monkeypatch):
    class Full(io.BytesIO):
        def write(self, data: object, /) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", Full)
    with pytest.raises(StorageFullError, match="No space left on device"):
        unpacked([zipped(("log.txt", TEXT))], "zip")


@pytest.mark.parametrize(
    ("compression", "packed"),
    [
        pytest.param("none", bytes(1001), id="none"),
        pytest.param("gzip", gzip.compress(bytes(1001)), id="gzip"),
        pytest.param("bzip2", bz2.compress(bytes(1001)), id="bzip2"),
        pytest.param("zip", zipped(("log.txt", bytes(1001))), id="zip"),
    ],
)
def test_one_byte_over_the_cap_is_refused_and_the_cap_itself_is_not(compression, packed):
    assert len(unpacked([packed], compression, max_bytes=1001)) == 1001
    with pytest.raises(SourceError, match="more than 1,000 bytes"):
        unpacked([packed], compression, max_bytes=1000)


def test_members_without_any_output_run_into_the_cap_of_the_source():
    def endless() -> Iterator[bytes]:
        while True:
            yield gzip.compress(b"") * 1000

    with pytest.raises(SourceError, match="more than 100,000 bytes"):
        unpacked(endless(), "gzip", max_bytes=100_000)


@pytest.mark.parametrize("compression", ["gzip", "bzip2", "zip"])
def test_a_ratio_over_the_cap_is_refused_from_ten_mebibytes_on(compression):
    below, above = bytes(RATIO_FROM_BYTES - 1), bytes(RATIO_FROM_BYTES)
    assert unpacked([packed_as(compression, below)], compression, max_ratio=200) == below
    with pytest.raises(SourceError, match="more than 200 times as many"):
        unpacked([packed_as(compression, above)], compression, max_ratio=200)


def test_a_log_that_compresses_within_the_ratio_passes_the_ten_mebibytes():
    content = (noise(1000) + bytes(99_000)) * 120
    packed = zlib.compress(content, wbits=31)
    assert len(content) / len(packed) > 50
    assert unpacked(in_pieces(packed, 65_536), "gzip", max_ratio=200) == content


@pytest.mark.parametrize("size", [1, 3, 1000], ids="pieces of {}".format)
@pytest.mark.parametrize(
    ("data", "left"),
    [
        (b"ip,time\n1.2.3.4,noon\n", b"1.2.3.4,noon\n"),
        (b"ip,time\r\n1.2.3.4,noon\r\n", b"1.2.3.4,noon\r\n"),
        (b"\nsecond\n", b"second\n"),
        (b"header\n", b""),
        (b"header without a line end", b""),
        (b"", b""),
    ],
    ids=["LF", "CRLF", "empty header", "only a header", "no line end", "empty"],
)
def test_a_header_is_left_out_up_to_the_first_line_feed(data, left, size):
    assert b"".join(skip_header(in_pieces(data, size))) == left


@pytest.mark.parametrize("size", [1, 2, 3, 1000], ids="pieces of {}".format)
@pytest.mark.parametrize(
    ("data", "encoding", "text"),
    [
        pytest.param(b"\xd3\xc3\xbb\xa7|\xc4\xd0\n", "gbk", "用户|男\n", id="gbk"),
        pytest.param(b"\x81\x30\x84\x36\n", "gb18030", "¥\n", id="four bytes of gb18030"),
        pytest.param(b"caf\xe9", "latin-1", "café", id="latin-1"),
        pytest.param("用\n".encode("utf-16"), "utf-16", "用\n", id="utf-16"),
        pytest.param("用\n".encode("utf-16-be"), "utf-16-be", "用\n", id="utf-16-be"),
        pytest.param(b"\xef\xbb\xbfa", "utf-8-sig", "a", id="utf-8-sig takes the mark off"),
        pytest.param(b"\xef\xbb\xbfa", "utf-8", "\ufeffa", id="utf-8 keeps the mark"),
        pytest.param(b"a\r\n\x00\x01\n", "utf-8", "a\r\n\x00\x01\n", id="control characters"),
        pytest.param(b"", "gbk", "", id="empty"),
    ],
)
def test_a_text_becomes_utf_8_wherever_the_chunks_end(data, encoding, text, size):
    recoded = b"".join(recode(in_pieces(data, size), encoding=encoding, where=WHERE))
    assert recoded == text.encode("utf-8")


@pytest.mark.parametrize("size", [1, 2, 3, 1000], ids="pieces of {}".format)
@pytest.mark.parametrize(
    ("data", "encoding", "message"),
    [
        pytest.param(
            b"good\n\xe7\x94\xa8\xd3\xc3\n",
            "utf-8",
            r"byte 8 \(0xd3\) is not utf-8",
            id="gbk within utf-8",
        ),
        pytest.param(
            b"good\n\xe7\x94", "utf-8", r"byte 5 \(0xe7\) is not utf-8", id="utf-8 cut at the end"
        ),
        pytest.param(
            b"\xd3\xc3\xff\n", "gbk", r"byte 2 \(0xff\) is not gbk", id="a byte gbk has not"
        ),
        pytest.param(b"caf\xe9", "ascii", r"byte 3 \(0xe9\) is not ascii", id="ascii"),
        pytest.param(b"a\x00b", "utf-16-le", r"byte 2 \(0x62\) is not utf-16-le", id="odd utf-16"),
        pytest.param(
            b"\xef\xbb\xbfok\xff",
            "utf-8-sig",
            r"byte 5 \(0xff\) is not utf-8-sig",
            id="after the mark of utf-8-sig",
        ),
    ],
)
def test_a_byte_that_does_not_fit_is_named_with_its_offset(data, encoding, message, size):
    with pytest.raises(SourceError, match=f"{WHERE}: {message}"):
        list(recode(in_pieces(data, size), encoding=encoding, where=WHERE))


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        pytest.param(b"a\x00b\x00", "utf-16", id="utf-16 without its mark"),
        pytest.param(b"+2AA-", "utf-7", id="half a surrogate pair"),
    ],
)
def test_a_text_that_is_wrong_without_a_single_wrong_byte_is_an_error(data, encoding):
    with pytest.raises(SourceError, match=encoding):
        list(recode([data], encoding=encoding, where=WHERE))


@pytest.mark.parametrize("encoding", ["gbkk", "rot13", "base64"])
def test_what_is_no_text_encoding_is_refused_by_name(encoding):
    with pytest.raises(SourceError, match=f"'{encoding}' is no text encoding"):
        list(recode([b"a"], encoding=encoding, where=WHERE))
