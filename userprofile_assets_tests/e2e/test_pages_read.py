"""Both pages in a real Chromium that paints them while they are still coming."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from userprofile_assets_tests.support.api_server import ApiServer, api_server
from userprofile_assets_tests.support.browser import PHONE, watched_page
from userprofile_assets_tests.support.page_checks import moved
from userprofile_assets_tests.support.page_pieces import read_in_pieces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    with api_server(tmp_path_factory.mktemp("pages") / "home") as running:
        yield running


@pytest.mark.parametrize("path", ["/", "/catalog"])
@pytest.mark.parametrize("options", [{}, PHONE], ids=["desktop", "phone"])
def test_nothing_moves_while_a_page_is_read(browser: Browser, served, web, options, path):
    with watched_page(browser, **options) as page:
        read_in_pieces(page, web, served, path)
        assert page.get_by_role("main").is_visible()
        assert moved(page) == []
