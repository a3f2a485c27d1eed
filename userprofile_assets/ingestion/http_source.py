"""A log on an HTTP server: the first answer, and what it says about the file.

Belongs here: opening a URL, asking whether the file is still the same. Does not belong here:
sending (`http_session.py`), the body (`http_transfer.py`), counting and hashing (`log_source.py`).
"""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from userprofile_assets.ingestion.digests import Promise, promised_digests
from userprofile_assets.ingestion.http_errors import check_status
from userprofile_assets.ingestion.http_parts import describe_whole
from userprofile_assets.ingestion.http_session import HttpSession
from userprofile_assets.ingestion.http_transfer import Transfer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

    from userprofile_assets.ingestion.http_options import HttpOptions
    from userprofile_assets.ingestion.retry import Deadline

# Codings by which a server hands over other bytes than the file's own.
_COMPRESSING = {"gzip", "x-gzip", "deflate", "compress", "x-compress", "br", "zstd"}


class NotModifiedError(Exception):
    """The file still has the ETag that it had; nothing was sent. Never leaves a copy."""


@dataclass(frozen=True, kw_only=True)
class HttpAnswer:
    """A successful answer whose body is still to be read."""

    length: int | None
    """Content-Length; None when the server does not say how long the body is."""

    facts: dict[str, Any]
    """etag, last_modified, content_type, content_encoding: each only when the server says so."""

    promises: tuple[Promise, ...]
    """Digests that the server promises."""

    chunks: Iterator[bytes]
    """The body as it was sent; content codings are not undone."""

    @property
    def is_compressed(self) -> bool:
        """Whether the server compressed the body although identity was asked for."""
        codings = str(self.facts.get("content_encoding", "")).lower().split(",")
        return any(coding.strip() in _COMPRESSING for coding in codings)


@contextmanager
def open_http(
    url: str,
    *,
    name: str,
    options: HttpOptions,
    deadline: Deadline,
    log: Callable[[str], None],
    unless: str | None = None,
) -> Iterator[HttpAnswer]:
    """Ask for `url` and give the answer, whose body is read while the context is open.

    Args:
        url: `http://` or `https://`. Its user and password are sent as Basic credentials.
        name: The URL without secrets, for errors.
        options: How to ask.
        deadline: For the answer and its body, with everything that is tried again.
        log: Gets a sentence when the body goes on after a cut, or in ranges.
        unless: Strong ETag of the bytes that are there already.

    Raises:
        NotModifiedError: The file still has the ETag `unless`.
        SettingsError: The options cannot work.
        SourceMissingError: 404 or 410.
        SourceError: Another answer that will not change by itself, a redirect that is refused, a
            certificate that does not verify.
        SourceUnavailableError: 408, 425, 429, 5xx, no connection, or the body broke off.
    """
    condition = {} if unless is None else {"If-None-Match": unless}
    with (
        HttpSession(url, name=name, options=options, deadline=deadline) as session,
        closing(session.send(condition)) as response,
    ):
        if unless is not None and response.status_code == 304:
            raise NotModifiedError
        check_status(response, name=name)
        whole = describe_whole(response.headers)
        chunks = Transfer(session, response, whole=whole, log=log).chunks()
        with closing(chunks):
            yield HttpAnswer(
                length=whole.length,
                facts=_facts(response),
                promises=promised_digests(response.headers),
                chunks=chunks,
            )


def _facts(response: httpx.Response) -> dict[str, Any]:
    headers = ("etag", "last-modified", "content-type", "content-encoding")
    return {
        header.replace("-", "_"): response.headers[header]
        for header in headers
        if header in response.headers
    }
