"""The settings of object storage: the place, how a store is reached, its keys."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from userprofile_assets.settings.fields import SettingsGroup, setting
from userprofile_assets.settings.values import refuse_keys, split_url

_setting = partial(setting, "storage")


class StorageSettings(SettingsGroup):
    """Where objects are written, by which name Spark reads them, and the S3-compatible store."""

    storage_uri: str | None = _setting(
        None,
        "Where objects are written: `file:///path` or `s3://bucket/prefix`. "
        "Unset: `storage` under HOME.",
    )
    spark_uri: str | None = _setting(
        None,
        "How Spark names the same place, for example `s3a://bucket/prefix`. "
        "Unset: STORAGE_URI, with `s3a://` for `s3://`.",
    )
    oss_endpoint: str | None = _setting(
        None, "Endpoint of an S3-compatible store. Unset: Amazon S3."
    )
    oss_region: str | None = _setting(None, "Region that requests are signed for.")
    oss_profile: Literal["auto", "oss", "aws", "minio", "other"] = _setting(
        "auto",
        "What kind of store it is, which decides how requests look (docs/storage.md). `auto` goes "
        "by the endpoint's host.",
    )
    oss_addressing: Literal["auto", "virtual", "path", "cname"] = _setting(
        "auto",
        "Where the bucket's name goes: `virtual` (host name; Alibaba OSS accepts only this), "
        "`path` (MinIO), `cname` (nowhere: the endpoint is a custom domain of the bucket), `auto` "
        "(what the profile wants).",
    )
    oss_encryption: str | None = _setting(
        None,
        "Encryption on the server's side: `AES256`, `aws:kms`, `aws:kms:dsse`; on Alibaba OSS "
        "`AES256`, `KMS`, `SM4`. Unset: what the bucket does by itself.",
    )
    oss_encryption_key_id: str | None = _setting(None, "Key of the key service for OSS_ENCRYPTION.")
    oss_parts_in_flight: Annotated[int, Field(ge=1, le=32)] = _setting(
        4, "Parts of one upload that are sent at once."
    )
    oss_part_mib: Annotated[int, Field(ge=5, le=1024)] = _setting(
        16,
        "Size of a part in MiB. An upload takes (OSS_PARTS_IN_FLIGHT + 1) parts of memory.",
    )
    oss_access_key_id: SecretStr | None = _setting(None, "Access key of the store.")
    oss_access_key_secret: SecretStr | None = _setting(None, "Secret of that key.")
    oss_security_token: SecretStr | None = _setting(None, "Token of temporary (STS) credentials.")

    @field_validator("storage_uri")
    @classmethod
    def _is_storage_uri(cls, value: str | None) -> str | None:
        if value is not None:
            parts = split_url(value)
            refuse_keys(parts)
            is_file = parts.scheme == "file" and not parts.netloc and parts.path.strip("/")
            is_s3 = parts.scheme == "s3" and parts.netloc
            if not ((is_file and value.startswith("file:///")) or is_s3):
                raise ValueError("write file:///path or s3://bucket/prefix")
        return value

    @field_validator("spark_uri")
    @classmethod
    def _is_spark_uri(cls, value: str | None) -> str | None:
        if value is not None:
            parts = split_url(value)
            refuse_keys(parts)
            if not parts.scheme:
                raise ValueError("write it with its scheme, such as s3a://bucket/prefix")
        return value

    @field_validator("oss_endpoint")
    @classmethod
    def _is_endpoint(cls, value: str | None) -> str | None:
        if value is not None:
            parts = split_url(value)
            refuse_keys(parts)
            if parts.scheme not in {"http", "https"} or not parts.hostname:
                raise ValueError("write an http:// or https:// URL")
        return value

    @model_validator(mode="after")
    def _whole_credentials(self) -> Self:
        if (self.oss_access_key_id is None) != (self.oss_access_key_secret is None):
            raise ValueError(
                "USERPROFILE_OSS_ACCESS_KEY_ID and USERPROFILE_OSS_ACCESS_KEY_SECRET belong "
                "together: set both or none"
            )
        if self.oss_security_token is not None and self.oss_access_key_id is None:
            raise ValueError(
                "USERPROFILE_OSS_SECURITY_TOKEN needs USERPROFILE_OSS_ACCESS_KEY_ID and "
                "USERPROFILE_OSS_ACCESS_KEY_SECRET"
            )
        return self
