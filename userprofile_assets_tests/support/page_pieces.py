"""A page that comes piece by piece, as from a slow server, and is painted after each of them.

Belongs here: cutting a page's text, and a server that sends it so. Does not belong here: what has
to hold of the page then (`page_checks.py`).
"""

from __future__ import annotations

import re
from queue import Queue
from typing import TYPE_CHECKING

from userprofile_assets_tests.support.page_checks import let_paint
from userprofile_assets_tests.support.web import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

    from userprofile_assets_tests.support.api_server import ApiServer
    from userprofile_assets_tests.support.web import Web

_SCRIPTS = re.compile(
    r'<(script|noscript)\b.*?</\1>|<link rel="(?:modulepreload|prefetch)"[^>]*>', re.DOTALL
)
_OWN = re.compile(r'(?:href|src)="(static/[^"]*)"')
_CUTS = re.compile(r"(?=<(?:fieldset|label|section|div|nav|footer)\b)")
# Nothing before it is painted, so no paint can be waited for.
_FIRST_SEEN = "<nav"
_IS_READ = "count => document.getElementsByTagName('*').length >= count"


def read_in_pieces(page: Page, web: Web, server: ApiServer, path: str) -> None:
    """Let a page be painted after each element that holds others, without its scripts.

    A browser that does not wait for them with `blocking="render"` paints what it has read so far.

    Args:
        page: Where to show it.
        web: Sends it.
        server: Has it, with its style sheets.
        path: Which page.
    """
    text = _SCRIPTS.sub("", server.get(path).text)
    for name in set(_OWN.findall(text)):
        found = server.get(f"/{name}")
        kind = {"Content-Type": found.headers["Content-Type"]}
        web.script(f"/{name}", Answer(body=found.content, headers=kind))
    pieces = _CUTS.split(text)
    asked: Queue[bool] = Queue()

    def body() -> Iterator[bytes]:
        for piece in pieces:
            yield piece.encode()
            asked.get(timeout=60)

    page.goto(
        web.script("/", Answer(body=body, headers={"Content-Type": "text/html"})),
        wait_until="commit",
    )
    elements, seen = 0, False
    for piece in pieces:
        elements += len(re.findall("<[a-z]", piece))
        seen = seen or _FIRST_SEEN in piece
        if seen:
            page.wait_for_function(_IS_READ, arg=elements, polling=10)
            let_paint(page)
        asked.put(True)
    page.wait_for_load_state()
