"""Faults while an object is written to an S3 store: the column "object write" of the matrix.

Each test proves by a counter at the proxy that its fault took place. Wrong passwords, expired
tokens: test_oss_dialect.py, test_rclone_store.py. A killed process: test_s3_store.py. A full disk:
test_local_store.py. A restarted server: test_rclone_store.py.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from userprofile_assets.errors import (
    StorageError,
    StorageFullError,
    StorageUnavailableError,
)
from userprofile_assets.ingestion import s3_client
from userprofile_assets.ingestion.publish import Publisher, Target
from userprofile_assets.ingestion.s3_store import S3Store
from userprofile_assets.ingestion.store import S3Options, get, put
from userprofile_assets_tests.support.s3_proxy import (
    S3Proxy,
    answer,
    black_hole,
    cut_answer,
    damage,
    drip,
    listening,
    lose_answer,
    other_etag,
    reset_after,
    stall,
)

MIB = 1024 * 1024
PART = 5 * MIB
KEY = "ods/log_20240807/log.txt"
FORMER = b"former"
LARGE = bytes(range(256)) * (PART // 256) + b"rest"
BODIES = {"PutObject": b"small", "UploadPart": LARGE, "CompleteMultipartUpload": LARGE}


@pytest.fixture
def proxy(s3_server):
    with listening(S3Proxy(s3_server.endpoint)) as proxy:
        yield proxy


@pytest.fixture
def make_store(s3_server, proxy, monkeypatch):
    """Make a store that reaches the server through the proxy, impatient enough for a test."""
    monkeypatch.setattr(s3_client, "BODY_RATE", PART)

    def make(**arguments):
        options = S3Options(
            endpoint=proxy.url,
            region=s3_server.region,
            profile="minio",
            access_key_id=s3_server.access_key_id,
            access_key_secret=s3_server.access_key_secret,
            **arguments.pop("options", {}),
        )
        return S3Store(
            s3_server.uri, options, part_bytes=PART, **{"attempts": 2, "seconds": 1, **arguments}
        )

    return make


@pytest.fixture
def former(s3_server):
    """A day that is there before the fault."""
    put(S3Store(s3_server.uri, s3_server.options), KEY, FORMER)


ONCE = {
    "reset before the body": reset_after(0),
    "reset in the middle of the body": reset_after(2),
    "reset instead of the answer": lose_answer,
    "reset at the last byte of the answer": cut_answer,
    "500": answer(500, "InternalError"),
    "503 with Retry-After": answer(503, "SlowDown", **{"Retry-After": "1"}),
    "black hole": black_hole,
}


@pytest.mark.parametrize(
    ("operation", "fault"),
    [
        *[("UploadPart", name) for name in ONCE],
        ("PutObject", "reset in the middle of the body"),
        ("PutObject", "reset instead of the answer"),
        ("CompleteMultipartUpload", "reset before the body"),
        ("CompleteMultipartUpload", "reset instead of the answer"),
        ("CompleteMultipartUpload", "reset at the last byte of the answer"),
        ("CompleteMultipartUpload", "500"),
    ],
)
def test_a_fault_that_happens_once_costs_a_retry_and_no_byte(  # noqa: PLR0917 - fixtures and parameters
    make_store, proxy, s3_server, former, operation, fault
):
    armed = proxy.arm(operation, ONCE[fault], times=1)
    # Only a black hole is waited for; on a busy machine a good answer may take a second.
    put(make_store(seconds=1 if fault == "black hole" else 20), KEY, BODIES[operation])
    assert armed.fired == 1
    assert get(make_store(), KEY) == BODIES[operation]
    assert s3_server.open_uploads() == []


ALWAYS = {
    "reset before the body": reset_after(0),
    "reset in the middle of the body": reset_after(2),
    "429": answer(429, "TooManyRequests"),
    "503": answer(503, "ServiceUnavailable"),
    "damaged body": answer(400, "BadDigest"),
    "black hole": black_hole,
    "slow drip": drip,
}


@pytest.mark.parametrize(
    ("operation", "fault"),
    [
        *[("UploadPart", name) for name in ALWAYS],
        ("PutObject", "black hole"),
        ("PutObject", "slow drip"),
        ("CompleteMultipartUpload", "black hole"),
        ("CompleteMultipartUpload", "503"),
    ],
)
def test_a_fault_that_stays_is_a_transient_error_in_bounded_time_and_the_former_day_stays(  # noqa: PLR0917 - fixtures and parameters
    make_store, proxy, s3_server, former, operation, fault
):
    armed = proxy.arm(operation, ALWAYS[fault])
    # Only silence is waited for; what cleans up behind it may take a second on a busy machine.
    seconds = 3 if fault in {"black hole", "slow drip"} else 20
    with pytest.raises(StorageUnavailableError) as caught:
        put(make_store(attempts=1, seconds=seconds), KEY, BODIES[operation])
    assert armed.fired >= 1
    assert KEY in str(caught.value)
    assert s3_server.keys() == [f"warehouse/{KEY}"]
    assert s3_server.open_uploads() == []
    armed.times = 0
    assert get(make_store(seconds=20), KEY) == FORMER
    put(make_store(seconds=20), KEY, BODIES[operation])
    assert get(make_store(seconds=20), KEY) == BODIES[operation]


def test_a_body_that_the_store_stops_to_read_is_sent_once_more(make_store, proxy, s3_server):
    armed = proxy.arm("UploadPart", stall, times=1)
    put(make_store(attempts=1), KEY, LARGE)
    assert armed.fired == 1
    assert get(make_store(), KEY) == LARGE


def test_a_body_that_is_never_read_is_a_transient_error(make_store, proxy, s3_server, former):
    armed = proxy.arm("UploadPart", stall)
    with pytest.raises(StorageUnavailableError, match="did not take or answer it within"):
        put(make_store(attempts=1), KEY, LARGE)
    assert armed.fired >= 2
    assert get(make_store(), KEY) == FORMER
    assert s3_server.open_uploads() == []


def test_a_completion_whose_answer_is_always_lost_is_a_success_when_the_object_is_there(
    make_store, proxy, s3_server, former
):
    armed = proxy.arm("CompleteMultipartUpload", lose_answer)
    put(make_store(), KEY, LARGE)
    # The first try does it; a later one finds no such upload.
    assert armed.fired >= 2
    assert get(make_store(), KEY) == LARGE


def test_a_completion_that_finds_no_upload_is_an_error_when_the_object_is_the_former_one(
    make_store, proxy, s3_server, former
):
    armed = proxy.arm("CompleteMultipartUpload", answer(404, "NoSuchUpload"))
    with pytest.raises(StorageUnavailableError, match="NoSuchUpload"):
        put(make_store(), KEY, LARGE)
    assert armed.fired == 1
    assert get(make_store(), KEY) == FORMER
    assert s3_server.open_uploads() == []


def test_a_former_object_of_the_same_size_is_not_taken_for_the_new_one(
    make_store, proxy, s3_server
):
    other = b"y" * len(LARGE)
    s3_server.client().put_object(Bucket=s3_server.bucket, Key=f"warehouse/{KEY}", Body=other)
    armed = proxy.arm("CompleteMultipartUpload", answer(404, "NoSuchUpload"))
    with pytest.raises(StorageUnavailableError, match="NoSuchUpload"):
        put(make_store(), KEY, LARGE)
    assert armed.fired == 1
    assert get(make_store(), KEY) == other


@pytest.mark.parametrize("before", [None, b"x" * (PART + 9)], ids=["no target", "a former target"])
def test_a_copy_whose_completion_is_lost_is_a_success_when_the_object_is_there(
    make_store, proxy, s3_server, before
):
    store = make_store(copy_bytes=PART)
    put(store, "a/source", LARGE)
    if before is not None:
        put(store, "b/target", before)
    armed = proxy.arm("CompleteMultipartUpload", lose_answer)
    store.copy("a/source", "b/target")
    assert armed.fired >= 1
    assert get(store, "b/target") == LARGE


def test_a_copy_that_was_not_completed_is_an_error_and_the_former_target_stays(
    make_store, proxy, s3_server
):
    store = make_store(copy_bytes=PART)
    put(store, "a/source", LARGE)
    former = b"y" * len(LARGE)
    put(store, "b/target", former)
    armed = proxy.arm("CompleteMultipartUpload", answer(404, "NoSuchUpload"))
    with pytest.raises(StorageUnavailableError, match="NoSuchUpload"):
        store.copy("a/source", "b/target")
    assert armed.fired == 1
    assert get(store, "b/target") == former
    assert s3_server.open_uploads() == []


@pytest.mark.parametrize("operation", ["PutObject", "UploadPart"])
def test_a_store_that_keeps_damaged_bytes_is_found_out(make_store, proxy, s3_server, operation):
    armed = proxy.arm(operation, damage, times=1)
    with pytest.raises(StorageError, match="MD5 differs"):
        put(make_store(), KEY, BODIES[operation])
    assert armed.fired == 1
    assert s3_server.keys() == []
    assert s3_server.open_uploads() == []


@pytest.mark.parametrize(("etag", "reads"), [("0" * 32, 1), ("opaque", 0)])
def test_a_store_whose_etag_is_no_md5_is_believed_after_its_bytes_were_read(
    make_store, proxy, etag, reads
):
    armed = proxy.arm("HeadObject", other_etag(etag))
    put(make_store(), KEY, b"small")
    assert armed.fired == 1
    assert proxy.operations().count("GetObject") == reads


@pytest.mark.parametrize(
    ("code", "status", "kind", "remedy"),
    [
        ("RequestTimeTooSkewed", 403, StorageError, "clock of this machine"),
        ("ExpiredToken", 400, StorageError, "USERPROFILE_OSS_SECURITY_TOKEN"),
        ("AccessDenied", 403, StorageError, "what the bucket allows"),
        ("XMinioStorageFull", 507, StorageFullError, "free space"),
        ("InsufficientStorage", 507, StorageFullError, "free space"),
        ("QuotaExceeded", 403, StorageFullError, "quota"),
    ],
)
def test_an_answer_that_a_person_has_to_act_on_is_not_retried(  # noqa: PLR0917 - fixtures and parameters
    make_store, proxy, s3_server, former, code, status, kind, remedy
):
    armed = proxy.arm("UploadPart", answer(status, code))
    with pytest.raises(kind, match=f"(?s){code}.*{remedy}"):
        put(make_store(options={"parts_in_flight": 1}), KEY, LARGE)
    assert armed.fired == 1
    assert get(make_store(), KEY) == FORMER
    assert s3_server.open_uploads() == []


def test_a_name_that_does_not_resolve_is_a_transient_error(s3_server):
    options = S3Options(
        endpoint="http://store.invalid", region="r", access_key_id="i", access_key_secret="s"
    )
    with pytest.raises(StorageUnavailableError, match="OSS_ENDPOINT"):
        put(S3Store(s3_server.uri, options, attempts=1), KEY, b"x")


def test_an_abort_is_repeated_until_the_store_has_no_parts(make_store, proxy, s3_server):
    def ignore(handler, request):
        handler.give(204, {}, b"")
        return True

    armed = proxy.arm("AbortMultipartUpload", ignore, times=2)
    with pytest.raises(ZeroDivisionError), make_store().upload(KEY) as upload:
        upload.write(LARGE)
        raise ZeroDivisionError
    assert armed.fired == 2
    assert s3_server.open_uploads() == []


def test_an_abort_that_fails_hides_not_the_error_that_led_to_it(make_store, proxy):
    armed = proxy.arm("AbortMultipartUpload", answer(403, "AccessDenied"))
    with pytest.raises(ZeroDivisionError), make_store().upload(KEY) as upload:
        upload.write(LARGE)
        raise ZeroDivisionError
    assert armed.fired == 1


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, GeneratorExit, SystemExit])
def test_an_interrupted_upload_leaves_no_parts(make_store, s3_server, former, interruption):
    with pytest.raises(interruption), make_store().upload(KEY) as upload:
        upload.write(LARGE)
        assert s3_server.open_uploads() == [f"warehouse/{KEY}"]
        raise interruption
    assert s3_server.open_uploads() == []
    assert get(make_store(), KEY) == FORMER


def test_parts_are_sent_at_once_and_no_more_than_set(make_store, proxy, s3_server):
    arrived = [threading.Event() for _ in range(3)]
    go_on = threading.Event()
    count = iter(arrived)

    def hold(handler, request):
        next(count).set()
        go_on.wait(60)
        return False

    armed = proxy.arm("UploadPart", hold, times=3)
    data = b"x" * 4 * PART + b"rest"
    store = make_store(options={"parts_in_flight": 2}, seconds=30)
    with ThreadPoolExecutor(1) as writer:
        written = writer.submit(put, store, KEY, data)
        assert arrived[0].wait(60)
        assert arrived[1].wait(60)
        # The third does not come, however long one waits.
        assert not arrived[2].wait(0.5)
        assert not written.done()
        go_on.set()
        written.result()
    assert armed.fired == 3
    assert get(store, KEY) == data


def test_a_failed_part_is_told_by_the_next_write_or_the_stage(make_store, proxy, s3_server):
    armed = proxy.arm("UploadPart", answer(403, "AccessDenied"), times=1)
    with pytest.raises(StorageError, match="AccessDenied"), make_store().upload(KEY) as upload:
        upload.write(LARGE)
        upload.stage()
        pytest.fail("the stage passed")
    assert armed.fired == 1
    assert s3_server.open_uploads() == []


def test_of_two_writers_one_object_wins_whole(make_store, s3_server):
    one, two = b"1" * (PART + 1), b"2" * (PART + 2)
    with make_store().upload(KEY) as first, make_store().upload(KEY) as second:
        first.write(one)
        second.write(two)
        second.commit()
        assert get(make_store(), KEY) == two
        first.commit()
    assert get(make_store(), KEY) == one
    assert s3_server.open_uploads() == []


@pytest.mark.parametrize("new", [b"two!\n", b"two\n"], ids=["another size", "the same size"])
def test_a_day_whose_new_bytes_were_damaged_can_be_brought_back(
    make_store, proxy, s3_server, tmp_path, new
):
    publisher = Publisher(store=make_store(), locks=tmp_path)

    def publish(data):
        def write(sink):
            sink.write(data)
            return {"kind": "test"}

        return publisher.publish(Target(asset="a", key=KEY, bizdate="20240807", run_id="r"), write)

    first = publish(b"one\n")
    armed = proxy.arm("PutObject", only(KEY, damage), times=1_000)
    with pytest.raises(StorageError, match="MD5 differs"):
        publish(new)
    assert armed.fired >= 1
    armed.times = 0
    publish(b"three\n")
    assert get(publisher.store, KEY) == b"three\n"
    assert publisher.rollback(KEY) == first


def only(key, act):
    """Let a fault meet the requests for one key."""

    def chosen(handler, request):
        return request.path.endswith(f"/warehouse/{key}") and act(handler, request)

    return chosen
