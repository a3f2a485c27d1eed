"""One object on its way to a bucket, in parts of which several are in flight.

Belongs here: parts, memory, abort, completion and the check of what the store has then. Does not
belong here: how a request is sent (`s3_client.py`).

The object becomes visible by one request: `complete_multipart_upload` or, for what fits into one
part, `put_object`.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import FIRST_COMPLETED, wait
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from userprofile_assets.errors import (
    NotPublishedError,
    StorageError,
    StorageUnavailableError,
    UserProfileError,
)
from userprofile_assets.ingestion.s3_body import Body
from userprofile_assets.ingestion.s3_download import read
from userprofile_assets.ingestion.s3_errors import UploadGoneError
from userprofile_assets.ingestion.s3_integrity import Sent, content_md5, etag_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from userprofile_assets.ingestion.s3_client import S3Bucket

PARTS_PER_SIZE = 2_000
"""After so many parts the next ones are twice as large: 10,000 of 16 MiB hold about 1 TB."""

MOST_PARTS = 10_000
"""S3's limit, and that of OSS."""

ABORTS = 3
"""How often an abort is repeated while the store still lists parts of the upload."""


class S3Upload:
    """An object on its way to a bucket. See `store.Upload`.

    What fits into one part is kept in memory and sent by `commit()`. More is sent part by part,
    with several in flight; `write` waits while all places are taken. So at most
    `parts_in_flight` + 1 parts are in memory.

    Args:
        bucket: Where to.
        key: Its key, checked.
        part_bytes: Size of a part.
        parts_in_flight: How many are sent at once.
    """

    def __init__(
        self, bucket: S3Bucket, key: str, *, part_bytes: int, parts_in_flight: int
    ) -> None:
        self._bucket = bucket
        self._key = key
        self._part_bytes = part_bytes
        self._memory = part_bytes * parts_in_flight
        self._body = Body()
        self._creating: Future[Any] | None = None
        self._flying: set[Future[Any]] = set()
        self._parts: dict[int, dict[str, Any]] = {}
        self._sent = Sent()
        self._number = 0
        self._staged = False

    def write(self, data: bytes) -> None:
        """Append bytes; a full part is sent beside the caller.

        Raises:
            UserProfileError: This part or an earlier one could not be sent.
        """
        if self._staged:
            raise ValueError("write after stage")
        # The body keeps what it is given; bytes(data) copies only what could still change.
        view = memoryview(bytes(data))
        while view:
            room = self._part_bytes - self._body.size
            if not room:
                self._send()
                continue
            self._body.write(view[:room])
            view = view[room:]

    def stage(self) -> None:
        """Send the last part and wait for all. An object of one part waits for `commit`."""
        if not self._staged and self._creating is not None:
            self._send()
            while self._flying:
                self._land()
        self._staged = True

    def commit(self) -> None:
        """Make the object appear, and check that it has the bytes."""
        self.stage()
        if self._creating is None:
            self._put()
        else:
            upload_id = self._creating.result()["UploadId"]
            parts = [self._parts[number] for number in sorted(self._parts)]
            self._sent.note(complete(self._bucket, self._key, upload_id, parts, self._is_there))
        check(self._bucket, self._key, self._sent)
        self._creating = None

    def discard(self) -> None:
        """Abort a multipart upload that is not committed, so that its parts are not billed."""
        self._body = Body()
        for future in self._flying:
            future.cancel()
        creating, self._creating = self._creating, None
        if creating is None:
            return
        # It may have been interrupted while it waited for the answer, which still comes.
        upload_id = creating.result()["UploadId"]
        self._flying.clear()
        abort(self._bucket, self._key, upload_id)

    def _is_there(self, found: dict[str, Any], gone: bool) -> bool:  # noqa: FBT001 - of one caller
        """Tell whether the object is this one: by its ETag, else by its bytes."""
        if found["ContentLength"] != self._sent.size:
            return False
        same = (etag_of(found) or "").lower() == self._sent.etag
        return same or (gone and self._sent.same_bytes(read(self._bucket, self._key)))

    def _put(self) -> None:
        bucket = self._bucket
        digest = self._body.md5()
        size = self._body.size
        parameters: dict[str, Any] = dict(bucket.encryption)
        if bucket.profile.content_md5:
            parameters["ContentMD5"] = content_md5(digest)
        answer = bucket.call("put_object", self._key, size=size, Body=self._body, **parameters)
        self._sent = Sent(whole=True)
        self._sent.add(1, size, digest, answer)
        self._body = Body()

    def _send(self) -> None:
        """Hand the part over as soon as there is a place for it."""
        if self._creating is None:
            # Kept as a future, so that an upload whose creation was interrupted is aborted too.
            self._creating = self._bucket.start(create(self._bucket, self._key))
        upload_id = self._creating.result()["UploadId"]
        for future in [future for future in self._flying if future.done()]:
            self._flying.discard(future)
            future.result()
        while len(self._flying) >= max(1, self._memory // self._part_bytes):
            self._land()
        self._number += 1
        if self._number > MOST_PARTS:
            raise StorageError(
                f"the object has more than {MOST_PARTS:,} parts",
                where=self._bucket.where(self._key),
                remedy="raise USERPROFILE_OSS_PART_MIB",
            )
        body, self._body = self._body, Body()
        self._flying.add(self._bucket.start(self._send_part(self._number, body, upload_id)))
        if self._number % PARTS_PER_SIZE == 0:
            self._part_bytes *= 2

    def _land(self) -> None:
        """Wait until a part has arrived; its error is the upload's."""
        done, self._flying = wait(self._flying, return_when=FIRST_COMPLETED)
        for future in done:
            future.result()

    async def _send_part(self, number: int, body: Body, upload_id: str) -> None:
        size = body.size
        # In a thread, so that hashing one part and sending others go on at the same time.
        digest = await asyncio.to_thread(body.md5)
        parameters: dict[str, Any] = {}
        if self._bucket.profile.content_md5:
            parameters["ContentMD5"] = content_md5(digest)
        answer = await self._bucket.request(
            "upload_part",
            self._key,
            size=size,
            UploadId=upload_id,
            PartNumber=number,
            Body=body,
            **parameters,
        )
        self._sent.add(number, size, digest, answer)
        self._parts[number] = part(number, answer)


async def create(bucket: S3Bucket, key: str) -> dict[str, Any]:
    """Begin a multipart upload."""
    return await bucket.request("create_multipart_upload", key, **dict[str, Any](bucket.encryption))


def part(number: int, answer: dict[str, Any]) -> dict[str, Any]:
    """Return a part as `complete_multipart_upload` wants it, with the checksums of the answer."""
    sums = {
        name: value
        for name, value in answer.items()
        if name.startswith("Checksum") and name != "ChecksumType"
    }
    return {"PartNumber": number, "ETag": answer["ETag"], **sums}


def complete(
    bucket: S3Bucket,
    key: str,
    upload_id: str,
    parts: list[dict[str, Any]],
    is_there: Callable[[dict[str, Any], bool], bool],
) -> dict[str, Any]:
    """Make an object of its parts; return the answer, which is empty when it was lost.

    When the answer is lost, the client's second try finds no such upload. Whether the first one
    did it is asked of the object.

    Args:
        bucket: Where it is.
        key: The object's key.
        upload_id: Which upload.
        parts: Number, ETag and checksums of each.
        is_there: Tells, by what the store says about the object and by whether the upload is
            gone, that the object is the one to be made and not a former one.

    Raises:
        StorageUnavailableError: No answer, and the object is not the one to be made.
    """
    try:
        return bucket.call(
            "complete_multipart_upload", key, UploadId=upload_id, MultipartUpload={"Parts": parts}
        )
    except StorageUnavailableError as error:
        with suppress(UserProfileError):
            if is_there(bucket.call("head_object", key), isinstance(error, UploadGoneError)):
                return {}
        raise


def abort(bucket: S3Bucket, key: str, upload_id: str) -> None:
    """Drop a multipart upload; a part that was still on its way can arrive after the first try.

    Raises:
        UserProfileError: The store refuses or does not answer. Its parts stay until a lifecycle
            rule of the bucket removes them.
    """
    for _ in range(ABORTS):
        try:
            bucket.call("abort_multipart_upload", key, UploadId=upload_id)
            bucket.call("list_parts", key, UploadId=upload_id, MaxParts=1)
        except (UploadGoneError, NotPublishedError):
            return


def check(bucket: S3Bucket, key: str, sent: Sent) -> None:
    """Read back what the store has: size and ETag, and the bytes where the ETag cannot tell.

    Raises:
        StorageError: Other bytes than were sent. One of the right size is deleted: by its size it
            would pass for the day, while one of another size is found out by the manifest.
    """
    try:
        answer = bucket.call("head_object", key)
    except NotPublishedError:
        raise _other_bytes(bucket, key, sent, "no object") from None
    sent.note(answer)
    if answer["ContentLength"] != sent.size:
        raise _other_bytes(bucket, key, sent, f"{answer['ContentLength']} bytes")
    told = sent.verdict(etag_of(answer), etag_of_parts=bucket.profile.etag_of_parts)
    if told is None and not sent.same_bytes(read(bucket, key)):
        with suppress(UserProfileError):
            bucket.call("delete_object", key)
        raise _other_bytes(bucket, key, sent, "other bytes (their MD5 differs)")


def _other_bytes(bucket: S3Bucket, key: str, sent: Sent, found: str) -> StorageError:
    return StorageError(
        f"{sent.size} bytes were written, but the store then has {found}",
        where=bucket.where(key),
        remedy="the store changes what is sent, or something else writes there; check it with "
        "another client",
    )
