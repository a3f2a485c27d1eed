"""A real Chromium, and pages that are watched: no request leaves this machine, no error is hidden.

Belongs here: the browser of the system, driven by Playwright. Does not belong here: what a page
shows (`e2e/test_dashboard.py`, `e2e/test_data_map_page.py`).
"""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from userprofile_assets_tests.support.missing import missing_part

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, ConsoleMessage, Page, Request

NAMES = ("chromium", "chromium-browser", "google-chrome")

PHONE: dict[str, Any] = {
    "viewport": {"width": 360, "height": 740},
    "has_touch": True,
    "is_mobile": True,
}


@dataclass
class Watched:
    """What went wrong on a page, and what it asked for.

    Attributes:
        page: The page.
        errors: Errors of scripts and of the console.
        strangers: Addresses of other machines that it wanted; they were not reached.
        expected: Parts of errors of the console that a test brings about itself.
    """

    page: Page
    errors: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    expected: tuple[str, ...] = ()

    def note(self, message: ConsoleMessage) -> None:
        """Keep an error or a warning of the console."""
        known = any(part in message.text for part in self.expected)
        if message.type in {"error", "warning", "trace"} and not known:
            self.errors.append(message.text)

    def guard(self, request: Request) -> None:
        """Keep the address of a request that would leave this machine."""
        address = urlsplit(request.url)
        if address.scheme not in {"data", "blob"} and address.hostname != "127.0.0.1":
            self.strangers.append(request.url)


@contextmanager
def browser_of_the_system() -> Iterator[Browser]:
    """Start the system's Chromium; its driver ends with it."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        missing_part("chromium", "apt-get install chromium")
    from playwright.sync_api import sync_playwright

    # Chromium's sandbox does not take root; a container of CI is one.
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    # Not by asking Python for each request: that took 0.3 s of CPU for each page.
    options.append("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=options)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def watched_page(
    browser: Browser, *, expected: tuple[str, ...] = (), **options: Any
) -> Iterator[Page]:
    """Open a page in a profile of its own; fail at its end if something went wrong on it.

    Args:
        browser: The browser.
        expected: Parts of errors of the console that the test brings about.
        options: As `browser.new_context` takes them: viewport, color_scheme, ...
    """
    settings = {"viewport": {"width": 1360, "height": 900}, "locale": "en-GB", "timezone_id": "UTC"}
    context = browser.new_context(**(settings | options))
    try:
        page = context.new_page()
        page.set_default_timeout(120_000)
        watched = Watched(page, expected=expected)
        page.on("console", watched.note)
        page.on("pageerror", lambda error: watched.errors.append(str(error)))
        context.on("request", watched.guard)
        yield page
        assert watched.errors == []
        assert watched.strangers == []
    finally:
        context.close()


# By module: while Playwright's driver runs, other tests of this process could start no event loop.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium."""
    with browser_of_the_system() as started:
        yield started


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A watched page of a desktop."""
    with watched_page(browser) as opened:
        yield opened
