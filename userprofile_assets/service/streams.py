"""A whole list as CSV or NDJSON, read page by page while it is sent.

Belongs here: the two formats, and what happens when a day changes or the caller goes in the middle.
Does not belong here: the list (`serving/read_users.py`).

Each page is read in a transaction of its own that looks at the version of the day first. So a slow
caller holds no transaction open, and a day that is published anew ends the stream: the connection
is closed before the answer is complete, which every HTTP client tells from a whole one.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

ROWS = 2_000
"""Rows of one page: about 150 KB, and 10 ms of work."""

CSV, NDJSON = "text/csv; charset=utf-8; header=present", "application/x-ndjson"

# What a spreadsheet may take for a formula, and the mark itself, so that it can be taken off again.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")
_QUOTED = re.compile(r'[",\r\n]|^\s|\s$|^$')

Piece = tuple[bytes, Callable[[], Awaitable["Piece | None"]] | None]
"""Bytes, and what reads the next piece: None at the end. It returns None if the day has changed."""


class PieceResponse(Response):
    """Sends piece after piece, no faster than the caller takes them.

    Args:
        first: The first piece; errors of reading it are still answers of their own.
        headers: Headers of the answer.
        media_type: CSV or NDJSON.
        cut: Told why the answer was not completed.
    """

    def __init__(
        self, first: Piece, headers: dict[str, str], media_type: str, cut: Callable[[str], None]
    ) -> None:
        super().__init__(headers=headers, media_type=media_type)
        del self.headers["content-length"]
        self._first = first
        self._cut = cut

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer."""
        del scope
        gone = asyncio.ensure_future(_gone(receive))
        try:
            await send(
                {
                    "type": "http.response.start",
                    "status": self.status_code,
                    "headers": self.raw_headers,
                }
            )
            await self._send_pieces(send, gone)
        finally:
            gone.cancel()

    async def _send_pieces(self, send: Send, gone: asyncio.Future[None]) -> None:
        piece: Piece | None = self._first
        while piece is not None:
            body, following = piece
            more = following is not None
            await send({"type": "http.response.body", "body": body, "more_body": more})
            if following is None:
                return
            if gone.done():
                return
            piece = await following()
        self._cut("a day was published anew while it was streamed; the stream was cut")


def csv_line(values: Sequence[Any]) -> str:
    """Return a line of CSV (RFC 4180).

    A text that a spreadsheet may take for a formula gets an apostrophe in front, for a log's texts
    are what strangers have sent; one that begins with an apostrophe gets another, so a reader who
    takes one off has the text. Nothing between commas is null, `""` an empty text.
    """
    return ",".join(map(_cell, values)) + "\r\n"


def csv_lines(rows: Sequence[Sequence[Any]]) -> bytes:
    """Return rows as lines of CSV."""
    return "".join(map(csv_line, rows)).encode()


def ndjson_lines(rows: Sequence[Sequence[Any]], fields: Sequence[str]) -> bytes:
    """Return rows as lines of JSON objects."""
    return b"".join(
        orjson.dumps(dict(zip(fields, row, strict=True)), option=orjson.OPT_APPEND_NEWLINE)
        for row in rows
    )


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return str(value)
    text: str = f"'{value}" if value.startswith(_FORMULA) else value
    return '"' + text.replace('"', '""') + '"' if _QUOTED.search(text) else text


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
