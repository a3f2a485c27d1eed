"""A log goes over real HTTP, or from a real file, into a real store."""

from __future__ import annotations

import base64
import bz2
import gzip
import hashlib
import io
import logging
import zipfile
from datetime import UTC, datetime, timedelta

import pytest

from userprofile_assets.errors import SourceError, SourceMissingError
from userprofile_assets.ingestion.log_copy import LogOptions, copy_log
from userprofile_assets.ingestion.open_store import open_store
from userprofile_assets.ingestion.publish import Publisher, Target
from userprofile_assets_tests.support.web import Answer, redirect

KEY = "ods_raw_log_d/log_20240807/log_20240807.txt"
TARGET = Target(asset="ods_raw_log_d", key=KEY, bizdate="20240807", run_id="run-1")
PLAIN = LogOptions()

# Each byte value once, a CR LF, Hive's default delimiter, NUL, text in GBK, no LF at the end.
EVERY_BYTE = bytes(range(256)) + b"a\r\nb\x01c\x00\n\xd3\xc3\xbb\xa7\xff\xfe\nlast"


def nothing(_: str) -> None:
    """Log nothing."""


@pytest.fixture
def publisher(tmp_path) -> Publisher:
    return Publisher(store=open_store((tmp_path / "storage").as_uri()), locks=tmp_path / "locks")


def published(publisher: Publisher) -> bytes:
    return b"".join(publisher.store.read(KEY))


def copied(publisher: Publisher, url: str, **options) -> bytes:
    copy_log(url, publisher=publisher, target=TARGET, options=LogOptions(**options), log=nothing)
    return published(publisher)


def zipped(name: str, content: bytes) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as writer:
        writer.writestr(name, content)
    return archive.getvalue()


def test_a_log_over_http_is_copied_byte_for_byte(web, publisher):
    body = EVERY_BYTE * 5000
    url = web.script("/log.txt", Answer(body=body))
    manifest = copy_log(url, publisher=publisher, target=TARGET, options=PLAIN, log=nothing)
    assert published(publisher) == body
    assert (manifest.bytes, manifest.sha256) == (len(body), hashlib.sha256(body).hexdigest())


def test_a_local_log_is_copied_byte_for_byte(tmp_path, publisher):
    source = tmp_path / "a log?.txt"
    source.write_bytes(EVERY_BYTE * 5000)
    assert copied(publisher, source.as_uri()) == EVERY_BYTE * 5000


def test_the_manifest_says_what_the_server_said(web, publisher):
    url = web.script(
        "/log.txt",
        Answer(
            body=b"a\nb\n",
            headers={
                "ETag": '"v1"',
                "Last-Modified": "Wed, 07 Aug 2024 16:00:00 GMT",
                "Content-Type": "text/plain",
            },
        ),
    )
    before = datetime.now(UTC) - timedelta(seconds=1)
    manifest = copy_log(url, publisher=publisher, target=TARGET, options=PLAIN, log=nothing)
    assert manifest.source == {
        "kind": "http",
        "name": url,
        "bytes": 4,
        "sha256": hashlib.sha256(b"a\nb\n").hexdigest(),
        "etag": '"v1"',
        "last_modified": "Wed, 07 Aug 2024 16:00:00 GMT",
        "content_type": "text/plain",
    }
    assert manifest.rows == 2
    assert before <= datetime.fromisoformat(manifest.taken_at) <= datetime.now(UTC)
    assert publisher.verify(KEY) == manifest


def test_the_manifest_says_what_was_done_to_the_bytes(web, publisher):
    packed = gzip.compress("名\n用户\n".encode("gbk"))
    url = web.script("/log.gz", Answer(body=packed))
    options = LogOptions(compression="gzip", encoding="gbk", skip_header=True)
    manifest = copy_log(url, publisher=publisher, target=TARGET, options=options, log=nothing)
    assert manifest.source == {
        "kind": "http",
        "name": url,
        "bytes": len(packed),
        "sha256": hashlib.sha256(packed).hexdigest(),
        "compression": "gzip",
        "encoding": "gbk",
        "skip_header": True,
    }
    assert published(publisher) == "用户\n".encode()
    assert (manifest.bytes, manifest.rows) == (7, 1)


def test_one_sentence_tells_what_was_copied(web, publisher):
    lines: list[str] = []
    url = web.script("/log.gz", Answer(body=gzip.compress(b"a\n" * 600, mtime=0)))
    options = LogOptions(compression="gzip")
    copy_log(url, publisher=publisher, target=TARGET, options=options, log=lines.append)
    size = len(gzip.compress(b"a\n" * 600, mtime=0))
    assert lines == [f"Copied {url} ({size} bytes) to {KEY}: 1,200 bytes, 600 rows."]


@pytest.mark.parametrize(
    ("compression", "packed"),
    [
        pytest.param("gzip", gzip.compress(EVERY_BYTE), id="gzip"),
        pytest.param("gzip", gzip.compress(EVERY_BYTE[:9]) + gzip.compress(EVERY_BYTE[9:]),
                     id="two gzip members"),
        pytest.param("bzip2", bz2.compress(EVERY_BYTE), id="bzip2"),
        pytest.param("zip", zipped("log.txt", EVERY_BYTE), id="zip"),
    ],
)  # fmt: skip
def test_a_compressed_log_is_stored_decompressed(web, publisher, compression, packed):
    url = web.script("/log", Answer(body=packed))
    assert copied(publisher, url, compression=compression) == EVERY_BYTE


def test_a_utf_16_log_loses_its_header_and_becomes_utf_8(web, publisher):
    url = web.script("/log", Answer(body="ip|时间\n1.2.3.4|中午\n".encode("utf-16")))
    assert copied(publisher, url, encoding="utf-16", skip_header=True) == "1.2.3.4|中午\n".encode()


def test_a_log_in_another_encoding_is_refused_with_the_offset(web, publisher):
    url = web.script("/log", Answer(body=b"good\n\xd3\xc3\n"))
    with pytest.raises(SourceError, match=r"byte 5 \(0xd3\) is not utf-8"):
        copied(publisher, url, encoding="utf-8")
    assert publisher.read_manifest(KEY) is None


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Answer(body=b""), id="Content-Length 0"),
        pytest.param(Answer(body=lambda: iter(())), id="no Content-Length"),
    ],
)
def test_an_empty_log_is_published_as_an_empty_object(web, publisher, answer):
    url = web.script("/log", answer)
    manifest = copy_log(url, publisher=publisher, target=TARGET, options=PLAIN, log=nothing)
    assert published(publisher) == b""
    assert (manifest.bytes, manifest.rows) == (0, 0)


def test_a_missing_log_is_an_error_and_the_former_day_stays(tmp_path, publisher):
    source = tmp_path / "log.txt"
    source.write_bytes(b"former\n")
    copied(publisher, source.as_uri())
    source.unlink()
    with pytest.raises(SourceMissingError, match="there is no such file"):
        copied(publisher, source.as_uri())
    assert published(publisher) == b"former\n"


def test_a_log_of_unknown_length_is_copied_to_its_end(web, publisher):
    url = web.script("/log", Answer(body=lambda: iter([b"a\n"] * 1000)))
    assert copied(publisher, url) == b"a\n" * 1000


def test_the_request_asks_for_the_bytes_as_they_are_and_says_who_asks(web, publisher):
    copied(publisher, web.script("/log", Answer(body=b"a\n")))
    (headers,) = web.requests("/log")
    assert headers["Accept-Encoding"] == "identity"
    assert headers["User-Agent"].startswith("userprofile-assets/")


def test_a_body_that_the_server_compressed_is_not_stored_as_a_log(web, publisher):
    answer = Answer(body=gzip.compress(b"a\n"), headers={"Content-Encoding": "gzip"})
    url = web.script("/log", answer)
    with pytest.raises(SourceError, match="sent the log as gzip"):
        copied(publisher, url)
    assert copied(publisher, url, compression="gzip") == b"a\n"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed(web, publisher, status):
    web.script("/new", Answer(body=b"moved\n"))
    assert copied(publisher, web.script("/old", redirect("/new", status))) == b"moved\n"


def test_five_redirects_are_followed_and_a_sixth_is_not(web, publisher):
    for step in range(6):
        web.script(f"/{step}", redirect(f"/{step + 1}"))
    web.script("/6", Answer(body=b"arrived\n"))
    assert copied(publisher, web.url("/1")) == b"arrived\n"
    with pytest.raises(SourceError, match="redirected more than 5 times"):
        copied(publisher, web.url("/0"))


def test_a_redirect_to_a_local_file_is_refused(web, publisher):
    url = web.script("/log", redirect("file:///etc/passwd"))
    with pytest.raises(SourceError, match=r"redirected from http to file:.*, which is refused"):
        copied(publisher, url)


def test_credentials_go_to_their_own_host_only(web, publisher):
    web.script("/log", redirect(f"http://localhost:{web.port}/elsewhere"))
    web.script("/elsewhere", Answer(body=b"a\n"))
    copied(publisher, web.url("/log", user="reader:s3cret"))
    basic = base64.b64encode(b"reader:s3cret").decode()
    assert [headers["Authorization"] for headers in web.requests("/log")] == [f"Basic {basic}"]
    assert [headers["Authorization"] for headers in web.requests("/elsewhere")] == [None]


@pytest.mark.parametrize("status", [200, 403, 404], ids=str)
def test_no_secret_of_the_url_is_shown_anywhere(web, publisher, caplog, tmp_path, status):
    caplog.set_level(logging.DEBUG)
    lines: list[str] = []
    web.script("/log", Answer(status=status, body=b"a\n"))
    url = web.url("/log", user="reader:s3cret") + "?signature=s3cret"
    shown = ""
    try:
        copy_log(url, publisher=publisher, target=TARGET, options=PLAIN, log=lines.append)
    except SourceError as error:
        shown = f"{error} {error!r} {error.__cause__!r}"
    except SourceMissingError as error:
        shown = f"{error} {error!r} {error.__cause__!r}"
    assert "HTTP Request: GET" in caplog.text
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or b"s3cret" not in path.read_bytes()
    assert "s3cret" not in caplog.text + shown + "".join(lines)


def test_a_url_that_cannot_be_parsed_does_not_show_its_password(publisher):
    with pytest.raises(SourceError) as caught:
        copied(publisher, "http://reader:s3cret@host:12x34/log")
    assert "s3cret" not in f"{caught.value} {caught.value.__cause__!r}"
