"""Servers that fail, lie or never end, and disks that fill up: the former day always stays."""

from __future__ import annotations

import bz2
import gzip
import io
import itertools
import json
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from userprofile_assets.errors import (
    PermanentError,
    SourceError,
    SourceMissingError,
    SourceUnavailableError,
    TransientError,
)
from userprofile_assets.ingestion.log_copy import LogOptions, copy_log
from userprofile_assets.ingestion.open_store import open_store
from userprofile_assets.ingestion.publish import Publisher, Target
from userprofile_assets_tests.support.web import Answer, Web

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("unhurried")

KEY = "ods_raw_log_d/log_20240807/log_20240807.txt"
TARGET = Target(asset="ods_raw_log_d", key=KEY, bizdate="20240807", run_id="run-1")
FORMER = b"the former day\n"
MIB = 1024**2

# Copies argv's log in a process of its own, so that its limits and its memory are its own.
CHILD = """
import json, resource, sys
from pathlib import Path
from userprofile_assets.errors import UserProfileError
from userprofile_assets.ingestion.log_copy import LogOptions, copy_log
from userprofile_assets.ingestion.publish import Publisher, Target
from userprofile_assets.ingestion.open_store import open_store

task = json.loads(sys.argv[1])
publisher = Publisher(store=open_store(task["storage"]), locks=Path(task["locks"]))


def copy(url, key, **options):
    target = Target(asset="ods_raw_log_d", key=key, bizdate="20240807", run_id="run-2")
    return copy_log(
        url, publisher=publisher, target=target, options=LogOptions(**options), log=lambda _: None
    )


def peak_bytes():
    # Not ru_maxrss where it can be avoided: Linux hands the parent's peak down through exec().
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    line = next(l for l in status.read_text().splitlines() if l.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


copy(task["small"], "warm/up/log.txt")  # imports what is imported late
if task["file_limit"]:
    resource.setrlimit(resource.RLIMIT_FSIZE, (task["file_limit"], task["file_limit"]))
before = peak_bytes()
result = {"error": None, "message": "", "bytes": None}
try:
    result["bytes"] = copy(task["url"], task["key"], **task["options"]).bytes
except UserProfileError as error:
    result |= {"error": type(error).__name__, "message": str(error)}
print(json.dumps(result | {"growth": peak_bytes() - before}))
"""


@dataclass
class Day:
    """A day in a store of its own, published once already."""

    root: Path

    def __post_init__(self) -> None:
        self.publisher = Publisher(store=open_store(self.storage), locks=self.root / "locks")
        former = self.root / "former.txt"
        former.write_bytes(FORMER)
        self.copied(former.as_uri())

    @property
    def storage(self) -> str:
        return (self.root / "storage").as_uri()

    def content(self) -> bytes:
        return b"".join(self.publisher.store.read(KEY))

    def copied(self, url: str, **options) -> bytes:
        copy_log(
            url,
            publisher=self.publisher,
            target=TARGET,
            options=LogOptions(**options),
            log=lambda _: None,
        )
        return self.content()

    def copied_in_a_child(
        self, web: Web, body: Answer, *, file_limit: int = 0, **options
    ) -> dict[str, Any]:
        task = {
            "url": web.script("/log", body),
            "small": web.script("/small", Answer(body=b"a\n")),
            "key": KEY,
            "storage": self.storage,
            "locks": str(self.root / "locks"),
            "file_limit": file_limit,
            "options": options,
        }
        command = [sys.executable, "-c", CHILD, json.dumps(task)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        result: dict[str, Any] = json.loads(done.stdout)
        return result

    def assert_untouched(self) -> None:
        """It has its former bytes and manifest, and nothing else lies beside them."""
        assert self.content() == FORMER
        assert self.publisher.verify(KEY).bytes == len(FORMER)
        directory = (self.root / "storage" / KEY).parent
        files = {path.name for path in directory.rglob("*") if path.is_file()}
        assert files == {"log_20240807.txt", "_manifest.json"}


@pytest.fixture
def day(tmp_path) -> Day:
    return Day(tmp_path)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, SourceMissingError),
        (410, SourceMissingError),
        (400, SourceError),
        (401, SourceError),
        (403, SourceError),
        (416, SourceError),
        (204, SourceError),
        (206, SourceError),
        (304, SourceError),
    ],
    ids=str,
)
def test_an_answer_that_will_not_change_is_not_asked_for_again(web, day, status, error):
    url = web.script("/log", Answer(status=status))
    with pytest.raises(error, match=f"{url}: the server answered {status}") as caught:
        day.copied(url)
    assert isinstance(caught.value, PermanentError)
    assert len(web.requests("/log")) == 1
    day.assert_untouched()


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504], ids=str)
def test_an_answer_that_may_change_is_asked_for_again(web, day, status):
    url = web.script("/log", Answer(status=status), Answer(body=b"well\n"))
    assert day.copied(url) == b"well\n"
    assert len(web.requests("/log")) == 2


def test_a_server_that_stays_ill_is_asked_five_times(web, day):
    url = web.script("/log", Answer(status=503, headers={"Retry-After": "3600"}))
    with pytest.raises(SourceUnavailableError, match="the server answered 503") as caught:
        day.copied(url)
    assert getattr(caught.value, "retry_after", None) == 3600.0
    assert len(web.requests("/log")) == 5
    day.assert_untouched()


@pytest.mark.parametrize("cut_after", [0, 1, 150_000, 299_999], ids="after {} bytes".format)
def test_a_transfer_that_breaks_off_starts_again_from_zero(web, day, cut_after):
    body = b"0123456789" * 30_000
    url = web.script("/log", Answer(body=body, cut_after=cut_after), Answer(body=body))
    assert day.copied(url) == body
    assert len(web.requests("/log")) == 2


def test_a_transfer_that_breaks_off_each_time_is_a_transient_error(web, day):
    url = web.script("/log", Answer(body=b"x" * 300_000, cut_after=150_000))
    with pytest.raises(SourceUnavailableError, match=f"{url}: the transfer failed") as caught:
        day.copied(url)
    assert isinstance(caught.value, TransientError)
    assert len(web.requests("/log")) == 5
    day.assert_untouched()


def test_a_chunked_transfer_without_its_end_is_a_transient_error(web, day):
    answer = Answer(
        body=lambda: iter([b"6\r\nfirst\n\r\n"]), headers={"Transfer-Encoding": "chunked"}
    )
    url = web.script("/log", answer)
    with pytest.raises(SourceUnavailableError, match="the transfer failed"):
        day.copied(url)
    day.assert_untouched()


@pytest.mark.parametrize("compression", ["gzip", "zip"])
def test_a_compressed_log_that_breaks_off_is_a_transient_error_too(web, day, compression):
    url = web.script("/log", Answer(body=gzip.compress(b"a\n" * 1000), cut_after=15))
    with pytest.raises(SourceUnavailableError):
        day.copied(url, compression=compression)
    assert len(web.requests("/log")) == 5
    day.assert_untouched()


def test_a_server_that_does_not_listen_is_a_transient_error(web, day):
    url = web.script("/log", Answer(body=b"a\n"))
    web.close()
    with pytest.raises(SourceUnavailableError, match="ConnectError"):
        day.copied(url)
    day.assert_untouched()


@pytest.mark.parametrize(
    ("compression", "body", "message"),
    [
        ("gzip", gzip.compress(b"a\n" * 1000)[:-3], "inside the gzip member"),
        ("bzip2", bz2.compress(b"a\n" * 1000)[:-3], "inside the bzip2 member"),
        ("gzip", gzip.compress(b"a\n") + b"<html>", "no gzip member starts at byte"),
        ("zip", b"PK\x03\x04 not a zip", "the zip archive cannot be read"),
    ],
    ids=["cut gzip", "cut bzip2", "gzip and garbage", "no zip"],
)
def test_a_broken_archive_that_arrived_whole_is_a_permanent_error(
    web, day, compression, body, message
):
    url = web.script("/log", Answer(body=body))
    with pytest.raises(SourceError, match=message):
        day.copied(url, compression=compression)
    assert len(web.requests("/log")) == 1
    day.assert_untouched()


def zip_bomb() -> bytes:
    archive = io.BytesIO()
    with (
        zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as writer,
        writer.open("log.txt", "w") as member,
    ):
        for _ in range(128):
            member.write(bytes(MIB))
    return archive.getvalue()


@pytest.mark.parametrize(
    ("compression", "bomb", "message"),
    [
        # Each would become 128 MiB or more.
        ("gzip", lambda: gzip.compress(bytes(16 * MIB)) * 64, "200 times as many"),
        ("bzip2", lambda: bz2.compress(bytes(64 * MIB)) * 4, "200 times as many"),
        ("zip", zip_bomb, "200 times as many"),
        ("none", None, "more than 67,108,864 bytes"),
    ],
    ids=["gzip", "bzip2", "zip", "endless body"],
)
def test_a_bomb_is_stopped_with_little_memory(web, day, compression, bomb, message):
    body = bomb() if bomb else lambda: itertools.repeat(bytes(MIB))
    result = day.copied_in_a_child(
        web, Answer(body=body), compression=compression, max_bytes=64 * MIB, max_ratio=200
    )
    assert result["error"] == "SourceError"
    assert message in result["message"]
    assert result["growth"] < 64 * MIB
    day.assert_untouched()


def test_a_large_log_takes_no_more_memory_than_a_small_one(web, day):
    size = 300 * MIB
    line = b"1.2.3.4##-##2024-08-07 12:00:00##GET /##200\n"
    block = (line * (MIB // len(line) + 1))[:MIB]
    body = Answer(body=lambda: itertools.repeat(block, 300), headers={"Content-Length": str(size)})
    result = day.copied_in_a_child(web, body)
    assert (result["error"], result["bytes"]) == (None, size)
    assert result["growth"] < 100 * MIB


def test_a_full_disk_is_named_and_leaves_the_former_day(web, day):
    result = day.copied_in_a_child(web, Answer(body=bytes(4 * MIB)), file_limit=MIB)
    assert result["error"] == "StorageFullError"
    assert len(web.requests("/log")) == 1
    day.assert_untouched()
