"""The one file inside a zip archive, as a stream.

Belongs here: everything about zip. A zip's directory stands at its end, so the archive is written
to an unlinked temporary file first. Does not belong here: the caps on the output (`decode.py`).
"""

from __future__ import annotations

import errno
import io
import struct
import tempfile
import zipfile
import zlib
from typing import IO, TYPE_CHECKING

from userprofile_assets.errors import SourceError, StorageError, StorageFullError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# zipfile reads the directory at once and makes an object of each entry. One file needs about 100
# bytes of directory; 4 MiB would be some 40,000 entries.
_MOST_BYTES_AT_ONCE = 4 * 1024**2
_NAMES_SHOWN = 10

# What zipfile and zlib raise when an archive is broken. NotImplementedError: a format it does not
# know; RuntimeError: a password is needed; ValueError covers names that do not decode.
_BROKEN = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    EOFError,
    ValueError,
    struct.error,
    zlib.error,
)


def unzip(chunks: Iterable[bytes], *, where: str, piece_bytes: int) -> Iterator[bytes]:
    """Give out the single file of an archive.

    Args:
        chunks: The archive's bytes; all of them are read before the first byte comes out.
        where: Name of the source for errors, without secrets.
        piece_bytes: Most bytes of one piece that is given out.

    Raises:
        SourceError: It is no zip, is broken or encrypted, uses a method other than stored or
            deflated, or holds not exactly one file.
        StorageFullError: The temporary directory has no room for the archive.
    """
    with tempfile.TemporaryFile() as spool:
        _fill(spool, chunks)
        try:
            with (
                zipfile.ZipFile(_BoundedReads(spool)) as archive,
                archive.open(_only_file(archive, where=where)) as member,
            ):
                while piece := member.read(piece_bytes):
                    yield piece
        except _BROKEN as error:
            raise SourceError(
                f"the zip archive cannot be read ({error or type(error).__name__})",
                where=where,
                remedy="check that the file is a zip, and make it anew where it comes from",
            ) from error


def _fill(spool: IO[bytes], chunks: Iterable[bytes]) -> None:
    for chunk in chunks:
        try:
            spool.write(chunk)
        except OSError as error:
            raise _no_room(error) from error
    try:
        spool.flush()
    except OSError as error:
        raise _no_room(error) from error


def _no_room(error: OSError) -> StorageError:
    full = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
    return (StorageFullError if full else StorageError)(
        f"the zip archive cannot be kept in a temporary file ({error.strerror})",
        where=tempfile.gettempdir(),
        remedy="set TMPDIR to a directory with room for the whole archive",
    )


def _only_file(archive: zipfile.ZipFile, *, where: str) -> zipfile.ZipInfo:
    files = [info for info in archive.infolist() if not info.is_dir()]
    if len(files) != 1:
        names = ", ".join(repr(info.filename) for info in files[:_NAMES_SHOWN])
        more = ", ..." if len(files) > _NAMES_SHOWN else ""
        raise SourceError(
            f"the zip archive holds {len(files)} files, not one: {names}{more}"
            if files
            else "the zip archive holds no file",
            where=where,
            remedy="put exactly one file, the log, into the archive",
        )
    only = files[0]
    if only.flag_bits & 0x1:
        raise SourceError(
            f"{only.filename!r} in the zip archive is encrypted",
            where=where,
            remedy="make the archive without a password",
        )
    # For the other methods zipfile decompresses a whole read at once, without any limit.
    if only.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise SourceError(
            f"{only.filename!r} in the zip archive is compressed by method {only.compress_type}",
            where=where,
            remedy="make the archive with the method `deflate`, which is zip's default",
        )
    return only


class _BoundedReads:
    """A file that refuses to read much at once, so that a huge directory cannot fill memory."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        # zipfile asks for "the rest" only of the archive's end, 22 bytes or little more.
        if size < 0:
            return self._file.read(_MOST_BYTES_AT_ONCE)
        if size > _MOST_BYTES_AT_ONCE:
            raise zipfile.BadZipFile(f"{size:,} bytes of directory are too many for one file")
        return self._file.read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True
