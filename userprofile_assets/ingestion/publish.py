"""Publish one object per day, all or nothing, with its manifest.

Belongs here: the order of writes, and what is done about a publisher that was killed between two of
them. Does not belong here: where bytes come from (`log_copy.py`, `table_copy.py`), how a store
writes one object (`local_store.py`, `s3_store.py`).

Three slots, each an object with a manifest beside it:

    <dir>/<name>            the published day
    <dir>/_previous/<name>  the last day with other bytes, for `rollback`
    <dir>/_former/<name>    the day about to be replaced; there only while a publisher works

A slot is written as: pending manifest, object (one atomic act), manifest, pending manifest away. A
pending manifest that is found later belongs to a publisher that died: if the object's size and
sha256 are those it promises, the object had been replaced and the manifest is finished; else it is
dropped and the former manifest is still right. A day is replaced as: day -> `_former`, new bytes ->
day, `_former` -> `_previous`. A `_former` that is found later goes to `_previous` if the day has
other bytes by now, and away if it has not. So after kill -9 at any point object and manifest agree,
and the day is the former one or the new one. See docs/decisions/0003-publish-protocol.md.

The lock is a file of this machine. Two machines that publish the same day to the same bucket at
once are not kept apart; their runs have to be (one scheduler, or Dagster's run concurrency).
"""

from __future__ import annotations

import hashlib
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from userprofile_assets.errors import NotPublishedError, StorageError, UserProfileError
from userprofile_assets.ingestion.manifest import (
    MANIFEST_NAME,
    Manifest,
    running_versions,
    utc_now,
)
from userprofile_assets.ingestion.store import ObjectInfo, get, put
from userprofile_assets.locks import exclusive_lock
from userprofile_assets.object_keys import check_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from userprofile_assets.ingestion.store import ObjectStore

_PENDING_NAME = "_manifest.pending.json"
_AGAIN = "materialize the day again"

_LINE_FEED = 10
_MANY_BYTES = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is to be published: the asset, the day, the key with the day in it, the run."""

    asset: str
    key: str
    bizdate: str
    run_id: str


class Sink:
    r"""Takes the bytes of one object and counts them on their way to the store.

    Rows are the LFs, plus 1 if the last byte is no LF: the rule by which Spark's `text` source with
    lineSep `\n` counts, so manifest and table can be compared.
    """

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._digest = hashlib.sha256()
        self._bytes = 0
        self._line_ends = 0
        self._open_line = False

    def write(self, data: bytes) -> None:
        """Append bytes; borders between calls do not matter."""
        if not data:
            return
        self._write(data)
        self._digest.update(data)
        self._bytes += len(data)
        self._line_ends += _count_line_ends(data)
        self._open_line = not data.endswith(b"\n")

    @property
    def rows(self) -> int:
        """Rows so far."""
        return self._line_ends + self._open_line

    @property
    def bytes(self) -> int:
        """Bytes so far."""
        return self._bytes

    @property
    def sha256(self) -> str:
        """Hex digest of the bytes so far."""
        return self._digest.hexdigest()


def _count_line_ends(data: bytes) -> int:
    """Count LFs; `bytes.count` takes 4 times longer: it stops at each of them."""
    if len(data) < _MANY_BYTES:
        return data.count(b"\n")
    import numpy as np  # noqa: PLC0415 - 0.1 s that definitions need not pay

    return int(np.count_nonzero(np.frombuffer(data, dtype=np.uint8) == _LINE_FEED))


@dataclass(frozen=True)
class _Slot:
    """An object and the two names of its manifest."""

    directory: str
    name: str

    @property
    def object(self) -> str:
        return f"{self.directory}/{self.name}"

    @property
    def manifest(self) -> str:
        return f"{self.directory}/{MANIFEST_NAME}"

    @property
    def pending(self) -> str:
        return f"{self.directory}/{_PENDING_NAME}"

    @property
    def keys(self) -> tuple[str, str, str]:
        return self.object, self.manifest, self.pending


class _Day:
    """The three slots of one key."""

    def __init__(self, key: str) -> None:
        directory, _, name = check_key(key).rpartition("/")
        if not directory or name.startswith(("_", ".")):
            raise StorageError(
                "an object needs a directory of its own and a name that Spark reads",
                where=key,
                remedy="write a key such as ods_raw_log_d/log_20240807/log_20240807.txt",
            )
        self.directory = directory
        self.main = _Slot(directory, name)
        self.previous = _Slot(f"{directory}/_previous", name)
        self.former = _Slot(f"{directory}/_former", name)

    def strangers(self, keys: set[str]) -> list[str]:
        """Return the keys beside the object that Spark would read as rows of this day.

        The key of the directory itself is none: consoles make a folder by such an object.
        """
        names = {key[len(self.directory) + 1 :] for key in keys}
        return sorted(
            name
            for name in names - {self.main.name}
            if name and "/" not in name and not name.startswith(("_", "."))
        )


def _no_log(message: str) -> None:
    """Say nothing."""


@dataclass
class Publisher:
    """Publishes days into one store.

    Attributes:
        store: Where to.
        locks: Directory of the lock files, on a disk of this machine.
        lock_timeout: Seconds to wait for another publisher of the same day.
        log: Called with a sentence about waiting and about what was recovered.
    """

    store: ObjectStore
    locks: Path
    lock_timeout: float = 600
    log: Callable[[str], None] = _no_log
    _read_back: dict[tuple[str, str], ObjectInfo] = field(default_factory=dict, repr=False)

    def publish(self, target: Target, write: Callable[[Sink], dict[str, Any]]) -> Manifest:
        """Publish the bytes that `write` streams; nothing changes when it raises.

        Args:
            target: What it becomes.
            write: Streams the bytes into the sink and returns the facts about the source, which
                have to fit into JSON and hold no secret.

        Returns:
            The manifest as published.

        Raises:
            StorageError: The store refuses, is full, or the directory holds other objects too.
            StorageUnavailableError: The store does not answer.
            LockTimeoutError: Another process publishes this day for too long.
        """
        day = _Day(target.key)
        with self._locked(day):
            former = self._prepare(day)
            with self.store.upload(day.main.object) as upload:
                sink = Sink(upload.write)
                taken_at = utc_now()
                source = write(sink)
                upload.stage()
                manifest = Manifest(
                    asset=target.asset,
                    bizdate=target.bizdate,
                    key=target.key,
                    bytes=sink.bytes,
                    rows=sink.rows,
                    sha256=sink.sha256,
                    source=source,
                    taken_at=taken_at,
                    published_at=utc_now(),
                    run_id=target.run_id,
                    copied_from=None,
                    versions=running_versions(),
                )
                self._exchange(day, former, manifest, upload.commit)
        return manifest

    def republish(self, done: Manifest, target: Target) -> Manifest:
        """Publish the bytes of a day for another day too, copied on the store's side.

        Raises:
            NotPublishedError: The day of `done` is gone or has other bytes by now, which is found
                out by `check_bytes`.
        """
        source, day = _Day(done.key), _Day(target.key)
        if source.directory == day.directory:
            raise StorageError(
                f"{done.key} cannot be copied into its own directory",
                where=target.key,
                remedy="give each day a directory of its own",
            )
        with self._locked(source, day):
            self._settle(source)
            if self._verified(source).sha256 != done.sha256:
                raise NotPublishedError(
                    "the day has been published anew, so its bytes are not those of this run",
                    where=done.key,
                    remedy=_AGAIN,
                )
            self.check_bytes(done)
            former = self._prepare(day)
            manifest = replace(
                done,
                asset=target.asset,
                bizdate=target.bizdate,
                key=target.key,
                published_at=utc_now(),
                run_id=target.run_id,
                copied_from=done.copied_from or done.bizdate,
                versions=running_versions(),
            )

            def copy() -> None:
                self.store.copy(source.main.object, day.main.object)

            self._exchange(day, former, manifest, copy)
        return manifest

    def read_manifest(self, key: str) -> Manifest | None:
        """Return the manifest of a key; None when it was never published.

        Finishes or drops what a killed publisher left, and waits for a living one that is just
        about to replace the day.

        Raises:
            NotPublishedError: There is a manifest that cannot be read.
        """
        day = _Day(key)
        if self.store.head(day.main.pending) is not None:
            with self._locked(day):
                self._settle(day)
        return self._read(day.main.manifest)

    def verify(self, key: str) -> Manifest:
        """Return the manifest of a key whose object is there with the size that it names.

        Raises:
            NotPublishedError: No manifest, no object, or their sizes disagree.
        """
        day = _Day(key)
        with suppress(NotPublishedError):
            return self._verified(day)
        # A living publisher may have replaced the object between two looks: look again, alone.
        with self._locked(day):
            self._settle(day)
            return self._verified(day)

    def check_bytes(self, done: Manifest) -> None:
        """Read the object of a published day back and compare its sha256.

        A size does not show what a bad disk or a stray program has done. The pass over the object
        is made once: it is not read again while the store tells the same ETag and time of it.

        Raises:
            NotPublishedError: It is gone, or has other bytes than its manifest says.
        """
        found = self.store.head(done.key)
        if found is not None and self._read_back.get((done.key, done.sha256)) == found:
            return
        if self._sha256(done.key) != done.sha256:
            raise NotPublishedError(
                "the object does not have the bytes of its manifest", where=done.key, remedy=_AGAIN
            )
        if found is not None:
            self._read_back[done.key, done.sha256] = found

    def rollback(self, key: str) -> Manifest:
        """Bring the last day with other bytes back; a second rollback undoes the first.

        Returns:
            The manifest that holds again, as it was written then.

        Raises:
            NotPublishedError: There is none, or its bytes are not those of its manifest.
        """
        day = _Day(key)
        with self._locked(day):
            former = self._prepare(day)
            kept = self._readable(day.previous)
            if kept is None:
                raise NotPublishedError(
                    "no former version with other bytes is kept",
                    where=key,
                    remedy=f"{_AGAIN} from a source that is right",
                )
            if self._sha256(day.previous.object) != kept.sha256:
                raise NotPublishedError(
                    "the former version that is kept does not have the bytes of its manifest",
                    where=day.previous.object,
                    remedy=f"{_AGAIN} from a source that is right",
                )

            def copy() -> None:
                self.store.copy(day.previous.object, day.main.object)

            self._exchange(day, former, kept, copy)
        return kept

    @contextmanager
    def _locked(self, *days: _Day) -> Iterator[None]:
        """Hold the locks of some days, taken in one order everywhere so that none waits for ever.

        The lock is the directory's, since the manifest is. Its name is a hash, because a URI can be
        longer than a file name may be.
        """
        with ExitStack() as stack:
            for directory in sorted(day.directory for day in days):
                place = f"{self.store.uri}/{directory}"
                name = hashlib.sha256(place.encode()).hexdigest()
                stack.enter_context(
                    exclusive_lock(
                        self.locks / f"{name}.lock",
                        purpose=f"publish {place}",
                        timeout=self.lock_timeout,
                        on_wait=self.log,
                    )
                )
            yield

    def _prepare(self, day: _Day) -> Manifest | None:
        """Recover, check that the directory is the day's own, and return what is published."""
        strangers = day.strangers(self._settle(day))
        if strangers:
            raise StorageError(
                f"the directory also holds {', '.join(strangers[:5])}, which Spark would read as "
                "rows of the same day",
                where=f"{self.store.uri}/{day.directory}",
                remedy="move it away, or give each object a directory of its own",
            )
        return self._readable(day.main)

    def _exchange(
        self, day: _Day, former: Manifest | None, manifest: Manifest, commit: Callable[[], None]
    ) -> None:
        """Replace the day and keep the former one, if its bytes were others."""
        changed = former is not None and former.sha256 != manifest.sha256
        try:
            if changed:
                self._move(day.main, day.former)
            self._replace(day.main, manifest, commit)
            if changed:
                self._retire(day)
        except BaseException:
            # The rest is as after kill -9; tidy up at once if the store still answers.
            with suppress(UserProfileError):
                self._settle(day)
            raise

    def _replace(self, slot: _Slot, manifest: Manifest, commit: Callable[[], None]) -> None:
        put(self.store, slot.pending, manifest.to_json())
        commit()
        put(self.store, slot.manifest, manifest.to_json())
        self.store.delete(slot.pending)

    def _move(self, source: _Slot, target: _Slot) -> None:
        """Copy a slot's object and manifest; the source stays, whatever the name says."""
        manifest = Manifest.from_json(get(self.store, source.manifest))
        self._replace(target, manifest, lambda: self.store.copy(source.object, target.object))

    def _retire(self, day: _Day) -> None:
        """Make `_former` the `_previous`, unless the day still has its bytes; then clear it."""
        former, current = self._readable(day.former), self._readable(day.main)
        if former is not None and (current is None or current.sha256 != former.sha256):
            self._move(day.former, day.previous)
        for key in day.former.keys:
            self.store.delete(key)

    def _settle(self, day: _Day) -> set[str]:
        """Finish or drop what a killed publisher left; return the keys that were found.

        Only under the day's lock: what a living publisher has under way looks the same.
        """
        for slot in (day.main, day.former, day.previous):
            self.store.sweep(slot.directory)
        found = {info.key for info in self.store.list(f"{day.directory}/")}
        for slot in (day.main, day.former, day.previous):
            if slot.pending in found:
                self._finish(slot)
        if found.intersection(day.former.keys):
            self._retire(day)
        return found

    def _finish(self, slot: _Slot) -> None:
        """Decide over a pending manifest by the object's size and, if that fits, its sha256."""
        data = get(self.store, slot.pending)
        info = self.store.head(slot.object)
        promised = None
        with suppress(NotPublishedError):
            promised = Manifest.from_json(data)
        if (
            promised is not None
            and info is not None
            and info.size == promised.bytes
            and self._sha256(slot.object) == promised.sha256
        ):
            put(self.store, slot.manifest, data)
            self.log(f"{slot.object}: finished what a killed publisher had committed")
        else:
            self.log(f"{slot.object}: dropped what a killed publisher had not committed")
        self.store.delete(slot.pending)

    def _sha256(self, key: str) -> str:
        digest = hashlib.sha256()
        for chunk in self.store.read(key):
            digest.update(chunk)
        return digest.hexdigest()

    def _read(self, key: str) -> Manifest | None:
        """Read a manifest; None when there is none."""
        try:
            data = get(self.store, key)
        except NotPublishedError:
            return None
        try:
            return Manifest.from_json(data)
        except NotPublishedError as error:
            raise NotPublishedError(error.what, where=key, remedy=error.remedy) from error

    def _readable(self, slot: _Slot) -> Manifest | None:
        """Return a slot's manifest if its object is there with the right size; else None."""
        manifest = None
        with suppress(NotPublishedError):
            manifest = self._read(slot.manifest)
        info = self.store.head(slot.object)
        fits = manifest is not None and info is not None and info.size == manifest.bytes
        return manifest if fits else None

    def _verified(self, day: _Day) -> Manifest:
        manifest = self._read(day.main.manifest)
        if manifest is None:
            raise NotPublishedError(
                "the day is not published", where=day.main.object, remedy=_AGAIN
            )
        info = self.store.head(day.main.object)
        if info is None:
            raise NotPublishedError(
                "there is a manifest, but its object is missing",
                where=day.main.object,
                remedy=_AGAIN,
            )
        if info.size != manifest.bytes:
            raise NotPublishedError(
                f"the object has {info.size} bytes, its manifest says {manifest.bytes}",
                where=day.main.object,
                remedy=f"{_AGAIN}; something else has written to this place",
            )
        return manifest
