"""What a URL means, and which redirects are followed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from userprofile_assets.errors import SourceError, SourceMissingError, SourceUnavailableError
from userprofile_assets.ingestion.http_session import check_redirect
from userprofile_assets.ingestion.log_source import LogSource, file_path, open_log


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file:///logs/a.txt", "/logs/a.txt"),
        ("file://localhost/logs/a.txt", "/logs/a.txt"),
        ("file:/logs/a.txt", "/logs/a.txt"),
        ("file:///logs/a%20b%3F%23%E7%94%A8.txt", "/logs/a b?#用.txt"),
    ],
    ids=["no host", "localhost", "no slashes", "percent-encoded"],
)
def test_a_file_url_names_a_path(url, path):
    assert file_path(url) == Path(path)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("file://otherhost/a.txt", "the host 'otherhost' cannot be read here"),
        ("file:///a.txt?day=1", "neither query nor fragment"),
        ("file:///a.txt#top", "neither query nor fragment"),
        ("file:///a%00.txt", "cannot hold a NUL"),
    ],
    ids=["another host", "query", "fragment", "NUL"],
)
def test_a_file_url_that_is_no_path_is_refused(url, message):
    with pytest.raises(SourceError, match=message):
        file_path(url)


def test_a_file_that_is_not_there_is_a_missing_source(tmp_path):
    with (
        pytest.raises(SourceMissingError, match="there is no such file"),
        open_log((tmp_path / "log.txt").as_uri()),
    ):
        pytest.fail("opened")


def test_a_directory_is_not_read_as_a_log(tmp_path):
    with pytest.raises(SourceError, match="a directory or a device"), open_log(tmp_path.as_uri()):
        pytest.fail("opened")


def test_a_named_pipe_is_refused_instead_of_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with (
        pytest.raises(SourceError, match="a directory or a device"),
        open_log((tmp_path / "pipe").as_uri()),
    ):
        pytest.fail("opened")


def test_a_file_that_grows_while_it_is_read_is_read_again_later(tmp_path):
    path = tmp_path / "log.txt"
    path.write_bytes(b"first\n")
    with open_log(path.as_uri()) as source:
        path.write_bytes(b"first\nsecond\n")
        with pytest.raises(SourceUnavailableError, match="13 bytes came, 6 had been promised"):
            list(source.chunks())


@pytest.mark.parametrize(
    "url",
    ["ftp://host/log.txt", "/var/log/access.log", "http://[broken/log.txt", "http://:80/log.txt"],
    ids=["another scheme", "a path", "a broken address", "no host"],
)
def test_a_url_that_cannot_be_opened_is_a_permanent_error(url):
    with pytest.raises(SourceError), open_log(url):
        pytest.fail("opened")


def test_a_source_that_keeps_its_promise_is_counted_and_hashed():
    source = LogSource(name="http://host/log", kind="http", length=3, body=iter([b"a", b"bc"]))
    assert b"".join(source.chunks()) == b"abc"
    assert source.facts() == {
        "kind": "http",
        "name": "http://host/log",
        "bytes": 3,
        "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    }


@pytest.mark.parametrize("length", [2, 4], ids=["too many", "too few"])
def test_another_number_of_bytes_than_promised_is_a_transient_error(length):
    source = LogSource(name="http://host/log", kind="http", length=length, body=iter([b"abc"]))
    with pytest.raises(SourceUnavailableError, match=f"3 bytes came, {length} had been promised"):
        list(source.chunks())


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("http://a/log", "http://b/log"),
        ("http://a/log", "https://a/log"),
        ("https://a/log", "https://b/log"),
    ],
    ids=["http to http", "http to https", "https to https"],
)
def test_a_redirect_that_keeps_the_encryption_is_followed(source, target):
    check_redirect(source, target, name="http://a/log")


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("https://a/log", "http://u:secret@a/log?sig=secret", "from https to http://a/log"),
        ("http://a/log", "file:///etc/passwd", "from http to file:///etc/passwd"),
        ("http://a/log", "ftp://a/log", "from http to ftp://a/log"),
    ],
    ids=["https to http", "a local file", "ftp"],
)
def test_a_redirect_out_of_http_or_out_of_encryption_is_refused(source, target, message):
    with pytest.raises(SourceError, match=message) as caught:
        check_redirect(source, target, name="https://a/log")
    assert "secret" not in str(caught.value)
