"""Whether the rest of a file may be asked for, and whether what came is that rest.

Belongs here: validators (ETag, Last-Modified), Content-Range, the rules by which a part fits. Does
not belong here: sending and reading (`http_transfer.py`, `http_ranges.py`).

The rules are those of RFC 9110, 8.8, 13.1.5 and 14: only a strong validator tells that two parts
are of the same bytes, so without one a transfer begins from zero.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from userprofile_assets.ingestion.http_errors import (
    SourceChangedError,
    check_status,
    parse_http_date,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

# Seconds by which an answer has to be younger than the file for its Last-Modified to be strong
# (RFC 9110, 8.8.2.2): a file that is written twice within a second has one time for two contents,
# and the clocks of a server's disks and of its front may differ.
_STRONG_AFTER_SECONDS = 60

_STRONG_ETAG = re.compile(r'"[\x21\x23-\x7e\x80-\xff]*"')
_CONTENT_RANGE = re.compile(r"bytes\s+(\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", re.IGNORECASE)

_RESTART = "the copy begins from zero by itself; if that goes on, look at what replaces the file"


class RangesRefusedError(SourceChangedError):
    """The file is the same, but this server does not give parts of it."""


@dataclass(frozen=True, kw_only=True)
class Whole:
    """What the first answer said about the whole file.

    Attributes:
        length: Bytes; None when the server does not say.
        etag: Strong ETag, with its quotes; None when there is none or a weak one.
        modified: Last-Modified, where it is the only validator and a strong one.
        coding: Content-Encoding.
        refuses_ranges: Whether the server says that it gives no parts.
        offers_ranges: Whether it says that it does.
    """

    length: int | None
    etag: str | None
    modified: str | None
    coding: str
    refuses_ranges: bool
    offers_ranges: bool

    @property
    def validator(self) -> str | None:
        """What If-Range takes; None: the rest cannot be asked for."""
        return None if self.refuses_ranges else self.etag or self.modified

    def range_headers(self, start: int, end: int | None = None) -> dict[str, str]:
        """Return the headers that ask for the bytes from `start` on, before `end`."""
        last = "" if end is None else str(end - 1)
        return {"Range": f"bytes={start}-{last}", "If-Range": self.validator or ""}


def describe_whole(headers: Mapping[str, str]) -> Whole:
    """Read what a 200 answer says."""
    length = headers.get("content-length", "")
    ranges = {word.strip().lower() for word in headers.get("accept-ranges", "").split(",")}
    return Whole(
        length=int(length) if length.isascii() and length.isdigit() else None,
        etag=strong_etag(headers.get("etag")),
        modified=None if "etag" in headers else _strong_modified(headers),
        coding=headers.get("content-encoding", ""),
        refuses_ranges="none" in ranges,
        offers_ranges="bytes" in ranges,
    )


def strong_etag(value: str | None) -> str | None:
    """Return an ETag if it is a strong one: `W/"..."` promises no more than the same meaning."""
    text = (value or "").strip()
    return text if _STRONG_ETAG.fullmatch(text) else None


def check_part(
    response: httpx.Response, whole: Whole, *, name: str, start: int, end: int | None = None
) -> int | None:
    """Check that an answer is a part of the same file, from the offset that was asked for.

    Args:
        response: The answer to a request with `whole.range_headers(start, end)`.
        whole: What the first answer said.
        name: The URL without secrets.
        start: First byte that was asked for.
        end: Byte before which it ends; None: the end of the file.

    Returns:
        Bytes of the whole file; None when the server does not say.

    Raises:
        SourceChangedError: It is another file, or not this part of it.
        RangesRefusedError: It is the same file, but whole.
        SourceBusyError: 408, 425, 429, 5xx.
        PermanentError: Any other status that is an error.
    """
    status, headers = response.status_code, response.headers
    if status in {412, 416}:
        raise SourceChangedError(
            f"the server answered {status} when asked for the bytes from {start:,} on",
            where=name,
            remedy=_RESTART,
        )
    check_status(response, name=name, whole=False)
    etag = headers.get("etag")
    if status != 206:
        same = whole.etag is not None and etag == whole.etag
        raise (RangesRefusedError if same else SourceChangedError)(
            f"the server answered {status} with the whole file when asked for the bytes from "
            f"{start:,} on; " + ("it gives no parts" if same else "the file is another one by now"),
            where=name,
            remedy=_RESTART,
        )
    # A 206 has to repeat the ETag (RFC 9110, 15.3.7). One that does not may be of any file.
    changed = etag != whole.etag if whole.etag else etag is not None
    modified = headers.get("last-modified")
    if whole.modified and modified is not None and modified != whole.modified:
        changed = True
    if changed or headers.get("content-encoding", "") != whole.coding:
        raise SourceChangedError(
            f"the part from byte {start:,} on is of another version of the file "
            f"(it was {whole.etag or whole.modified}, now it is {etag or modified})",
            where=name,
            remedy=_RESTART,
        )
    match = _CONTENT_RANGE.fullmatch(headers.get("content-range", "").strip())
    first, last, total = _range(match)
    wrong_total = total is not None and whole.length is not None and total != whole.length
    too_far = last is not None and end is not None and last >= end
    if first != start or wrong_total or too_far:
        raise SourceChangedError(
            f"asked for the bytes from {start:,} on of {whole.length}, the server sent "
            f"{headers.get('content-range', 'no Content-Range')!r}",
            where=name,
            remedy=_RESTART,
        )
    return total


def _range(match: re.Match[str] | None) -> tuple[int | None, int | None, int | None]:
    if match is None:
        return None, None, None
    total = None if match[3] == "*" else int(match[3])
    return int(match[1]), int(match[2]), total


def _strong_modified(headers: Mapping[str, str]) -> str | None:
    text = headers.get("last-modified", "")
    modified, date = parse_http_date(text), parse_http_date(headers.get("date", ""))
    if modified is None or date is None:
        return None
    return text if (date - modified).total_seconds() >= _STRONG_AFTER_SECONDS else None
