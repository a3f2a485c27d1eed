"""What is said about a store that refuses Spark; the texts are those of the real clients."""

from __future__ import annotations

import pytest

from userprofile_assets.warehouse.store_errors import storage_remedy


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        (
            "s3a://b/w/log: listObjects() on s3a://b/w/log: software.amazon.awssdk.services.s3."
            "model.S3Exception: The request signature we calculated does not match the signature "
            "you provided. Check your key and signing method. (Service: S3, Status Code: 403, "
            "Request ID: X) (SDK Attempt Count: 1):SignatureDoesNotMatch",
            "USERPROFILE_OSS_ACCESS_KEY_SECRET",
        ),
        (
            "s3a://b/w: getFileStatus on s3a://b/w: software.amazon.awssdk.services.s3.model."
            "S3Exception: (Service: S3, Status Code: 400, Request ID: X):ExpiredToken",
            "USERPROFILE_OSS_SECURITY_TOKEN",
        ),
        (
            "com.aliyun.oss.OSSException: The OSS Access Key Id you provided does not exist. "
            "[ErrorCode]: InvalidAccessKeyId [RequestId]: X [HostId]: h",
            "USERPROFILE_OSS_ACCESS_KEY_ID",
        ),
        ("S3Exception: (Service: S3, Status Code: 403):RequestTimeTooSkewed", "NTP"),
        (
            "org.apache.hadoop.fs.s3a.UnknownStoreException: `s3a://b/': Bucket does not exist: "
            "(Service: S3, Status Code: 404):NoSuchBucket",
            "make the bucket",
        ),
        ("AccessDeniedException: s3a://b: Forbidden (Status Code: 403)", "list, read and write"),
        ('No FileSystem for scheme "s3a"', "userprofile spark jars"),
        (
            "java.lang.ClassNotFoundException: Class org.apache.hadoop.fs.s3a.S3AFileSystem not "
            "found",
            "userprofile spark jars",
        ),
    ],
    ids=[
        "wrong secret",
        "expired token",
        "unknown key on OSS",
        "clock",
        "no bucket",
        "no permission",
        "no client",
        "no class",
    ],
)
def test_a_refusal_has_advice_of_its_own(text, remedy):
    assert remedy in (storage_remedy(text) or "")


@pytest.mark.parametrize(
    "text",
    [
        "[TABLE_OR_VIEW_NOT_FOUND] The table or view `t` cannot be found.",
        "Unable to execute HTTP request: Connection refused",
        "",
    ],
)
def test_other_errors_get_no_advice_about_a_store(text):
    assert storage_remedy(text) is None
