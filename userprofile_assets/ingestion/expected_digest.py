"""The SHA-256 that an operator expects of a log: digits, or a file beside the log that holds them.

Belongs here: finding out what is expected. Does not belong here: comparing (`digests.py`).
"""

from __future__ import annotations

from dataclasses import replace
from posixpath import basename
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit, urlunsplit

from userprofile_assets.errors import SettingsError, SourceError, SourceMissingError
from userprofile_assets.ingestion.digests import is_sha256, sha256_in
from userprofile_assets.ingestion.http_options import HttpOptions, origin_of
from userprofile_assets.ingestion.log_source import open_log
from userprofile_assets.redaction import redact_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from userprofile_assets.ingestion.retry import Deadline

_SETTING = "USERPROFILE_LOG_SHA256"
_MOST_BYTES = 1024 * 1024


def expected_sha256(
    url: str, *, http: HttpOptions, deadline: Deadline, log: Callable[[str], None]
) -> str | None:
    """Return the 64 hex digits that the bytes at `url` have to have; None: nothing is expected.

    Args:
        url: The log.
        http: Its `sha256` holds the digits, or the URL of a file with them, which is asked for in
            the same way: with the same credentials and headers if it lies on the same server.
            A user of its own stands before the log's credentials.
        deadline: For the answer.
        log: Gets a sentence when the transfer goes on after a cut.

    Raises:
        SettingsError: `sha256` is neither.
        SourceMissingError: There is no such file.
        SourceError: The file cannot be had, or holds no SHA-256.
        SourceUnavailableError: It could not be read this time.
    """
    given = http.sha256
    if not given:
        return None
    if is_sha256(given):
        return given.lower()
    if "://" not in given:
        raise SettingsError(
            "this is neither 64 hex digits nor a URL",
            where=_SETTING,
            remedy="write the digest, or the URL of the file that holds it",
        )
    text = b""
    asked, options = _request_for(given, url, http)
    try:
        with open_log(asked, http=options, deadline=deadline, log=log) as file:
            for chunk in file.chunks():
                text += chunk
                if len(text) > _MOST_BYTES:
                    break
    except (SourceError, SourceMissingError) as error:
        remedy = f"check {_SETTING}, which names this file"
        if isinstance(error, SourceError):
            remedy += f"; credentials of the log go to its own server only; {error.remedy}"
        raise type(error)(error.what, where=error.where, remedy=remedy) from error
    name = basename(unquote(urlsplit(url).path))
    found = sha256_in(text[:_MOST_BYTES].decode("utf-8", "replace"), file=name)
    if found is None:
        raise SourceError(
            "the file holds no SHA-256 (64 hex digits)",
            where=redact_url(given),
            remedy=f"let {_SETTING} name a file as `sha256sum` writes it",
        )
    return found


def _request_for(file: str, url: str, http: HttpOptions) -> tuple[str, HttpOptions]:
    """Return the URL by which the file is asked for, and how; credentials stay on one server."""
    options = replace(http, method="GET", parameters="", sha256=None)
    try:
        own, log = urlsplit(file), urlsplit(url)
        same = {own.scheme, log.scheme} <= {"http", "https"} and origin_of(file) == origin_of(url)
    except ValueError:
        same = False  # what is wrong with it is told when it is asked for
    if not same:
        return file, replace(options, headers={}, token=None)
    if own.username is not None:
        headers = {k: v for k, v in http.headers.items() if k.lower() != "authorization"}
        return file, replace(options, headers=headers, token=None)
    if log.username is not None:
        user = log.netloc.rpartition("@")[0]
        return urlunsplit(own._replace(netloc=f"{user}@{own.netloc}")), options
    return file, options
