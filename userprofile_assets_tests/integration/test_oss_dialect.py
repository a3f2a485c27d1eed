"""What Alibaba OSS refuses, a plain client meets, and this project's store does not."""

from __future__ import annotations

import hashlib

import boto3  # type: ignore[import-untyped]
import pytest
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from userprofile_assets.errors import StorageError
from userprofile_assets.ingestion.publish import Publisher, Target
from userprofile_assets.ingestion.s3_store import S3Store
from userprofile_assets.ingestion.store import get, put
from userprofile_assets_tests.support import oss_dialect
from userprofile_assets_tests.support.oss_dialect import ENDPOINT

PART = 5 * 1024 * 1024
KEY = "ods/log_20240807/日志 1.txt"


def plain(**config):
    return boto3.client(
        "s3",
        endpoint_url=ENDPOINT,
        region_name=oss_dialect.REGION,
        aws_access_key_id=oss_dialect.ACCESS_KEY_ID,
        aws_secret_access_key=oss_dialect.ACCESS_KEY_SECRET,
        config=Config(**config),
    )


VIRTUAL = {"s3": {"addressing_style": "virtual"}}
QUIET = {**VIRTUAL, "request_checksum_calculation": "when_required"}


@pytest.mark.parametrize(
    ("config", "operation", "parameters", "code"),
    [
        ({}, "put_object", {"Key": "k", "Body": b"x"}, "SecondLevelDomainForbidden"),
        (VIRTUAL, "put_object", {"Key": "k", "Body": b"x"}, "InvalidArgument"),
        (
            QUIET,
            "put_object",
            {"Key": "k", "Body": b"x", "IfNoneMatch": "*"},
            "NotImplemented",
        ),
        (QUIET, "put_object", {"Key": "k", "Body": b"x", "IfMatch": '"e"'}, "NotImplemented"),
        (QUIET, "delete_objects", {"Delete": {"Objects": [{"Key": "k"}]}}, "MissingArgument"),
        (QUIET, "list_multipart_uploads", {}, "NotImplemented"),
    ],
    ids=[
        "path style",
        "aws-chunked",
        "If-None-Match",
        "If-Match",
        "DeleteObjects",
        "ListMultipartUploads",
    ],
)
def test_the_dialect_refuses_a_plain_client(oss, config, operation, parameters, code):
    with pytest.raises(ClientError, match=code):
        getattr(plain(**config), operation)(Bucket=oss.bucket, **parameters)
    assert oss.refused == [code]


def test_a_plain_client_of_the_right_settings_is_served(oss):
    client = plain(**QUIET)
    client.put_object(Bucket=oss.bucket, Key="k", Body=b"x")
    assert client.get_object(Bucket=oss.bucket, Key="k")["Body"].read() == b"x"
    assert oss.refused == []


def use_every_verb(store):
    """Call every verb, with an object of one request and one of three parts."""
    put(store, KEY, b"small")
    data = bytes(range(256)) * (2 * PART // 256) + b"rest"
    with store.upload("ods/large") as upload:
        upload.write(data)
        upload.commit()
    assert hashlib.md5(get(store, "ods/large")).digest() == hashlib.md5(data).digest()
    store.copy("ods/large", "ods/copy")
    store.copy(KEY, "ods/copy2")
    with pytest.raises(ZeroDivisionError), store.upload("ods/broken") as upload:
        upload.write(data)
        raise ZeroDivisionError
    assert [info.key for info in store.list("ods/")] == sorted(
        [KEY, "ods/copy", "ods/copy2", "ods/large"]
    )
    store.delete(KEY)
    assert store.head(KEY) is None


def test_every_verb_speaks_the_dialect(oss, s3_server):
    use_every_verb(S3Store(oss.uri, oss.options(), part_bytes=PART, copy_bytes=PART))
    assert oss.refused == []
    assert {request.host for request in oss.seen} == {f"{oss.bucket}.{oss_dialect.HOST}"}
    assert s3_server.open_uploads() == []
    bodies = [r for r in oss.seen if r.operation in {"PutObject", "UploadPart"}]
    assert len(bodies) >= 4
    for request in bodies:
        assert "content-md5" in request.headers
        assert request.headers["x-amz-content-sha256"] == hashlib.sha256(request.body).hexdigest()


def test_a_custom_domain_names_the_bucket_and_the_signature_covers_it(oss, s3_server):
    options = oss.options(
        endpoint=f"https://{oss_dialect.DOMAIN}", profile="oss", addressing="cname"
    )
    use_every_verb(S3Store(oss.uri, options, part_bytes=PART, copy_bytes=PART))
    assert oss.refused == []
    assert {request.host for request in oss.seen} == {oss_dialect.DOMAIN}
    assert not any(request.path.startswith(f"/{oss.bucket}") for request in oss.seen)
    assert s3_server.open_uploads() == []


def test_a_custom_domain_also_serves_keys_that_begin_like_the_bucket(oss):
    options = oss.options(
        endpoint=f"https://{oss_dialect.DOMAIN}", profile="oss", addressing="cname"
    )
    store = S3Store(f"s3://{oss.bucket}", options)
    put(store, f"{oss.bucket}/{oss.bucket}", b"x")
    assert [info.key for info in store.list("")] == [f"{oss.bucket}/{oss.bucket}"]
    assert oss.seen[0].path == f"/{oss.bucket}/{oss.bucket}"


def test_encryption_by_the_key_service_of_oss_is_asked_for_when_an_object_is_made(oss):
    options = oss.options(encryption="KMS", encryption_key_id="0123")
    use_every_verb(S3Store(oss.uri, options, part_bytes=PART, copy_bytes=PART))
    asked = {
        request.operation: request.headers.get("x-amz-server-side-encryption-aws-kms-key-id")
        for request in oss.seen
        if request.headers.get("x-amz-server-side-encryption") == "KMS"
    }
    assert asked == dict.fromkeys(("PutObject", "CreateMultipartUpload", "CopyObject"), "0123")


def test_path_style_is_refused_with_what_to_set(oss):
    store = S3Store(oss.uri, oss.options(addressing="path"))
    with pytest.raises(StorageError, match="USERPROFILE_OSS_ADDRESSING=virtual"):
        put(store, KEY, b"x")
    assert oss.refused == ["SecondLevelDomainForbidden"]


def test_temporary_credentials_are_sent(oss):
    put(S3Store(oss.uri, oss.options(security_token=oss_dialect.TOKEN)), KEY, b"x")
    assert {request.headers["x-amz-security-token"] for request in oss.seen} == {oss_dialect.TOKEN}


@pytest.mark.parametrize(
    ("changes", "code", "remedy"),
    [
        (
            {"security_token": oss_dialect.EXPIRED_TOKEN},
            "SecurityTokenExpired",
            "expired.*USERPROFILE_OSS_SECURITY_TOKEN",
        ),
        (
            {"security_token": "canary-other"},
            "InvalidSecurityToken",
            "USERPROFILE_OSS_SECURITY_TOKEN",
        ),
        (
            {"access_key_id": "STS.gone", "security_token": oss_dialect.TOKEN},
            "InvalidAccessKeyId",
            "temporary credentials are expired",
        ),
        (
            {"access_key_id": "LTAI-unknown"},
            "InvalidAccessKeyId",
            "does not know this key.*USERPROFILE_OSS_ACCESS_KEY_ID",
        ),
        (
            {"access_key_secret": "canary-wrong"},
            "SignatureDoesNotMatch",
            "USERPROFILE_OSS_ACCESS_KEY_SECRET",
        ),
    ],
    ids=["expired token", "other token", "expired key", "unknown key", "wrong secret"],
)
def test_credentials_that_are_refused_are_a_permanent_error_without_a_secret(
    oss, changes, code, remedy
):
    store = S3Store(oss.uri, oss.options(**changes))
    with pytest.raises(StorageError, match=f"(?s){code}.*{remedy}") as caught:
        put(store, KEY, b"x")
    assert oss.refused == [code]
    assert "canary" not in str(caught.value)


def test_a_certificate_of_another_authority_is_refused(oss, other_authority, monkeypatch):
    monkeypatch.setenv("AWS_CA_BUNDLE", str(other_authority.ca_path))
    store = S3Store(oss.uri, oss.options(), attempts=1)
    with pytest.raises(StorageError, match=r"(?i)certificate|ssl"):
        put(store, KEY, b"x")
    assert oss.seen == []


def test_a_day_is_published_replaced_and_brought_back(oss, tmp_path):
    store = S3Store(oss.uri, oss.options())
    publisher = Publisher(store=store, locks=tmp_path)

    def publish(data):
        def write(sink):
            sink.write(data)
            return {"kind": "test"}

        key = "ods/log_20240807/log.txt"
        return publisher.publish(Target(asset="a", key=key, bizdate="20240807", run_id="r"), write)

    first = publish(b"one\n")
    publish(b"two\n")
    assert publisher.rollback(first.key) == first
    assert get(store, first.key) == b"one\n"
    assert oss.refused == []
