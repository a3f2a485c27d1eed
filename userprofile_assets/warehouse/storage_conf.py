"""What Spark is told about the object storage: from the settings to Hadoop's keys. No I/O.

Belongs here: `s3a://` (hadoop-aws) and `oss://` (hadoop-aliyun). Does not belong here: their jars
(`jars.py`), how ingest assets reach the same store (`ingestion/s3_profiles.py`).

Where an address has another scheme (`file://`, or the `s3://` of EMR) the platform knows better,
and nothing is set. What a user writes into SPARK_CONF wins.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from userprofile_assets.errors import SettingsError
from userprofile_assets.warehouse.jar_list import LISTS

if TYPE_CHECKING:
    from collections.abc import Mapping

_S3A = "spark.hadoop.fs.s3a."
_OSS = "spark.hadoop.fs.oss."

# A request to a store that is silent costs (1 + attempts) x (1 + retries) x the timeout: 2 minutes,
# where the defaults of Hadoop (5, 7, 200 s) make it hours. To one that refuses it costs seconds. A
# statement makes a few requests and is repeated on top of that (`executor.py`). S3A takes no less
# than 15 s for the timeout.
_S3A_PATIENCE = {
    "connection.establish.timeout": "10s",
    "connection.timeout": "20s",
    "connection.acquisition.timeout": "60s",
    "connection.part.upload.timeout": "5m",
    "attempts.maximum": "1",
    "retry.limit": "2",
    "retry.interval": "500ms",
    "retry.throttle.limit": "8",
}
# Milliseconds. Nothing above this client tries again.
_OSS_PATIENCE = {
    "connection.establish.timeout": "10000",
    "connection.timeout": "30000",
    "attempts.maximum": "3",
}

# S3A's names for what the settings call by the value of S3's header.
_S3A_ENCRYPTION = {"AES256": "AES256", "aws:kms": "SSE-KMS", "aws:kms:dsse": "DSSE-KMS"}
_OSS_ENCRYPTION = ("AES256", "KMS", "SM4")

_SECRET = re.compile(r"(?i)secret|token|access.?key")


@dataclass(frozen=True, kw_only=True)
class StorageAccess:
    """How a store is reached, in the terms of the settings.

    Attributes:
        profile: What kind of store it is, already decided: there is no `auto` here.
        endpoint: URL of the store; None is Amazon S3.
        region: Region that requests are signed for.
        addressing: Where the bucket's name goes; `auto` is what the profile wants.
        access_key_id: Access key; None leaves it to the client's own chain.
        access_key_secret: Secret of that key.
        security_token: Token of temporary (STS) credentials.
        encryption: How the store is to encrypt what Spark writes; None leaves it to the bucket.
        encryption_key_id: Key of the key service.
    """

    profile: Literal["oss", "aws", "minio", "other"]
    endpoint: str | None = None
    region: str | None = None
    addressing: Literal["auto", "virtual", "path", "cname"] = "auto"
    access_key_id: str | None = field(default=None, repr=False)
    access_key_secret: str | None = field(default=None, repr=False)
    security_token: str | None = field(default=None, repr=False)
    encryption: str | None = None
    encryption_key_id: str | None = None


def needs_jars(spark_uri: str) -> bool:
    """Tell whether Spark reads this address by a client that it does not bring (`jars.py`)."""
    return urlsplit(spark_uri).scheme in LISTS


def storage_conf(spark_uri: str, access: StorageAccess) -> dict[str, str]:
    """Return the `spark.hadoop.*` keys by which Spark reaches the store. May hold secrets.

    Raises:
        SettingsError: The client cannot do what a setting asks for.
    """
    scheme = urlsplit(spark_uri).scheme
    if scheme == "s3a":
        return _prefixed(_S3A, _s3a(access))
    if scheme == "oss":
        return {
            **_prefixed(_OSS, _oss(access)),
            "spark.hadoop.fs.AbstractFileSystem.oss.impl": "org.apache.hadoop.fs.aliyun.oss.OSS",
        }
    return {}


def shown_conf(conf: Mapping[str, str]) -> dict[str, str]:
    """Return the keys for people, the values of secrets left out."""
    return {
        key: "(set, secret)" if _SECRET.search(key) and "provider" not in key else value
        for key, value in sorted(conf.items())
    }


def _prefixed(prefix: str, keys: Mapping[str, str | None]) -> dict[str, str]:
    return {f"{prefix}{key}": value for key, value in keys.items() if value is not None}


def _s3a(access: StorageAccess) -> dict[str, str | None]:
    if access.addressing == "cname":
        raise SettingsError(
            "S3A always puts the bucket's name into the request, and a custom domain stands for it",
            where="USERPROFILE_OSS_ADDRESSING=cname",
            remedy="set USERPROFILE_SPARK_URI to oss://bucket/prefix, which takes a custom domain",
        )
    is_aws = access.profile == "aws"
    path = access.addressing == "path" or (
        access.addressing == "auto" and access.profile in {"minio", "other"}
    )
    keys: dict[str, str | None] = {
        **_S3A_PATIENCE,
        "endpoint": access.endpoint,
        # Other stores ignore it or want us-east-1, which botocore signs for too.
        "endpoint.region": access.region or (None if is_aws else "us-east-1"),
        "path.style.access": "true" if path else "false",
        **_s3a_credentials(access),
        **_s3a_encryption(access),
    }
    if access.endpoint is not None:
        keys["connection.ssl.enabled"] = _is_https(access.endpoint)
    if not is_aws:
        # If-None-Match: OSS answers 501. DeleteObjects: OSS wants a Content-MD5.
        keys |= {"create.conditional.enabled": "false", "multiobjectdelete.enable": "false"}
    return keys


def _s3a_credentials(access: StorageAccess) -> dict[str, str | None]:
    """Name the provider: S3A's own order would let AWS_SESSION_TOKEN of the environment in."""
    if access.access_key_id is None:
        # As botocore does: environment, ~/.aws, web identity, the role of the machine.
        provider = "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider"
        return {"aws.credentials.provider": provider}
    kind = "Simple" if access.security_token is None else "Temporary"
    return {
        "aws.credentials.provider": f"org.apache.hadoop.fs.s3a.{kind}AWSCredentialsProvider",
        "access.key": access.access_key_id,
        "secret.key": access.access_key_secret,
        "session.token": access.security_token,
    }


def _s3a_encryption(access: StorageAccess) -> dict[str, str | None]:
    if access.encryption is None:
        return {}
    if access.encryption not in _S3A_ENCRYPTION:
        raise SettingsError(
            f"S3A knows no encryption {access.encryption!r}",
            where="USERPROFILE_OSS_ENCRYPTION",
            remedy=f"set it to one of {', '.join(_S3A_ENCRYPTION)}; or set USERPROFILE_SPARK_URI "
            "to oss://bucket/prefix",
        )
    return {
        "encryption.algorithm": _S3A_ENCRYPTION[access.encryption],
        "encryption.key": access.encryption_key_id,
    }


def _oss(access: StorageAccess) -> dict[str, str | None]:
    if access.endpoint is None:
        raise SettingsError(
            "the client of oss:// has no endpoint of its own",
            where="USERPROFILE_OSS_ENDPOINT",
            remedy="set it to that of the bucket, such as https://s3.oss-cn-hangzhou.aliyuncs.com",
        )
    if access.encryption is not None and access.encryption not in _OSS_ENCRYPTION:
        raise SettingsError(
            f"the client of oss:// knows no encryption {access.encryption!r}",
            where="USERPROFILE_OSS_ENCRYPTION",
            remedy=f"set it to one of {', '.join(_OSS_ENCRYPTION)}",
        )
    if access.encryption_key_id is not None:
        raise SettingsError(
            "the client of oss:// cannot name a key of the key service",
            where="USERPROFILE_OSS_ENCRYPTION_KEY_ID",
            remedy="leave it out and set the key at the bucket, which then uses it for everybody",
        )
    return {
        **_OSS_PATIENCE,
        "impl": "org.apache.hadoop.fs.aliyun.oss.AliyunOSSFileSystem",
        "endpoint": _native_endpoint(access.endpoint),
        "connection.secure.enabled": _is_https(access.endpoint),
        # V4 signs for a region; without one only V1 is possible, which new users may not use.
        "region": access.region,
        "signatureversion": "V4" if access.region else None,
        "accessKeyId": access.access_key_id,
        "accessKeySecret": access.access_key_secret,
        "securityToken": access.security_token,
        "server-side-encryption-algorithm": access.encryption,
    }


def _native_endpoint(endpoint: str) -> str:
    """Return the host that speaks OSS's own protocol; `s3.` before it is that of the S3 one."""
    host = urlsplit(endpoint).netloc
    return (
        host.removeprefix("s3.")
        if host.endswith((".aliyuncs.com", ".aliyuncs-internal.com"))
        else host
    )


def _is_https(endpoint: str) -> str:
    return "true" if urlsplit(endpoint).scheme == "https" else "false"
