"""Object storage in a directory: `file:///path`.

Belongs here: paths, atomic replacement, fsync, and what an OSError means. Does not belong here:
manifests and the order of writes (`publish.py`).

An object is written as `_tmp.<random>` in its own directory (a rename within one file system is
atomic, and Spark does not read names that begin with `_`), brought to the disk with fsync, then
renamed. Where a commit is interrupted by a power cut, the directory holds the former object or the
new one.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import unquote, urlsplit

from userprofile_assets.errors import (
    NotPublishedError,
    StorageError,
    StorageFullError,
    StorageUnavailableError,
    UserProfileError,
)
from userprofile_assets.ingestion.store import READ_BYTES, ObjectInfo, check_prefix
from userprofile_assets.object_keys import check_key
from userprofile_assets.redaction import redact_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_TEMPORARY = "_tmp."
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_REFUSED = {
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOTDIR,
    errno.EEXIST,
    errno.EISDIR,
    errno.ENOENT,
}
# What a network file system answers while its server is away.
_AWAY = {errno.ETIMEDOUT, errno.ESTALE, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENOTCONN}


class LocalUpload:
    """An object on its way to a directory. See `store.Upload`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._temporary = path.with_name(f"{_TEMPORARY}{secrets.token_hex(8)}")
        self._file: BinaryIO | None = None

    def open(self) -> None:
        """Make the directory and the temporary file."""
        _make_directory(self._path.parent)
        # Not tempfile: its files are readable by their owner only, and Spark may run as another.
        self._file = self._temporary.open("xb")

    def write(self, data: bytes) -> None:
        """Append bytes."""
        if self._file is None:
            raise ValueError("write after stage")
        with _explained("writing an object", self._path):
            self._file.write(data)

    def take(self, source: Path) -> None:
        """Append the bytes of another file."""
        if self._file is None:
            raise ValueError("take after stage")
        with _explained("copying an object", self._path), source.open("rb") as file:
            shutil.copyfileobj(file, self._file, READ_BYTES)

    def stage(self) -> None:
        """Bring every byte to the disk, under the temporary name."""
        if self._file is None:
            return
        with _explained("writing an object", self._path), self._file:
            self._file.flush()
            os.fsync(self._file.fileno())
        self._file = None

    def commit(self) -> None:
        """Give the file its name, in place of a former one."""
        self.stage()
        with _explained("replacing an object", self._path):
            self._temporary.replace(self._path)
            _sync_directory(self._path.parent)

    def discard(self) -> None:
        """Remove the temporary file, if it still has that name."""
        if self._file is not None:
            # Closing writes out what is buffered, which a full disk refuses once more.
            with suppress(OSError):
                self._file.close()
            self._file = None
        with suppress(OSError):
            self._temporary.unlink(missing_ok=True)


class LocalStore:
    """Objects as files under one directory. See `store.ObjectStore`."""

    def __init__(self, uri: str) -> None:
        """Check the URI; nothing is made or opened yet.

        Args:
            uri: `file:///path`, percent-encoded where the path has a space, `%`, `?` or `#`.

        Raises:
            StorageError: The URI is not of that form.
        """
        parts = urlsplit(uri)
        path = unquote(parts.path)
        remote = parts.netloc not in {"", "localhost"}
        if remote or parts.query or parts.fragment or not path.startswith("/") or "\0" in path:
            raise StorageError(
                "this is no file:///path",
                where=redact_url(uri),
                remedy="write an absolute path with three slashes; encode ? as %3F and # as %23",
            )
        with _explained("finding the storage directory", Path(path)):
            self._root = Path(path).resolve()

    @property
    def uri(self) -> str:
        """The directory as `file:///path`, links resolved, without a slash at the end."""
        return self._root.as_uri().rstrip("/")

    @contextmanager
    def upload(self, key: str) -> Iterator[LocalUpload]:
        """Start an object; it exists only after `commit()`."""
        upload = LocalUpload(self._path(key))
        try:
            with _explained("making an object", self._root / key):
                upload.open()
            yield upload
        finally:
            upload.discard()

    def read(self, key: str) -> Iterator[bytes]:
        """Yield an object's bytes in chunks of at most 1 MiB."""
        path = self._path(key)
        with _explained("reading an object", path, reading=True), path.open("rb") as file:
            while chunk := file.read(READ_BYTES):
                yield chunk

    def head(self, key: str) -> ObjectInfo | None:
        """Describe an object; None when it is missing or is a directory."""
        path = self._path(key)
        with _explained("looking at an object", path):
            try:
                status = path.stat()
            except FileNotFoundError:
                return None
        return _info(key, status) if stat.S_ISREG(status.st_mode) else None

    def leftovers(self, prefix: str) -> list[ObjectInfo]:
        """Describe temporary files, and directories with nothing in them; see `ObjectStore`."""
        return self._walk(
            prefix,
            lambda is_empty, files: ["."] if is_empty else [f for f in files if _is_temporary(f)],
        )

    def _walk(self, prefix: str, take: Callable[[bool, list[str]], list[str]]) -> list[ObjectInfo]:
        """Describe what `take` chooses of each directory: whether it is empty, and its files."""
        start = check_prefix(prefix).rpartition("/")[0]
        top = self._path(start) if start else self._root
        found = []
        with _explained("listing objects", top):
            for directory, below, files in os.walk(top, onerror=_raise_unless_missing):
                for name in take(not below and not files, files):
                    path = Path(directory, name)
                    key = path.relative_to(self._root).as_posix()
                    if not key.startswith(prefix):
                        continue
                    with suppress(FileNotFoundError):
                        found.append(_info(key, path.stat()))
        return sorted(found, key=lambda info: info.key)

    def list(self, prefix: str) -> list[ObjectInfo]:
        """Describe every object whose key begins with `prefix`, sorted by key.

        What is being written is no object yet, so temporary files are left out.
        """
        return self._walk(prefix, lambda _, files: [f for f in files if not _is_temporary(f)])

    def delete(self, key: str) -> None:
        """Delete an object, and its directory if that is empty then: storage has no directories.

        A key that is a directory is none of an object: it goes if there is nothing in it.
        """
        path = self._path(key)
        with _explained("deleting an object", path):
            if path.is_dir():
                with suppress(OSError):
                    path.rmdir()
                return
            path.unlink(missing_ok=True)
            if path.parent != self._root:
                with suppress(OSError):
                    path.parent.rmdir()

    def copy(self, source: str, target: str) -> None:
        """Copy an object. A real copy: two days never share bytes on the disk."""
        upload = LocalUpload(self._path(target))
        origin = self._path(source)
        try:
            with _explained("copying an object", origin, reading=True):
                size = origin.stat().st_size
            with _explained("copying an object", self._root / target):
                upload.open()
                upload.take(origin)
            upload.commit()
        finally:
            upload.discard()
        info = self.head(target)
        if info is None or info.size != size:
            raise StorageError(
                f"the copy has {info.size if info else 0} bytes instead of {size}",
                where=str(self._root / target),
                remedy="find out what else writes to this directory",
            )

    def sweep(self, directory: str) -> None:
        """Remove the temporary files of a directory; only under its lock."""
        path = self._path(directory) if directory else self._root
        with _explained("removing temporary files", path):
            if path.is_dir():
                for leftover in path.glob(f"{_TEMPORARY}*"):
                    leftover.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        """Return the path of a key, which a link must not lead out of the root."""
        path = self._root / check_key(key)
        with _explained("finding an object", path):
            try:
                inside = path.resolve().is_relative_to(self._root)
            except RuntimeError as error:  # a loop of links, before Python 3.13
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from error
        if not inside:
            raise StorageError(
                "a symbolic link leads out of the storage directory",
                where=str(path),
                remedy="remove the link, or make its target the storage directory",
            )
        return path


def _is_temporary(name: str) -> bool:
    return name.startswith(_TEMPORARY)


def _info(key: str, status: os.stat_result) -> ObjectInfo:
    modified = datetime.fromtimestamp(status.st_mtime, tz=UTC)
    size = 0 if stat.S_ISDIR(status.st_mode) else status.st_size
    return ObjectInfo(key=key, size=size, etag=None, modified=modified)


def _make_directory(path: Path) -> None:
    """Make a directory and those above it, so that a power cut does not take them back."""
    if path.is_dir():
        return
    _make_directory(path.parent)
    path.mkdir(exist_ok=True)
    _sync_directory(path.parent)


def _sync_directory(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _raise_unless_missing(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


@contextmanager
def _explained(attempt: str, path: Path, *, reading: bool = False) -> Iterator[None]:
    """Turn an OSError into an error of this project; `reading`: a missing file is the object."""
    try:
        yield
    except OSError as error:
        if reading and isinstance(error, FileNotFoundError):
            raise NotPublishedError(
                "there is no such object",
                where=str(path),
                remedy="materialize the day it belongs to",
            ) from error
        raise _explain(error, attempt, path) from error


def _explain(error: OSError, attempt: str, path: Path) -> UserProfileError:
    what = f"{attempt} failed: {error.strerror or error}"
    where = str(path)
    if error.errno in _FULL:
        return StorageFullError(
            what,
            where=where,
            remedy="free space (or raise the quota or file size limit) and run it again; "
            "the former object is unchanged",
        )
    if error.errno in _AWAY:
        return StorageUnavailableError(what, where=where, remedy="check the network file system")
    if error.errno in _REFUSED:
        return StorageError(
            what,
            where=where,
            remedy="make USERPROFILE_STORAGE_URI a directory that this user may write to",
        )
    return StorageError(what, where=where, remedy="check the disk and the path")
