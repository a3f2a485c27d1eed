"""Requests of a page that wait for the test to let them go on.

Belongs here: holding them, a page whose scripts are held. Does not belong here: other answers than
the server's (the tests), measuring a page (`page_checks.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from userprofile_assets_tests.support.page_checks import let_paint

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

_BLOCKING = ' blocking="render"'
# Not in the middle of the page: what follows would move what is there.
_WHEN_READ = '<link rel="expect" href="#main" blocking="render"></head>'


class HeldRequests:
    """The requests of a page to some address.

    Args:
        page: The page.
        address: Which ones, as `page.route` takes it.
        times: How many are held at most; None: all.
    """

    def __init__(self, page: Page, address: str, *, times: int | None = None) -> None:
        self._page = page
        self._held: list[Route] = []
        self._holds = True
        page.route(address, self._hold, times=times)

    def _hold(self, route: Route) -> None:
        if self._holds:
            self._held.append(route)
        else:
            route.continue_()

    def take(self, *, last: bool = True) -> Route:
        """Return the last or the first one that is held; wait for it if there is none yet.

        A page may have been painted before the test is told what it asked for.
        """
        while not self._held:
            let_paint(self._page)
        return self._held.pop(-1 if last else 0)

    def let_all_go(self) -> None:
        """Let those go on that are held, and those that come."""
        self._holds = False
        while self._held:
            self._held.pop().continue_()


def open_before_scripts(page: Page, address: str, script: str) -> HeldRequests:
    """Show a page as it is painted before its script is there; take that one to let it come."""
    _without_blocking(page, address)
    scripts = HeldRequests(page, script)
    page.goto(address, wait_until="commit")
    let_paint(page)
    return scripts


def _without_blocking(page: Page, address: str) -> None:
    """Give the page at an address as to a browser that paints before the scripts are there."""

    def strip(route: Route) -> None:
        answer = route.fetch()
        text = answer.text()
        assert text.count(_BLOCKING) == 1
        body = text.replace(_BLOCKING, "").replace("</head>", _WHEN_READ)
        route.fulfill(response=answer, body=body)

    page.route(address, strip)
