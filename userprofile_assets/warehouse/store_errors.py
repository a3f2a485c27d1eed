"""What a person can do about a store that refuses Spark.

Belongs here: the codes that stores answer with, as they stand in the text of a Java exception.
Does not belong here: which errors are transient (`spark_errors.py`), the same codes on the ingest
side (`ingestion/s3_errors.py`).
"""

from __future__ import annotations

import re

_KEYS = "USERPROFILE_OSS_ACCESS_KEY_ID and USERPROFILE_OSS_ACCESS_KEY_SECRET"

# The first that is found counts. S3A puts the code at the end of its sentence; hadoop-aliyun writes
# `[ErrorCode]: InvalidAccessKeyId`.
_REMEDIES = (
    (
        r"ExpiredToken|SecurityTokenExpired|TokenRefreshRequired|InvalidSecurityToken|InvalidToken",
        f"the temporary credentials are expired or wrong: get new ones and set {_KEYS} and "
        "USERPROFILE_OSS_SECURITY_TOKEN together",
    ),
    (
        r"SignatureDoesNotMatch|InvalidAccessKeyId|XAdminUserNotFound|InvalidCredentialsException"
        r"|NoAuthWithAWSException|Unable to load credentials",
        f"the store does not accept the keys: check {_KEYS}; a server of Spark elsewhere has keys "
        "of its own",
    ),
    (
        r"RequestTimeTooSkewed",
        "set the clock of the machine that Spark runs on (NTP): stores accept 15 minutes of "
        "difference",
    ),
    (r"NoSuchBucket|UnknownStoreException", "make the bucket, or correct USERPROFILE_SPARK_URI"),
    (
        r"SecondLevelDomainForbidden|PermanentRedirect|AuthorizationHeaderMalformed"
        r"|AWSRedirectException",
        "check USERPROFILE_OSS_ENDPOINT, USERPROFILE_OSS_REGION and USERPROFILE_OSS_ADDRESSING: "
        "the bucket is elsewhere, or is named in another way",
    ),
    (
        r"AccessDenied|AccessDeniedException|Status Code: 403",
        "let the key list, read and write below USERPROFILE_SPARK_URI",
    ),
    (
        r"No FileSystem for scheme \"?(s3a|oss)|ClassNotFoundException: Class "
        r"org\.apache\.hadoop\.fs\.(s3a|aliyun)",
        "run `userprofile spark jars`; a server of Spark elsewhere needs those jars itself",
    ),
)
_COMPILED = tuple((re.compile(pattern), remedy) for pattern, remedy in _REMEDIES)


def storage_remedy(text: str) -> str | None:
    """Return what to do about the refusal of a store that a text tells of; None if it tells none.

    Args:
        text: All that an exception and its causes say.
    """
    return next((remedy for pattern, remedy in _COMPILED if pattern.search(text)), None)
