"""What kinds of S3-compatible stores differ in, as data.

Belongs here: which store is spoken to, what its settings mean for the client, and which settings
contradict each other. Does not belong here: the client (`s3_client.py`), what an answer means
(`s3_errors.py`).

What no profile has is not sent to any store: create-only headers (If-None-Match: Alibaba OSS
answers 501), DeleteObjects (OSS wants a Content-MD5 that botocore does not send; objects are
deleted one by one), ListMultipartUploads (not among the requests that OSS promises).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from userprofile_assets.errors import StorageError
from userprofile_assets.redaction import redact_url

if TYPE_CHECKING:
    from userprofile_assets.ingestion.store import S3Options

# The rules of S3; those of OSS are the same without the dot.
_BUCKET = re.compile(r"(?!.*\.\.)(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")

_ENCRYPTIONS = {"AES256", "KMS", "SM4", "aws:kms", "aws:kms:dsse"}


@dataclass(frozen=True, kw_only=True)
class Profile:
    """How a kind of store wants to be spoken to.

    Attributes:
        name: As in USERPROFILE_OSS_PROFILE.
        addressing: Where the bucket's name goes when the settings leave it open.
        checksums: botocore's mode. `when_supported` sends a CRC32 behind the body (aws-chunked):
            OSS refuses it, and some stores save the chunk framing inside the object.
        content_md5: Whether bodies carry a Content-MD5, which the store compares on arrival and
            the signature covers. Not beside a CRC32.
        sign_body: Whether the signature covers the SHA-256 of the body too. It costs 0.7 s for a
            GiB; without it the signed Content-MD5 stands for the body. None: botocore decides.
        etag_of_parts: Whether a multipart object's ETag is known to be the MD5 of the MD5s of its
            parts. If not, the ETag of each part is compared, and the size of the object.
    """

    name: str
    addressing: Literal["virtual", "path", "auto"]
    checksums: Literal["when_supported", "when_required"]
    content_md5: bool
    sign_body: bool | None
    etag_of_parts: bool


_PROFILES = {
    profile.name: profile
    for profile in (
        Profile(
            name="oss",
            addressing="virtual",
            checksums="when_required",
            content_md5=True,
            sign_body=True,
            etag_of_parts=False,
        ),
        Profile(
            name="aws",
            addressing="auto",
            checksums="when_supported",
            content_md5=False,
            sign_body=None,
            etag_of_parts=True,
        ),
        Profile(
            name="minio",
            addressing="path",
            checksums="when_required",
            content_md5=True,
            sign_body=False,
            etag_of_parts=True,
        ),
    )
}
_PROFILES["other"] = replace(_PROFILES["minio"], name="other")


def profile_for(options: S3Options) -> Profile:
    """Return the profile that the options name; `auto` goes by the endpoint's host.

    Raises:
        StorageError: There is no profile of that name.
    """
    name = options.profile if options.profile != "auto" else _by_host(options.endpoint)
    if name not in _PROFILES:
        raise StorageError(
            f"there is no profile {name!r}",
            where="USERPROFILE_OSS_PROFILE",
            remedy=f"set it to auto, {', '.join(sorted(_PROFILES))}",
        )
    return _PROFILES[name]


def check_options(options: S3Options) -> S3Options:
    """Return the options if they do not contradict each other.

    Raises:
        StorageError: An unknown encryption, a key without one that uses keys, an addressing that
            needs an endpoint, sizes that are out of bounds.
    """
    if options.addressing == "cname" and not options.endpoint:
        raise StorageError(
            "addressing `cname` needs the custom domain that names the bucket",
            where="USERPROFILE_OSS_ADDRESSING",
            remedy="set USERPROFILE_OSS_ENDPOINT to https://<that domain>",
        )
    if options.encryption is not None and options.encryption not in _ENCRYPTIONS:
        raise StorageError(
            f"there is no encryption {options.encryption!r}",
            where="USERPROFILE_OSS_ENCRYPTION",
            remedy=f"set it to one of {', '.join(sorted(_ENCRYPTIONS))}, or leave it out",
        )
    if options.encryption_key_id and "kms" not in (options.encryption or "").lower():
        raise StorageError(
            "a key of a key service is named, but the encryption does not use one",
            where="USERPROFILE_OSS_ENCRYPTION_KEY_ID",
            remedy="set USERPROFILE_OSS_ENCRYPTION to aws:kms, or to KMS for Alibaba OSS",
        )
    if not (5 <= options.part_mib <= 1024 and 1 <= options.parts_in_flight <= 32):
        raise StorageError(
            f"{options.parts_in_flight} parts of {options.part_mib} MiB in flight are not possible",
            where="USERPROFILE_OSS_PART_MIB, USERPROFILE_OSS_PARTS_IN_FLIGHT",
            remedy="write parts of 5 to 1,024 MiB, 1 to 32 in flight; memory is one part more",
        )
    return options


def check_bucket(name: str, *, uri: str) -> str:
    """Return the name if it can be that of a bucket: it becomes part of a host name.

    Raises:
        StorageError: It cannot.
    """
    if not _BUCKET.fullmatch(name):
        raise StorageError(
            "this is no s3://bucket/prefix: a bucket's name has 3 to 63 lower-case letters, "
            "digits, hyphens and dots",
            where=redact_url(uri),
            remedy="correct USERPROFILE_STORAGE_URI; keys belong into OSS_ACCESS_KEY_ID",
        )
    return name


def _by_host(endpoint: str | None) -> str:
    if endpoint is None:
        return "aws"
    host = (urlsplit(endpoint).hostname or "").lower()
    if host.endswith((".aliyuncs.com", ".aliyuncs-internal.com")):
        return "oss"
    if host.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        return "aws"
    return "other"
