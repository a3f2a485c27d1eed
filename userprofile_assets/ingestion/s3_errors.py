"""What the answer of an S3-compatible store means: permanent or transient, and what to do.

Belongs here: error codes, HTTP statuses and the exceptions of the client. Does not belong here:
sending requests (`s3_client.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
from botocore import exceptions as botocore_errors  # type: ignore[import-untyped]

from userprofile_assets.errors import (
    NotPublishedError,
    StorageError,
    StorageFullError,
    StorageUnavailableError,
    UserProfileError,
)
from userprofile_assets.redaction import redact_text

if TYPE_CHECKING:
    from userprofile_assets.ingestion.store import S3Options

CLIENT_ERRORS = (
    OSError,
    botocore_errors.BotoCoreError,
    # Not a BotoCoreError. s3fs turns it into an OSError; the requests of this project that go
    # around s3fs do not.
    botocore_errors.ClientError,
    aiohttp.ClientError,
    ValueError,
)
"""What s3fs, botocore and aiohttp raise; ValueError is botocore's word for a bad endpoint."""

_TRANSIENT = {
    "BadDigest",  # the body was damaged on its way
    "IncompleteBody",
    "InternalError",
    "OperationAborted",
    "RequestTimeout",
    "ServiceUnavailable",
    "SlowDown",
    "Throttling",
    "XAmzContentSHA256Mismatch",
}
_EXPIRED = {
    "ExpiredToken",
    "InvalidSecurityToken",
    "InvalidToken",
    "SecurityTokenExpired",
    "TokenRefreshRequired",
}
_UNKNOWN_KEY = {"InvalidAccessKeyId", "XAdminUserNotFound"}
_KEYS = "USERPROFILE_OSS_ACCESS_KEY_ID, USERPROFILE_OSS_ACCESS_KEY_SECRET"
_TOKEN = "USERPROFILE_OSS_SECURITY_TOKEN"  # noqa: S105 - the name of a setting

_Meaning = tuple[type[UserProfileError], str]
_FULL: _Meaning = (StorageFullError, "free space in the store, or raise its quota")


class UploadGoneError(StorageUnavailableError):
    """The store does not know the multipart upload: completed, aborted, or lost by the store."""


_MEANINGS: dict[str, _Meaning] = {
    "NoSuchUpload": (
        UploadGoneError,
        "run it again; the store has dropped the parts of this upload",
    ),
    "NoSuchBucket": (StorageError, "make the bucket, or correct USERPROFILE_STORAGE_URI"),
    "RequestTimeTooSkewed": (
        StorageError,
        "set the clock of this machine (NTP): requests are signed with its time, and stores "
        "accept 15 minutes of difference",
    ),
    "SecondLevelDomainForbidden": (
        StorageError,
        "set USERPROFILE_OSS_ADDRESSING=virtual, or cname for a custom domain",
    ),
    **dict.fromkeys(
        _UNKNOWN_KEY,
        (
            StorageError,
            f"the store does not know this key: check {_KEYS}; temporary credentials also need "
            f"{_TOKEN}",
        ),
    ),
    **dict.fromkeys(("InsufficientStorage", "QuotaExceeded", "XMinioStorageFull"), _FULL),
}


def missing(where: str) -> NotPublishedError:
    """Return the error for an object that is not there."""
    return NotPublishedError(
        "there is no such object", where=where, remedy="materialize the day it belongs to"
    )


def explain(error: Exception, attempt: str, *, where: str, options: S3Options) -> UserProfileError:
    """Turn an exception of the client into an error of this project.

    Args:
        error: What s3fs, botocore or aiohttp raised.
        attempt: What was attempted: the name of the request.
        where: The object as a URI without secrets.
        options: Their secrets are taken out of the message, and a token changes the advice.
    """
    code, status = _answer(error)
    shown = _shown(error, options) + (f" ({code})" if code else "")
    found = _by_code(code, options) or _by_status(code, status) or _by_kind(error, status, options)
    if found is None:
        return missing(where)
    kind, remedy = found
    return kind(f"{attempt} failed: {shown}", where=where, remedy=remedy)


def _by_code(code: str, options: S3Options) -> _Meaning | None:
    """Return kind and remedy where the store's own code says more than the status."""
    if code in _EXPIRED or (code in _UNKNOWN_KEY and options.security_token):
        return (
            StorageError,
            "the temporary credentials are expired or do not belong together: get new ones and "
            f"set {_KEYS} and {_TOKEN} together",
        )
    return _MEANINGS.get(code)


def _by_status(code: str, status: int) -> _Meaning | None:
    if code in _TRANSIENT or status == 429 or (status >= 500 and status not in {501, 507}):
        return StorageUnavailableError, "run it again later"
    return _FULL if status == 507 else None


def _by_kind(error: Exception, status: int, options: S3Options) -> _Meaning | None:
    """Return kind and remedy of what is left; None for an object that is not there."""
    if status == 404:
        return None
    if status == 403 or isinstance(
        error, (botocore_errors.NoCredentialsError, botocore_errors.PartialCredentialsError)
    ):
        token = f". {_TOKEN} may have expired" if options.security_token else ""
        return (
            StorageError,
            f"check {_KEYS} and {_TOKEN}, and what the bucket allows them{token}",
        )
    if status == 0 and _is_transfer(error):
        return StorageUnavailableError, "check USERPROFILE_OSS_ENDPOINT and the network"
    return StorageError, "check the USERPROFILE_OSS_* settings against the store"


def _answer(error: Exception) -> tuple[str, int]:
    """Return the store's error code and HTTP status; empty and 0 when no answer came."""
    response = getattr(error, "response", None) or getattr(error.__cause__, "response", None)
    if not isinstance(response, dict):
        return "", 0
    code = str(response.get("Error", {}).get("Code", ""))
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return code, int(status)


def _is_transfer(error: Exception) -> bool:
    """Tell whether an error without an answer is one of the connection. A bad certificate stays."""
    if isinstance(error, botocore_errors.SSLError):
        return False
    kinds = (
        botocore_errors.ConnectionError,
        botocore_errors.HTTPClientError,
        botocore_errors.IncompleteReadError,
        aiohttp.ClientError,
        OSError,
    )
    return isinstance(error, kinds)


def _shown(error: Exception, options: S3Options) -> str:
    """Return a client's message without secrets, in one line of at most 300 characters."""
    text = " ".join(redact_text(str(error)).split()) or type(error).__name__
    for secret in (options.access_key_secret, options.security_token, options.access_key_id):
        if secret:
            text = text.replace(secret, "***")
    return text[:300]
