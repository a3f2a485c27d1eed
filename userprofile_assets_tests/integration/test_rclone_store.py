"""The S3 adapter against a server that checks keys and keeps plain files: rclone."""

from __future__ import annotations

import hashlib
import os
import tracemalloc

import pytest

from userprofile_assets.errors import StorageError, StorageUnavailableError
from userprofile_assets.ingestion.s3_store import S3Store
from userprofile_assets.ingestion.store import get, put

MIB = 1024 * 1024
PART = 5 * MIB
KEY = "ods/log_20240807/log.txt"


@pytest.fixture
def bucket(rclone_s3, request):
    """An empty bucket's directory."""
    return rclone_s3.bucket(f"b-{hashlib.md5(request.node.name.encode()).hexdigest()[:12]}")


@pytest.mark.parametrize("profile", ["auto", "minio", "aws"])
@pytest.mark.parametrize("size", [0, 10, 2 * PART + 7], ids=["empty", "one request", "in parts"])
def test_the_file_on_the_disk_has_the_bytes(rclone_s3, bucket, profile, size):
    options = rclone_s3.options(profile=profile, addressing="path")
    store = S3Store(f"s3://{bucket.name}/w", options, part_bytes=PART)
    data = os.urandom(size)
    put(store, KEY, data)
    assert (bucket / "w" / KEY).read_bytes() == data
    assert get(store, KEY) == data


def test_nothing_of_a_broken_upload_is_on_the_disk(rclone_s3, bucket):
    store = S3Store(f"s3://{bucket.name}/w", rclone_s3.options(), part_bytes=PART)
    with pytest.raises(ZeroDivisionError), store.upload(KEY) as upload:
        upload.write(b"x" * 3 * PART)
        raise ZeroDivisionError
    assert [path for path in bucket.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"access_key_secret": "canary-wrong-secret-x"}, "SignatureDoesNotMatch"),
        ({"access_key_id": "AKIAUNKNOWNUNKNOWN"}, "InvalidAccessKeyId"),
    ],
    ids=["wrong secret", "unknown key"],
)
def test_wrong_keys_are_a_permanent_error_and_write_nothing(rclone_s3, bucket, changes, code):
    store = S3Store(f"s3://{bucket.name}/w", rclone_s3.options(**changes))
    with pytest.raises(StorageError, match=code) as caught:
        put(store, KEY, b"x")
    assert "USERPROFILE_OSS_ACCESS_KEY_ID" in str(caught.value)
    assert "canary" not in str(caught.value)
    assert list(bucket.iterdir()) == []


def test_a_server_that_is_killed_is_a_transient_error_and_the_rerun_writes_the_day(
    rclone_s3, bucket
):
    store = S3Store(
        f"s3://{bucket.name}/w", rclone_s3.options(), part_bytes=PART, attempts=2, seconds=5
    )
    put(store, KEY, b"former")
    data = os.urandom(3 * PART)
    try:
        with pytest.raises(StorageUnavailableError), store.upload(KEY) as upload:
            upload.write(data[: 2 * PART])
            rclone_s3.kill()
            upload.write(data[2 * PART :])
            upload.commit()
    finally:
        rclone_s3.start()
    assert get(store, KEY) == b"former"
    put(store, KEY, data)
    assert (bucket / "w" / KEY).read_bytes() == data


def test_an_upload_takes_no_more_memory_than_its_parts_in_flight_and_one(rclone_s3, bucket):
    options = rclone_s3.options(parts_in_flight=2)
    store = S3Store(f"s3://{bucket.name}/w", options, part_bytes=PART)
    put(store, KEY, os.urandom(MIB))
    tracemalloc.start()
    try:
        with store.upload(KEY) as upload:
            for _ in range(40):
                upload.write(os.urandom(MIB))  # kept as it is, so the same bytes would count once
            upload.commit()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # A write that ends a part is kept by both parts, and the client has buffers of its own.
    assert 2 * PART < peak < 3 * (PART + MIB) + 2 * MIB
    assert (bucket / "w" / KEY).stat().st_size == 40 * MIB
