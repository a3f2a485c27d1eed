"""What Spark is told about which store, and what its clients cannot be told."""

from __future__ import annotations

from typing import Any

import pytest

from userprofile_assets.errors import SettingsError
from userprofile_assets.warehouse.storage_conf import (
    StorageAccess,
    needs_jars,
    shown_conf,
    storage_conf,
)

URI = "s3a://bucket/warehouse"
OSS = "https://s3.oss-cn-hangzhou.aliyuncs.com"
KEYS: dict[str, Any] = {"access_key_id": "AKIAKEY", "access_key_secret": "canary-secret"}


def s3a(**access):
    """Return the keys of S3A without their prefix."""
    values: dict[str, Any] = {"profile": "other", **access}
    conf = storage_conf(URI, StorageAccess(**values))
    return {key.removeprefix("spark.hadoop.fs.s3a."): value for key, value in conf.items()}


def oss(**access):
    """Return the keys of hadoop-aliyun without their prefix."""
    values: dict[str, Any] = {"profile": "oss", "endpoint": OSS, **access}
    conf = storage_conf("oss://bucket/warehouse", StorageAccess(**values))
    return {key.removeprefix("spark.hadoop.fs.oss."): value for key, value in conf.items()}


@pytest.mark.parametrize(
    ("uri", "needed"),
    [
        ("s3a://b/p", True),
        ("oss://b/p", True),
        ("s3://b/p", False),
        ("file:///p", False),
        ("hdfs://h/p", False),
    ],
)
def test_jars_are_needed_for_the_schemes_that_spark_does_not_bring(uri, needed):
    assert needs_jars(uri) is needed


@pytest.mark.parametrize("uri", ["file:///p", "s3://b/p", "hdfs://h/p"])
def test_nothing_is_set_for_an_address_that_the_platform_knows(uri):
    assert storage_conf(uri, StorageAccess(profile="other", **KEYS)) == {}


def test_every_key_has_the_prefix_that_brings_it_to_hadoop():
    for uri in (URI, "oss://b/p"):
        conf = storage_conf(uri, StorageAccess(profile="oss", endpoint=OSS, **KEYS))
        assert all(key.startswith("spark.hadoop.fs.") for key in conf)


@pytest.mark.parametrize(
    ("profile", "addressing", "path_style"),
    [
        ("other", "auto", "true"),
        ("minio", "auto", "true"),
        ("aws", "auto", "false"),
        ("oss", "auto", "false"),
        ("other", "virtual", "false"),
        ("aws", "path", "true"),
    ],
)
def test_the_place_of_the_buckets_name_is_that_of_the_ingest_side(profile, addressing, path_style):
    assert s3a(profile=profile, addressing=addressing)["path.style.access"] == path_style


@pytest.mark.parametrize("profile", ["oss", "minio", "other"])
def test_requests_that_only_amazon_takes_go_to_no_other_store(profile):
    conf = s3a(profile=profile)
    assert conf["create.conditional.enabled"] == "false"
    assert conf["multiobjectdelete.enable"] == "false"
    assert "create.conditional.enabled" not in s3a(profile="aws")


@pytest.mark.parametrize(
    ("access", "region"),
    [
        ({"profile": "other"}, "us-east-1"),
        ({"profile": "other", "region": "cn-hangzhou"}, "cn-hangzhou"),
        ({"profile": "aws", "region": "eu-central-1"}, "eu-central-1"),
        ({"profile": "aws"}, None),
    ],
    ids=["another store", "another store with one", "Amazon with one", "Amazon finds it itself"],
)
def test_the_region_is_the_one_that_the_ingest_side_signs_for(access, region):
    assert s3a(**access).get("endpoint.region") == region


@pytest.mark.parametrize(
    ("endpoint", "tls"),
    [("http://127.0.0.1:9000", "false"), ("https://minio.example.com", "true"), (None, None)],
)
def test_the_endpoint_decides_about_tls(endpoint, tls):
    conf = s3a(profile="minio", endpoint=endpoint)
    assert conf.get("endpoint") == endpoint
    assert conf.get("connection.ssl.enabled") == tls


@pytest.mark.parametrize(
    ("keys", "provider"),
    [
        ({}, "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider"),
        (KEYS, "org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider"),
        (
            {**KEYS, "security_token": "canary-token"},
            "org.apache.hadoop.fs.s3a.TemporaryAWSCredentialsProvider",
        ),
    ],
    ids=["of the machine", "key and secret", "temporary"],
)
def test_the_provider_of_credentials_is_named(keys, provider):
    conf = s3a(**keys)
    assert conf["aws.credentials.provider"] == provider
    assert conf.get("access.key") == keys.get("access_key_id")
    assert conf.get("secret.key") == keys.get("access_key_secret")
    assert conf.get("session.token") == keys.get("security_token")


@pytest.mark.parametrize(
    ("encryption", "algorithm"),
    [("AES256", "AES256"), ("aws:kms", "SSE-KMS"), ("aws:kms:dsse", "DSSE-KMS")],
)
def test_s3a_has_its_own_names_for_encryptions(encryption, algorithm):
    conf = s3a(encryption=encryption, encryption_key_id="key")
    assert conf["encryption.algorithm"] == algorithm
    assert conf["encryption.key"] == "key"
    assert not [key for key in s3a() if key.startswith("encryption")]


def test_a_silent_store_costs_minutes_and_not_hours():
    conf = s3a()
    tries = (1 + int(conf["attempts.maximum"])) * (1 + int(conf["retry.limit"]))
    assert tries * int(conf["connection.timeout"].removesuffix("s")) <= 120
    other = oss()
    assert (1 + int(other["attempts.maximum"])) * int(other["connection.timeout"]) <= 120_000


def test_the_client_of_oss_speaks_its_own_protocol_at_the_host_without_s3():
    assert oss(region="cn-hangzhou", security_token="t", encryption="KMS", **KEYS) == {
        "impl": "org.apache.hadoop.fs.aliyun.oss.AliyunOSSFileSystem",
        "spark.hadoop.fs.AbstractFileSystem.oss.impl": "org.apache.hadoop.fs.aliyun.oss.OSS",
        "endpoint": "oss-cn-hangzhou.aliyuncs.com",
        "connection.secure.enabled": "true",
        "region": "cn-hangzhou",
        "signatureversion": "V4",
        "accessKeyId": "AKIAKEY",
        "accessKeySecret": "canary-secret",
        "securityToken": "t",
        "server-side-encryption-algorithm": "KMS",
        "connection.establish.timeout": "10000",
        "connection.timeout": "30000",
        "attempts.maximum": "3",
    }


@pytest.mark.parametrize(
    ("endpoint", "host", "secure"),
    [
        (
            "https://s3.oss-cn-hangzhou-internal.aliyuncs.com",
            "oss-cn-hangzhou-internal.aliyuncs.com",
            "true",
        ),
        ("http://oss-cn-beijing.aliyuncs.com", "oss-cn-beijing.aliyuncs.com", "false"),
        ("https://s3.files.example.com", "s3.files.example.com", "true"),
    ],
    ids=["internal", "native already", "custom domain"],
)
def test_only_alibabas_own_hosts_lose_their_s3(endpoint, host, secure):
    conf = oss(endpoint=endpoint)
    assert (conf["endpoint"], conf["connection.secure.enabled"]) == (host, secure)
    assert "signatureversion" not in conf  # V4 needs a region


@pytest.mark.parametrize(
    ("uri", "access", "setting"),
    [
        (URI, {"addressing": "cname", "endpoint": OSS}, "USERPROFILE_OSS_ADDRESSING"),
        (URI, {"encryption": "SM4"}, "USERPROFILE_OSS_ENCRYPTION"),
        ("oss://b/p", {}, "USERPROFILE_OSS_ENDPOINT"),
        ("oss://b/p", {"endpoint": OSS, "encryption": "aws:kms"}, "USERPROFILE_OSS_ENCRYPTION"),
        (
            "oss://b/p",
            {"endpoint": OSS, "encryption": "KMS", "encryption_key_id": "key"},
            "USERPROFILE_OSS_ENCRYPTION_KEY_ID",
        ),
    ],
    ids=["custom domain by S3A", "SM4 by S3A", "oss:// to nowhere", "kms of Amazon", "key of oss"],
)
def test_what_a_client_cannot_do_is_refused_before_spark_starts(uri, access, setting):
    with pytest.raises(SettingsError, match=setting) as caught:
        storage_conf(uri, StorageAccess(profile="oss", **access))
    assert "What to do:" in str(caught.value)


@pytest.mark.parametrize("uri", [URI, "oss://bucket/p"])
def test_no_secret_is_shown(uri):
    access = StorageAccess(profile="oss", endpoint=OSS, security_token="canary-token", **KEYS)
    shown = shown_conf(storage_conf(uri, access))
    assert "canary" not in str(shown)
    assert "AKIAKEY" not in str(shown)
    assert "canary" not in repr(access)
    assert list(shown) == sorted(shown)
    assert "(set, secret)" in shown.values()


def test_what_is_no_secret_is_shown():
    shown = shown_conf(storage_conf(URI, StorageAccess(profile="other", endpoint="http://h:1")))
    assert shown["spark.hadoop.fs.s3a.endpoint"] == "http://h:1"
    assert shown["spark.hadoop.fs.s3a.path.style.access"] == "true"
    assert shown["spark.hadoop.fs.s3a.aws.credentials.provider"].endswith("CredentialsProvider")
