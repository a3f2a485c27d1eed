"""The S3 adapter against a real server: what is visible when, and what errors say."""

from __future__ import annotations

import hashlib
import http.server
import threading
from contextlib import contextmanager
from dataclasses import replace

import pytest

from userprofile_assets.errors import (
    NotPublishedError,
    PermanentError,
    StorageError,
    StorageUnavailableError,
)
from userprofile_assets.ingestion import s3_upload
from userprofile_assets.ingestion.open_store import open_store
from userprofile_assets.ingestion.publish import Publisher, Target
from userprofile_assets.ingestion.s3_store import S3Store
from userprofile_assets.ingestion.store import S3Options, get, put
from userprofile_assets_tests.support.killing import each_kill_point
from userprofile_assets_tests.support.s3_proxy import S3Proxy, listening

MIB = 1024 * 1024
PART = 5 * MIB  # the least that S3 takes
KEY = "ods/log_20240807/log.txt"


@pytest.fixture
def store(s3_server):
    return S3Store(s3_server.uri, s3_server.options, part_bytes=PART, copy_bytes=PART)


@pytest.mark.parametrize(
    "size",
    [0, 1, PART - 1, PART, PART + 1, 2 * PART, 2 * PART + 7],
    ids=["empty", "1 byte", "part-1", "one part", "part+1", "two parts", "three parts"],
)
def test_what_is_written_is_read_back(store, s3_server, size):
    data = bytes(range(256)) * (size // 256 + 1)
    data = data[:size]
    with store.upload(KEY) as upload:
        for start in range(0, size, 3 * MIB):
            upload.write(data[start : start + 3 * MIB])
        upload.commit()
    assert hashlib.sha256(get(store, KEY)).digest() == hashlib.sha256(data).digest()
    info = store.head(KEY)
    assert info is not None
    assert info.size == size
    outside = s3_server.client().get_object(Bucket=s3_server.bucket, Key=f"warehouse/{KEY}")
    assert outside["ContentLength"] == size
    assert s3_server.open_uploads() == []


def test_parts_grow_so_that_a_large_object_fits_into_ten_thousand(store, monkeypatch):
    monkeypatch.setattr(s3_upload, "PARTS_PER_SIZE", 1)
    put(store, KEY, b"x" * (PART + 2 * PART + 4 * PART))
    info = store.head(KEY)
    assert info is not None
    assert info.size == 7 * PART
    assert info.etag.endswith("-3")


@pytest.mark.parametrize("size", [10, 3 * PART], ids=["one request", "multipart"])
def test_nothing_is_visible_before_the_commit(store, s3_server, size):
    with store.upload(KEY) as upload:
        upload.write(b"x" * size)
        upload.stage()
        assert s3_server.keys() == []
        assert store.head(KEY) is None
        upload.commit()
        assert s3_server.keys() == [f"warehouse/{KEY}"]


@pytest.mark.parametrize("size", [10, 3 * PART], ids=["one request", "multipart"])
def test_an_exception_publishes_nothing_and_leaves_no_parts(store, s3_server, size):
    put(store, KEY, b"former")
    with pytest.raises(ZeroDivisionError), store.upload(KEY) as upload:
        upload.write(b"x" * size)
        assert len(s3_server.open_uploads()) == (1 if size > PART else 0)
        raise ZeroDivisionError
    assert get(store, KEY) == b"former"
    assert s3_server.keys() == [f"warehouse/{KEY}"]
    assert s3_server.open_uploads() == []


def test_leaving_without_commit_publishes_nothing_and_leaves_no_parts(store, s3_server):
    with store.upload(KEY) as upload:
        upload.write(b"x" * 2 * PART)
        upload.stage()
    assert s3_server.keys() == []
    assert s3_server.open_uploads() == []


@pytest.mark.parametrize("size", [0, 9, 2 * PART + 7], ids=["empty", "one request", "in parts"])
def test_a_copy_has_the_same_bytes(store, s3_server, size):
    data = (b"0123456789" * (size // 10 + 1))[:size]
    put(store, KEY, data)
    store.copy(KEY, "other/b.txt")
    assert get(store, "other/b.txt") == data
    assert s3_server.open_uploads() == []


def test_a_copy_that_fails_half_way_leaves_no_parts(store, s3_server, monkeypatch):
    put(store, KEY, b"x" * (2 * PART))
    bucket = store._bucket
    send = bucket.call

    def break_at_second_part(operation, key, **parameters):
        if operation == "upload_part_copy" and parameters["PartNumber"] == 2:
            raise StorageUnavailableError("connection lost")
        return send(operation, key, **parameters)

    monkeypatch.setattr(bucket, "call", break_at_second_part)
    with pytest.raises(StorageUnavailableError):
        store.copy(KEY, "other/b.txt")
    assert store.head("other/b.txt") is None
    assert s3_server.open_uploads() == []


def test_copying_what_is_missing_says_so(store):
    with pytest.raises(NotPublishedError, match=r"warehouse/absent: there is no such object"):
        store.copy("absent", "b")


def test_reading_what_is_missing_says_so(store):
    with pytest.raises(NotPublishedError, match="there is no such object"):
        next(store.read("absent"))


def test_deleting_twice_is_no_error(store, s3_server):
    put(store, KEY, b"x")
    store.delete(KEY)
    store.delete(KEY)
    assert s3_server.keys() == []


def test_a_list_has_keys_under_the_prefix_only(store, s3_server):
    for key in ("a/2", "a/1", "a/_previous/1", "ab", "b/1"):
        put(store, key, b"12")
    s3_server.client().put_object(Bucket=s3_server.bucket, Key="elsewhere/a/1", Body=b"")
    assert [info.key for info in store.list("a/")] == ["a/1", "a/2", "a/_previous/1"]
    assert [info.key for info in store.list("")] == ["a/1", "a/2", "a/_previous/1", "ab", "b/1"]
    assert store.list("a/")[0].size == 2


def test_a_list_of_more_than_one_page_is_complete(store, monkeypatch):
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "2")
    for name in "abcde":
        put(store, f"n/{name}", b"")
    assert [info.key for info in store.list("n/")] == ["n/a", "n/b", "n/c", "n/d", "n/e"]


def test_two_stores_see_each_other_at_once(store, s3_server):
    other = open_store(s3_server.uri, s3_server.options)
    assert other.list("") == []
    put(store, KEY, b"1")
    assert [info.key for info in other.list("")] == [KEY]
    put(store, KEY, b"22")
    info = other.head(KEY)
    assert info is not None
    assert info.size == 2


def test_a_bucket_without_prefix_is_a_store(s3_server):
    store = open_store(f"s3://{s3_server.bucket}/", s3_server.options)
    put(store, "a/b", b"x")
    assert store.uri == f"s3://{s3_server.bucket}"
    assert [info.key for info in store.list("a/")] == ["a/b"]
    assert s3_server.keys() == ["a/b"]


def test_a_missing_bucket_is_named_with_what_to_do(s3_server):
    store = open_store("s3://no-such-bucket/x", s3_server.options)
    for act in (lambda: put(store, KEY, b"x"), lambda: store.list(""), lambda: get(store, KEY)):
        with pytest.raises(StorageError, match="make the bucket") as caught:
            act()
        assert "NoSuchBucket" in str(caught.value)


@contextmanager
def answering(status, code, *, size_in_head=None):
    """Run a server that answers every request alike; yields its URL and the requests seen."""
    seen = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # the client waits for "100 Continue"

        def answer(self):
            length = int(self.headers.get("Content-Length", 0))
            seen.append((self.command, dict(self.headers), self.rfile.read(length)))
            body = f"<Error><Code>{code}</Code><Message>refused</Message></Error>".encode()
            if status == 200:
                body = b""
            self.send_response(status)
            self.send_header("ETag", '"e"')
            size = size_in_head if self.command == "HEAD" and size_in_head else len(body)
            self.send_header("Content-Length", str(size))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = answer  # noqa: N815 - http.server's names

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def options_for(endpoint):
    return S3Options(
        endpoint=endpoint,
        region="cn-test",
        addressing="path",
        access_key_id="LTAIcanaryid",
        access_key_secret="canary-secret",
        security_token="canary-token",
    )


@pytest.mark.parametrize(
    ("status", "code", "kind", "text"),
    [
        (403, "AccessDenied", StorageError, "OSS_ACCESS_KEY_ID"),
        (403, "SecondLevelDomainForbidden", StorageError, "OSS_ADDRESSING=virtual"),
        (400, "InvalidArgument", StorageError, "InvalidArgument"),
        (501, "NotImplemented", StorageError, "NotImplemented"),
        (500, "InternalError", StorageUnavailableError, "InternalError"),
        (503, "SlowDown", StorageUnavailableError, "SlowDown"),
        (429, "TooManyRequests", StorageUnavailableError, "TooManyRequests"),
    ],
)
def test_an_answer_becomes_a_permanent_or_a_transient_error(status, code, kind, text):
    with answering(status, code) as (endpoint, seen):
        store = S3Store("s3://bucket/p", options_for(endpoint), attempts=1)
        with pytest.raises(kind, match=text) as caught:
            put(store, KEY, b"x")
    assert seen
    assert "s3://bucket/p/ods/log_20240807/log.txt" in str(caught.value)
    assert "canary" not in str(caught.value)


def test_a_store_that_is_not_there_is_a_transient_error():
    with answering(200, "") as (endpoint, _):
        pass
    store = S3Store("s3://bucket/p", options_for(endpoint), attempts=1)
    with pytest.raises(StorageUnavailableError, match="OSS_ENDPOINT"):
        put(store, KEY, b"x")


def test_an_endpoint_that_is_no_url_is_a_permanent_error():
    store = open_store("s3://bucket/p", options_for("not a url"))
    with pytest.raises(StorageError, match="Invalid endpoint"):
        store.head(KEY)


def test_a_store_that_keeps_another_size_is_found_out():
    with answering(200, "", size_in_head=99) as (endpoint, seen):
        store = open_store("s3://bucket/p", options_for(endpoint))
        with pytest.raises(StorageError, match="1 bytes were written, but the store then has 99"):
            put(store, KEY, b"x")
    assert [command for command, _, _ in seen] == ["PUT", "HEAD"]


@pytest.mark.parametrize(
    ("profile", "digest"),
    [("oss", hashlib.sha256(b"abc").hexdigest()), ("minio", "UNSIGNED-PAYLOAD")],
)
def test_a_body_goes_over_the_wire_plain_with_a_checksum_that_is_signed(profile, digest):
    with answering(200, "", size_in_head=3) as (endpoint, seen):
        options = replace(options_for(endpoint), profile=profile, addressing="path")
        put(open_store("s3://bucket/p", options), KEY, b"abc")
    _, headers, body = seen[0]
    assert body == b"abc"
    assert "aws-chunked" not in headers.get("Content-Encoding", "")
    marks = ("x-amz-checksum", "x-amz-trailer", "x-amz-sdk-checksum")
    assert [name for name in headers if name.lower().startswith(marks)] == []
    assert headers["X-Amz-Content-SHA256"] == digest
    assert headers["Content-MD5"] == "kAFQmDzST7DWlj99KOF/cg=="
    assert ";content-md5;" in headers["Authorization"].replace("SignedHeaders=", ";")
    assert headers["X-Amz-Security-Token"] == "canary-token"


@pytest.mark.parametrize("size", [10, 2 * PART + 7], ids=["one request", "in parts"])
def test_amazon_gets_its_own_checksums(s3_server, size):
    with listening(S3Proxy(s3_server.endpoint)) as proxy:
        options = replace(s3_server.options, profile="aws", endpoint=proxy.url)
        put(S3Store(s3_server.uri, options, part_bytes=PART), KEY, b"x" * size)
    bodies = [r for r in proxy.seen if r.operation in {"PutObject", "UploadPart"}]
    assert bodies
    for request in bodies:
        assert "x-amz-checksum-crc32" in request.headers
        assert "content-md5" not in request.headers
    assert s3_server.open_uploads() == []


@pytest.mark.parametrize("size", [10, 2 * PART + 7], ids=["one request", "in parts"])
@pytest.mark.parametrize(
    "encryption",
    [
        {"encryption": "AES256"},
        {"encryption": "aws:kms", "encryption_key_id": "alias/canary"},
    ],
    ids=lambda value: value["encryption"],
)
def test_objects_and_copies_are_encrypted_as_set(s3_server, encryption, size):
    options = replace(s3_server.options, **encryption)
    store = S3Store(s3_server.uri, options, part_bytes=PART, copy_bytes=PART)
    put(store, KEY, b"x" * size)
    store.copy(KEY, "other/b.txt")
    for key in (KEY, "other/b.txt"):
        found = s3_server.client().head_object(Bucket=s3_server.bucket, Key=f"warehouse/{key}")
        assert found["ServerSideEncryption"] == encryption["encryption"]
        assert found.get("SSEKMSKeyId") == encryption.get("encryption_key_id")


def test_a_copy_to_an_unchecked_key_is_refused(store, s3_server):
    put(store, KEY, b"x")
    with pytest.raises(PermanentError, match="cannot be the key"):
        store.copy(KEY, "../b")
    assert s3_server.keys() == [f"warehouse/{KEY}"]


@pytest.mark.parametrize(
    "uri",
    ["s3:///key", "s3://id:secret@bucket/p", "s3://bucket/p?x=1", "s3://bucket/a/../b"],
)
def test_a_uri_that_is_no_bucket_and_prefix_is_refused_without_its_secret(uri):
    with pytest.raises(Exception, match="What to do") as caught:
        open_store(uri)
    assert "secret" not in str(caught.value)


def test_options_show_no_secret():
    text = repr(options_for("http://h"))
    assert "canary" not in text
    assert "cn-test" in text


def publish_with(publisher, data):
    def write(sink):
        sink.write(data)
        return {"kind": "test"}

    return publisher.publish(Target(asset="a", key=KEY, bizdate="20240807", run_id="r"), write)


@pytest.fixture
def publisher(store, tmp_path):
    return Publisher(store=store, locks=tmp_path)


def test_an_empty_day_is_published(publisher):
    manifest = publish_with(publisher, b"")
    assert (manifest.bytes, manifest.rows) == (0, 0)
    assert publisher.verify(KEY) == manifest


def test_a_rerun_keeps_the_former_day_and_a_rollback_brings_it_back(publisher, s3_server):
    first = publish_with(publisher, b"one\n" * 2 * MIB)
    second = publish_with(publisher, b"two\n")
    assert publisher.verify(KEY) == second
    assert publisher.rollback(KEY) == first
    assert get(publisher.store, KEY) == b"one\n" * 2 * MIB
    assert s3_server.keys() == [
        "warehouse/ods/log_20240807/_manifest.json",
        "warehouse/ods/log_20240807/_previous/_manifest.json",
        "warehouse/ods/log_20240807/_previous/log.txt",
        "warehouse/ods/log_20240807/log.txt",
    ]


def test_the_empty_object_by_which_a_folder_is_made_is_no_row_of_the_day(publisher, s3_server):
    s3_server.client().put_object(Bucket=s3_server.bucket, Key="warehouse/ods/log_20240807/")
    manifest = publish_with(publisher, b"one\n")
    assert publisher.verify(KEY) == manifest
    assert s3_server.keys() == [
        "warehouse/ods/log_20240807/",
        "warehouse/ods/log_20240807/_manifest.json",
        "warehouse/ods/log_20240807/log.txt",
    ]


def test_a_failing_source_leaves_the_former_day_and_no_parts(publisher, s3_server):
    first = publish_with(publisher, b"one\n")

    def write(sink):
        sink.write(b"x" * 2 * PART)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        publisher.publish(Target(asset="a", key=KEY, bizdate="20240807", run_id="r"), write)
    assert publisher.verify(KEY) == first
    assert get(publisher.store, KEY) == b"one\n"
    assert s3_server.open_uploads() == []


SMALL_PART = 64 * 1024


def publish_in_child(server, locks, data, *, wrap):
    store = S3Store(server.uri, server.options, part_bytes=SMALL_PART)
    publish_with(Publisher(store=wrap(store), locks=locks), data)


def test_after_a_kill_at_each_call_the_day_is_the_former_or_the_new_one(
    s3_server, tmp_path, monkeypatch
):
    """All 42 calls, about a second each; moto is told to take parts that are smaller than 5 MiB."""
    monkeypatch.setattr("moto.s3.models.S3_UPLOAD_PART_MIN_SIZE", SMALL_PART)
    store = S3Store(s3_server.uri, s3_server.options, part_bytes=SMALL_PART)
    publisher = Publisher(store=store, locks=tmp_path)
    former, new = b"one\n", b"two\n" * (SMALL_PART // 2)  # two parts
    seen = []

    def prepare():
        publish_with(publisher, former)
        return s3_server, tmp_path, new

    for _ in each_kill_point(publish_in_child, prepare):
        manifest = publisher.read_manifest(KEY)
        data = get(store, KEY)
        assert data in {former, new}
        assert manifest is not None
        assert hashlib.sha256(data).hexdigest() == manifest.sha256
        seen.append(data)
        publish_with(publisher, new)
        assert get(store, KEY) == new
        assert get(store, "ods/log_20240807/_previous/log.txt") == former
        assert len(s3_server.keys()) == 4
    assert seen == [former] * seen.count(former) + [new] * seen.count(new)
    assert set(seen) == {former, new}
