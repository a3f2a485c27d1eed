"""One object on its way from a bucket.

Belongs here: chunks, and how long a body may take in all. Does not belong here: how a request is
sent (`s3_client.py`), comparing what came with what was sent (`s3_integrity.py`).

A store that sends a byte now and then never reaches a time-out of silence, so a whole body has a
limit by its size, as one that is sent has. Only the waiting for the store counts: whoever takes the
chunks may take his time.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from userprofile_assets.ingestion.store import READ_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from userprofile_assets.ingestion.s3_client import S3Bucket


def read(bucket: S3Bucket, key: str) -> Iterator[bytes]:
    """Yield an object's bytes in chunks of at most 1 MiB, from one request.

    Raises:
        StorageUnavailableError: The store fell silent, or sent less than `s3_client.BODY_RATE`.
    """
    answer = bucket.call("get_object", key)
    body = answer["Body"]
    limit = bucket.seconds_for(answer["ContentLength"])
    waited = 0.0
    try:
        while True:
            begun = time.monotonic()
            receiving = bucket.receive(body, READ_BYTES, key, limit=limit, waited=waited)
            chunk = bucket.wait(bucket.start(receiving))
            if not chunk:
                return
            waited += time.monotonic() - begun
            yield chunk
    finally:
        bucket.soon(body.close)
