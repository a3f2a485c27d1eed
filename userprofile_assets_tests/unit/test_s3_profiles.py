"""What is said to which kind of store, and which settings are refused before anything is sent."""

from __future__ import annotations

import pytest

from userprofile_assets.errors import PermanentError, StorageError
from userprofile_assets.ingestion.open_store import open_store
from userprofile_assets.ingestion.s3_profiles import check_options, profile_for
from userprofile_assets.ingestion.s3_store import S3Store
from userprofile_assets.ingestion.store import S3Options, put
from userprofile_assets.resources.oss import OssResource

URI = "s3://bucket/p"


@pytest.mark.parametrize(
    ("endpoint", "name"),
    [
        (None, "aws"),
        ("https://s3.eu-central-1.amazonaws.com", "aws"),
        ("https://s3.cn-north-1.amazonaws.com.cn", "aws"),
        ("https://s3.oss-cn-hangzhou.aliyuncs.com", "oss"),
        ("https://s3.oss-cn-hangzhou-internal.aliyuncs.com", "oss"),
        ("http://127.0.0.1:9000", "other"),
        ("https://evilaliyuncs.com", "other"),
        ("https://aliyuncs.com.example.com", "other"),
    ],
)
def test_the_profile_follows_from_the_host_of_the_endpoint(endpoint, name):
    assert profile_for(S3Options(endpoint=endpoint)).name == name


def test_a_named_profile_wins_over_the_host():
    options = S3Options(endpoint="https://files.example.com", profile="oss")
    assert profile_for(options).name == "oss"


@pytest.mark.parametrize(
    ("options", "setting"),
    [
        ({"profile": "azure"}, "USERPROFILE_OSS_PROFILE"),
        ({"addressing": "cname"}, "USERPROFILE_OSS_ENDPOINT"),
        ({"encryption": "rot13"}, "USERPROFILE_OSS_ENCRYPTION"),
        ({"encryption_key_id": "k"}, "USERPROFILE_OSS_ENCRYPTION_KEY_ID"),
        (
            {"encryption": "AES256", "encryption_key_id": "k"},
            "USERPROFILE_OSS_ENCRYPTION_KEY_ID",
        ),
        ({"part_mib": 4}, "USERPROFILE_OSS_PART_MIB"),
        ({"part_mib": 1025}, "USERPROFILE_OSS_PART_MIB"),
        ({"parts_in_flight": 0}, "USERPROFILE_OSS_PARTS_IN_FLIGHT"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_options_that_contradict_each_other_name_their_setting(options, setting):
    with pytest.raises(StorageError, match=setting):
        open_store(URI, S3Options(**options))


@pytest.mark.parametrize("encryption", ["AES256", "KMS", "SM4", "aws:kms", "aws:kms:dsse"])
def test_the_encryptions_of_the_documents_are_taken(encryption):
    options = S3Options(encryption=encryption)
    assert check_options(options) == options


@pytest.mark.parametrize(
    "name",
    [
        "ab",
        "Upper",
        "a_b",
        "-ab",
        "ab-",
        "a..b",
        "192.168.5.4",
        "a" * 64,
        "bucket:80",
        "b%2fc",
        "b c",
        "evil.com#",
        "evil.com?x=",
    ],
)
def test_a_name_that_no_bucket_has_is_refused(name):
    with pytest.raises(StorageError, match="no s3://bucket/prefix"):
        open_store(f"s3://{name}/p")


@pytest.mark.parametrize(
    "key", ["../x", "/x", "a/../x", "a//x", "a/./x", "a\nb", "a\x7f", "a\\b", "a/%2e%2e/x", "a%2Fb"]
)
def test_no_verb_builds_a_path_from_an_unchecked_key(key):
    # Nothing listens there: a verb that sent something would say so by another error.
    store = open_store(URI, S3Options(endpoint="http://127.0.0.1:1", profile="other"))
    acts = {
        "put": lambda: put(store, key, b"x"),
        "read": lambda: next(store.read(key)),
        "head": lambda: store.head(key),
        "list": lambda: store.list(key),
        "delete": lambda: store.delete(key),
        "copy from": lambda: store.copy(key, "b"),
        "copy to": lambda: store.copy("b", key),
        "sweep": lambda: store.sweep(key),
    }
    for name, act in acts.items():
        if name == "copy to":
            continue  # asks for the source first; see test_s3_store.py
        with pytest.raises(PermanentError, match="cannot be the key"):
            act()


@pytest.mark.parametrize("prefix", ["..", "a//", "/", "a/../", "a\x00/"])
def test_a_list_takes_no_unchecked_prefix(prefix, tmp_path):
    for store in (open_store(URI, S3Options()), open_store(tmp_path.as_uri())):
        with pytest.raises(PermanentError, match="cannot be the key"):
            store.list(prefix)


def test_the_resource_hands_every_setting_to_the_store(tmp_path):
    resource = OssResource(
        storage_uri=URI,
        home=str(tmp_path),
        endpoint="https://files.example.com",
        region="cn-hangzhou",
        profile="oss",
        addressing="cname",
        access_key_id="id",
        access_key_secret="secret",
        security_token="token",
        encryption="KMS",
        encryption_key_id="key",
        parts_in_flight=2,
        part_mib=8,
    )
    store = resource.store()
    assert isinstance(store, S3Store)
    assert store._bucket.options == S3Options(
        endpoint="https://files.example.com",
        region="cn-hangzhou",
        profile="oss",
        addressing="cname",
        access_key_id="id",
        access_key_secret="secret",
        security_token="token",
        encryption="KMS",
        encryption_key_id="key",
        parts_in_flight=2,
        part_mib=8,
    )
    assert resource.publisher(print).store.uri == URI
