"""Where a log comes from: an HTTP server or a local file, as counted and hashed bytes.

Belongs here: opening a URL, the facts about what was read. Does not belong here: HTTP itself
(`http_source.py`), decompressing and recoding (`decode.py`).
"""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal
from urllib.parse import unquote, urlsplit

from userprofile_assets.errors import SourceError, SourceMissingError, SourceUnavailableError
from userprofile_assets.ingestion.digests import Hashes
from userprofile_assets.ingestion.http_options import DEADLINE_SETTING, HttpOptions
from userprofile_assets.ingestion.http_source import open_http
from userprofile_assets.ingestion.retry import Deadline
from userprofile_assets.redaction import redact_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_READ_BYTES = 1024 * 1024


@dataclass(kw_only=True)
class LogSource:
    """An open source. Its bytes are read once, with `chunks()`; the facts are whole after that."""

    name: str
    """The URL without secrets."""

    kind: Literal["http", "file"]

    length: int | None
    """Bytes that the source says it has; None when it does not say."""

    is_compressed: bool = False
    """Whether an HTTP server compressed the body on its own account."""

    described: dict[str, Any] = field(default_factory=dict)
    body: Iterator[bytes]

    digests: Hashes = field(default_factory=lambda: Hashes(()), repr=False)
    """Digests that the source promises."""

    hashed: bool = True
    """False: whoever stores the same bytes computes their SHA-256, and gives it to `facts`."""

    _sha256: Any = field(default_factory=hashlib.sha256, repr=False)
    _bytes: int = 0

    def chunks(self) -> Iterator[bytes]:
        """Give out the bytes as they come from the source, neither decompressed nor decoded.

        Raises:
            SourceUnavailableError: The transfer broke off, or the number of bytes is not the
                number that the source had promised.
        """
        for chunk in self.body:
            self._bytes += len(chunk)
            if self.hashed:
                self._sha256.update(chunk)
            self.digests.update(chunk)
            yield chunk
        if self.length is not None and self._bytes != self.length:
            raise SourceUnavailableError(
                f"{self._bytes:,} bytes came, {self.length:,} had been promised",
                where=self.name,
                remedy="wait until the log is complete; the copy begins from zero",
            )

    def facts(
        self, *, sha256: str | None = None, expected_sha256: str | None = None
    ) -> dict[str, Any]:
        """Return what the manifest keeps: kind, name, bytes, sha256, and what the source said.

        Args:
            sha256: Hex digest of all bytes, when the source does not compute it itself.
            expected_sha256: Hex digest that they have to have; None: any.

        Raises:
            DigestError: The bytes are not those that the source or the operator promised.
        """
        found = sha256 or self._sha256.hexdigest()
        self.digests.check(sha256=found, where=self.name, expected=expected_sha256)
        return {
            "kind": self.kind,
            "name": self.name,
            "bytes": self._bytes,
            "sha256": found,
            **self.described,
        }


def _no_log(message: str) -> None:
    """Say nothing."""


@contextmanager
def open_log(
    url: str,
    *,
    http: HttpOptions | None = None,
    deadline: Deadline | None = None,
    log: Callable[[str], None] = _no_log,
    unless: str | None = None,
    hashed: bool = True,
) -> Iterator[LogSource]:
    """Open an `http://`, `https://` or `file://` URL for one pass over its bytes.

    Args:
        url: May hold credentials; no error and no fact shows them.
        http: How an HTTP server is asked; None: as it stands in HttpOptions.
        deadline: When all of it has to be done; None: `http.deadline_seconds` from now on.
        log: Gets a sentence when a transfer goes on after a cut.
        unless: Strong ETag of bytes that need not be sent again.
        hashed: Whether the source computes the SHA-256 of its bytes.

    Raises:
        NotModifiedError: The bytes are still those of the ETag `unless`.
        SourceMissingError: There is nothing at this URL.
        SourceError: There is something, but it cannot be read.
        SourceUnavailableError: It may be readable later.
    """
    name = redact_url(url)
    try:
        scheme = urlsplit(url).scheme
    except ValueError:
        scheme = ""
    if scheme in {"http", "https"}:
        http = http or HttpOptions()
        deadline = deadline or Deadline(http.deadline_seconds, setting=DEADLINE_SETTING)
        with open_http(
            url, name=name, options=http, deadline=deadline, log=log, unless=unless
        ) as answer:
            yield LogSource(
                name=name,
                kind="http",
                length=answer.length,
                is_compressed=answer.is_compressed,
                described=answer.facts,
                body=answer.chunks,
                digests=Hashes(answer.promises),
                hashed=hashed,
            )
    elif scheme == "file":
        with _open_file(file_path(url)) as file:
            status = os.fstat(file.fileno())
            modified = datetime.fromtimestamp(status.st_mtime, UTC)
            yield LogSource(
                name=name,
                kind="file",
                length=status.st_size,
                described={"last_modified": modified.isoformat(timespec="seconds")},
                body=_read(file, name=name),
                hashed=hashed,
            )
    else:
        raise SourceError(
            "a log is read from http://, https:// or file://",
            where=name,
            remedy="correct USERPROFILE_LOG_URL",
        )


def file_path(url: str) -> Path:
    """Return the path that a `file://` URL names.

    Raises:
        SourceError: It names another host, or holds what no path can hold.
    """
    parts = urlsplit(url)
    path = unquote(parts.path)
    if parts.netloc not in {"", "localhost"}:
        problem = f"a file of the host {parts.hostname!r} cannot be read here"
    elif parts.query or parts.fragment:
        problem = "a file URL has neither query nor fragment"
    elif "\0" in path:
        problem = "a path cannot hold a NUL"
    else:
        return Path(path)
    raise SourceError(
        problem,
        where=redact_url(url),
        remedy="write file:///directory/name, with ? as %3F and # as %23",
    )


@contextmanager
def _open_file(path: Path) -> Iterator[BinaryIO]:
    try:
        # A named pipe without a writer would hold a plain open() forever.
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise SourceMissingError(
            "there is no such file",
            where=str(path),
            remedy="check USERPROFILE_LOG_URL, and whether that day's log has been written",
        ) from error
    except OSError as error:
        raise SourceError(
            f"the file cannot be opened ({error.strerror})",
            where=str(path),
            remedy="let this user read the file",
        ) from error
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise SourceError(
                "this is a directory or a device, not a file",
                where=str(path),
                remedy="set USERPROFILE_LOG_URL to the file itself",
            )
        with open(fd, "rb", buffering=0, closefd=False) as file:
            yield file
    finally:
        os.close(fd)


def _read(file: BinaryIO, *, name: str) -> Iterator[bytes]:
    try:
        while chunk := file.read(_READ_BYTES):
            yield chunk
    except OSError as error:
        raise SourceUnavailableError(
            f"the file could not be read to its end ({error.strerror})",
            where=name,
            remedy="check the disk or the network mount",
        ) from error
