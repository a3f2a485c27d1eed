"""The data map page in a real Chromium, on a real server with the project's own catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from userprofile_assets.records.database import open_records
from userprofile_assets.records.partitions import PartitionRecord, record_partitions
from userprofile_assets_tests.support.api_server import ApiServer, api_server
from userprofile_assets_tests.support.browser import PHONE, watched_page
from userprofile_assets_tests.support.held_requests import HeldRequests, open_before_scripts
from userprofile_assets_tests.support.page_checks import (
    cut_off,
    faint_texts,
    let_paint,
    moved,
    overprinted,
    too_wide,
)
from userprofile_assets_tests.support.seeded_days import NEWEST, RUN, record_results, result

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.xdist_group("browser")

PROFILES = "ads_user_info_1d_spark"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """A server whose records know one day of the profiles."""
    home = tmp_path_factory.mktemp("map") / "home"
    with open_records(None, home) as records:
        day = PartitionRecord(
            asset=PROFILES, dt="20240807", row_count=1234, byte_count=2048, location=None,
            run_id=RUN, made_at="2024-08-08T00:30:00.000000Z",
        )  # fmt: skip
        record_partitions(records, [day])
        record_results(records, [result(NEWEST, "uid unique", "failed", "3 rows")])
    with api_server(home) as running:
        yield running


def show(page: Page, server: ApiServer, fragment: str = "") -> None:
    page.goto(f"{server.url}/catalog{fragment}")
    ready(page)


def ready(page: Page) -> None:
    page.wait_for_selector("#main[data-ready]")


def follow(page: Page, fragment: str) -> None:
    page.wait_for_url(f"**/catalog#{fragment}")
    ready(page)


def focused(page: Page) -> Any:
    return page.evaluate("document.activeElement.getAttribute('href')")


def nodes(page: Page, way: str) -> list[str]:
    found: list[str] = page.locator(f"#graph .node.{way}").evaluate_all(
        "all => all.map((one) => one.dataset.name).sort()"
    )
    return found


def test_all_datasets_are_listed_by_layer(page, served):
    show(page, served)
    data = served.get("/api/v1/catalog/datasets").json()["data"]
    assert page.locator("#list a.dataset").count() == len(data)
    assert page.locator("#list h3").all_text_contents()[:4] == ["sources", "ingest", "ods", "dwd"]
    assert page.locator("#graph .node").count() == len(data)
    edges = sum(len(one["dependencies"]) for one in data)
    assert page.locator("#graph path").count() == edges


def test_edges_go_from_left_to_right_and_through_no_other_dataset(page, served):
    show(page, served)
    crossed = page.evaluate("""() => {
      const base = document.querySelector(".inner").getBoundingClientRect();
      const nodes = [...document.querySelectorAll(".node")];
      const boxes = nodes.map((one) => one.getBoundingClientRect());
      const inside = (x, y) => boxes.some(
        (box) => x > box.left + 2 && x < box.right - 2 && y > box.top + 2 && y < box.bottom - 2,
      );
      const bad = [];
      for (const path of document.querySelectorAll("#graph path")) {
        const length = path.getTotalLength();
        let last = -Infinity;
        for (let at = 8; at < length - 8; at += 4) {
          const point = path.getPointAtLength(at);
          const [x, y] = [point.x + base.left, point.y + base.top];
          if (x < last - 0.01) bad.push("back");
          last = x;
          if (inside(x, y)) bad.push(path.getAttribute("d"));
        }
      }
      return bad;
    }""")
    assert crossed == []


def test_the_link_to_the_datasets_names_no_dataset(page, served):
    show(page, served)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the datasets"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    ready(page)
    assert page.url == f"{served.url}/catalog"


def test_a_search_finds_columns_and_says_where(page, served):
    show(page, served)
    page.get_by_label("Search the data map").fill("page views")
    page.wait_for_selector("#list .hits")
    words = page.locator("#list [role=status]").inner_text()
    found = served.get("/api/v1/catalog/search?q=page+views").json()["data"]
    assert words == f"{len(found)} datasets found"
    assert page.locator("#list .hits > li > a .mono").all_inner_texts() == [
        hit["name"] for hit in found
    ]
    page.locator(f"#list .matches a[href='#{PROFILES}.pv']").click()
    follow(page, f"{PROFILES}.pv")
    assert page.locator("#details tr.chosen a").first.inner_text() == "pv"


def test_a_search_without_a_hit_says_so_and_an_empty_one_lists_all(page, served):
    show(page, served)
    field = page.get_by_label("Search the data map")
    field.fill("quetzalcoatl")
    page.get_by_text("Nothing was found.").wait_for()
    field.fill("")
    page.wait_for_selector("#list h3")


def test_a_dataset_shows_what_is_known_of_it(page, served):
    show(page, served, f"#{PROFILES}")
    details = page.locator("#details")
    assert details.locator("h2").inner_text() == PROFILES
    assert "One profile for each visitor of a day" in details.inner_text()
    uid = details.locator("tr", has=page.locator(f"a[href='#{PROFILES}.uid']"))
    assert uid.locator(".pii").inner_text() == "pii"
    assert uid.locator("td").nth(1).inner_text().startswith("User name")
    assert uid.locator("td").nth(2).inner_text() == "dws_user_info_all_di_spark.uid"
    day = details.locator("tr", has=page.get_by_role("link", name="2024-08-07"))
    assert day.locator("td").all_inner_texts()[:3] == ["1,234", "2 KiB", "✕ failed"]
    assert day.get_by_role("link").get_attribute("href") == "./?dt=2024-08-07"


def test_what_a_dataset_is_made_from_and_what_reads_it_stand_out(page, served):
    show(page, served, f"#{PROFILES}")
    answer = served.get(f"/api/v1/catalog/lineage/{PROFILES}").json()["nodes"]
    for way in ("up", "down"):
        assert nodes(page, way) == sorted(n["dataset"] for n in answer if n["direction"] == way)
    assert nodes(page, "chosen") == [PROFILES]
    assert "dwd_log_quarantine_di_spark" in nodes(page, "off")
    page.get_by_role("button", name="Show all datasets").click()
    page.wait_for_url(f"{served.url}/catalog")
    ready(page)
    assert nodes(page, "off") == []


def test_a_link_to_a_column_shows_its_lineage_column_by_column(page, served):
    show(page, served, f"#{PROFILES}.region")
    answer = served.get(f"/api/v1/catalog/lineage/{PROFILES}.region").json()
    assert page.locator("#graph .node ul a").count() == len(answer["nodes"])
    assert page.locator("#graph path").count() == len(answer["edges"])
    assert page.locator("#graph a[aria-current]").inner_text() == "region"
    page.locator("#graph a[href='#dim_ip_region_spark.region']").click()
    follow(page, "dim_ip_region_spark.region")
    assert page.locator("#details h2").inner_text() == "dim_ip_region_spark"
    page.go_back()
    follow(page, f"{PROFILES}.region")
    assert page.locator("#details h2").inner_text() == PROFILES


def test_the_map_can_be_walked_by_keyboard(page, served):
    show(page, served)
    page.get_by_label("Search the data map").focus()
    page.keyboard.press("ArrowDown")
    assert focused(page) == "#ods_user_info_d_mysql"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    follow(page, "user_log_httpfile")
    node = page.locator("#graph a[href='#user_log_httpfile']")
    node.focus()
    page.keyboard.press("ArrowRight")
    assert focused(page) == "#raw_log_oss"
    page.keyboard.press("Enter")
    follow(page, "raw_log_oss")
    # The picture is drawn anew, the focus stays on its dataset.
    assert focused(page) == "#raw_log_oss"
    column = page.locator("#graph .column", has=page.locator("a:focus")).locator("a")
    first = column.first.get_attribute("href") == "#raw_log_oss"
    page.keyboard.press("ArrowDown" if first else "ArrowUp")
    assert focused(page) == "#user_info_oss"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("no_such", "There is no dataset no_such. Choose"),
        ("ads_user_inf", "There is no dataset ads_user_inf; near names: ads_user_info_1d"),
        (f"{PROFILES}.regoin", "There is no column regoin; near names: region"),
    ],
)
def test_a_name_that_is_not_there_is_told_with_the_nearest(browser: Browser, served, name, said):
    with watched_page(browser, expected=("404",)) as page:
        show(page, served, f"#{name}")
        text = page.locator("#details-body").inner_text()
        assert text.startswith(said)
        assert text.endswith(". Choose one in the list.")


def test_markup_in_the_address_is_text(browser: Browser, served):
    with watched_page(browser, expected=("404",)) as page:
        show(page, served, "#<img src=x onerror=document.title=1>")
        assert "<img src=x" in page.locator("#details-body").inner_text()
        assert page.locator("main img").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(browser: Browser, served, scheme):
    with watched_page(browser, color_scheme=scheme) as page:
        show(page, served, f"#{PROFILES}")
        assert faint_texts(page) == []
        show(page, served, f"#{PROFILES}.region")
        assert faint_texts(page) == []


def test_nothing_is_wider_than_a_phone(browser: Browser, served):
    with watched_page(browser, **PHONE) as page:
        show(page, served)
        assert too_wide(page) == []
        show(page, served, f"#{PROFILES}.region")
        assert too_wide(page) == []
        assert overprinted(page, ".card > header > *") == []
        assert page.locator("#lineage-of").inner_text() == f"of {PROFILES}.region"
        assert cut_off(page, "#lineage-of") == []


@pytest.mark.parametrize("options", [{}, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("fragment", ["", f"#{PROFILES}.region"], ids=["all", "column"])
def test_nothing_moves_while_the_datasets_come(browser: Browser, served, options, fragment):
    with watched_page(browser, **options) as page:
        datasets = HeldRequests(page, "**/api/v1/catalog/datasets")
        page.goto(f"{served.url}/catalog{fragment}")
        let_paint(page)
        datasets.take().continue_()
        ready(page)
        assert moved(page) == []


@pytest.mark.parametrize("options", [{}, PHONE], ids=["desktop", "phone"])
def test_nothing_moves_when_the_scripts_come_after_the_page_was_painted(
    browser: Browser, served, options
):
    with watched_page(browser, **options) as page:
        scripts = open_before_scripts(page, f"{served.url}/catalog", "**/catalog/main.js")
        assert page.get_by_label("Auto").is_disabled()
        scripts.take().continue_()
        ready(page)
        assert moved(page) == []


def test_a_server_that_is_gone_is_said_and_can_be_asked_again(browser: Browser, served):
    with watched_page(browser, expected=("ERR_INTERNET_DISCONNECTED",)) as page:
        show(page, served)
        page.context.set_offline(True)
        page.locator("#list a.dataset").first.click()
        page.get_by_role("heading", name="The server does not answer").wait_for()
        page.context.set_offline(False)
        page.get_by_role("button", name="Try again").click()
        ready(page)
        assert page.locator("#details h2").inner_text() == "ods_user_info_d_mysql"
