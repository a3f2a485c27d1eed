"""The dashboard in a real Chromium, on a real server over a seeded database."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from userprofile_assets.records.database import open_records
from userprofile_assets_tests.support.api_server import ApiServer, api_server
from userprofile_assets_tests.support.browser import PHONE, watched_page
from userprofile_assets_tests.support.held_requests import HeldRequests, open_before_scripts
from userprofile_assets_tests.support.page_checks import (
    broken,
    cut_off,
    faint_texts,
    let_paint,
    moved,
    outside,
    too_wide,
)
from userprofile_assets_tests.support.seeded_days import (
    NEWEST,
    RUN,
    bizdate,
    profiles_of,
    record_results,
    result,
    seed_day,
    seed_days,
)
from userprofile_assets_tests.support.served_days import profile, serve_day

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Locator, Page, Route

pytestmark = pytest.mark.xdist_group("browser")

PEOPLE = 400
PROFILES = profiles_of(NEWEST, PEOPLE)
EMPTY_TEXTS = date(2024, 6, 1)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """A server over nine days, of which one is not published, and one long before them."""
    home = tmp_path_factory.mktemp("dashboard") / "home"
    countries = ("", "", None, '""', "China")
    with open_records(None, home) as records:
        seed_days(records, people=PEOPLE)
        people = [profile(f"u{number}", country=one) for number, one in enumerate(countries)]
        seed_day(records, EMPTY_TEXTS, people)
    with api_server(home, {"UI_URL": "http://127.0.0.1:3000"}) as running:
        yield running


def ready(page: Page) -> None:
    page.wait_for_selector("#main[data-ready]")


def show(page: Page, server: ApiServer, query: str = "") -> None:
    page.goto(f"{server.url}/{query}")
    ready(page)


def look_at(page: Page, query: str) -> None:
    """Change the address as Back does: nothing is loaded but answers."""
    page.evaluate("query => history.pushState(null, '', query)", query)
    page.evaluate("dispatchEvent(new PopStateEvent('popstate'))")


def figure(page: Page, tile: str) -> str:
    return page.locator(f"#tile-{tile} .figure").inner_text()


def people(page: Page) -> int:
    return int(figure(page, "users").replace(",", ""))


def chips(page: Page) -> list[str]:
    shown = page.locator("#chips .chip").all_text_contents()
    return [text.removesuffix("×") for text in shown]  # noqa: RUF001 - the cross of a chip


def how_many(**values: Any) -> int:
    return sum(all(row[name] == value for name, value in values.items()) for row in PROFILES)


def as_tables(page: Page) -> None:
    page.get_by_label("Tables", exact=True).check()


def row(page: Page, card: str, name: str) -> Locator:
    return page.locator(f"#{card} .table button", has_text=re.compile(f"^{re.escape(name)}$"))


def click_mark(page: Page, mark: Locator) -> None:
    """Click where a mark is: plotly draws a layer above them that takes the events."""
    mark.scroll_into_view_if_needed()
    box = mark.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.up()


def click_place(page: Page, name: str) -> None:
    # At its head: the middle of one that holds others is another's.
    slices = page.locator("#places .slice", has_text=re.compile(f"^{name}"))
    slices.last.click(position={"x": 8, "y": 8})


def test_the_newest_day_is_shown_with_its_numbers(page, served):
    show(page, served)
    assert page.locator("#day-name").inner_text() == "Wednesday 7 August 2024"
    assert people(page) == len(PROFILES)
    assert figure(page, "registered") == f"{how_many(is_registered=True):,}"
    assert figure(page, "pv") == f"{sum(row['pv'] for row in PROFILES):,}"
    assert figure(page, "crawlers").endswith("%")
    former = len(profiles_of(NEWEST - timedelta(days=1), PEOPLE))
    change = f"{abs(len(PROFILES) - former) / former:.1%}".replace(".0%", "%")
    assert change in page.locator("#tile-users .changes li").first.inner_text()
    assert page.locator("#tile-users .changes li").nth(1).inner_text().endswith("vs Wed 31 Jul")


def test_a_click_on_a_device_filters_everything_else(page, served):
    show(page, served)
    click_mark(page, page.locator("#devices .bars .point path").first)
    page.wait_for_url("**/?device=mobile")
    ready(page)
    assert chips(page) == ["Device mobile"]
    assert people(page) == how_many(device="mobile") < len(PROFILES)
    as_tables(page)
    shown = page.locator("#signs .table td:nth-child(2)").all_inner_texts()
    assert sum(int(text.replace(",", "")) for text in shown) == people(page)
    # Of itself it still shows all, to choose another one.
    assert row(page, "devices", "desktop").is_visible()
    assert row(page, "devices", "mobile").get_attribute("aria-pressed") == "true"


def test_the_people_of_all_devices_add_up_to_all_people(page, served):
    show(page, served)
    total = 0
    for device in ("mobile", "desktop", "tablet", "unknown", ""):
        show(page, served, f"?device={device}")
        assert people(page) == how_many(device=device or None)
        total += people(page)
    assert total == len(PROFILES)


def test_a_click_with_control_adds_a_value_and_a_second_click_takes_it_away(page, served):
    show(page, served)
    as_tables(page)
    row(page, "devices", "mobile").click()
    row(page, "devices", "tablet").click(modifiers=["Control"])
    page.wait_for_url("**/?device=mobile&device=tablet")
    ready(page)
    assert people(page) == how_many(device="mobile") + how_many(device="tablet")
    row(page, "devices", "tablet").click(modifiers=["Control"])
    row(page, "devices", "mobile").click()
    page.wait_for_url(f"{served.url}/")
    ready(page)
    assert people(page) == len(PROFILES)


def test_the_treemap_drills_from_country_to_region_to_city_and_back(page, served):
    show(page, served)
    path = page.locator("#place-path li")
    click_place(page, "China")
    page.wait_for_url("**/?country=China")
    ready(page)
    assert people(page) == how_many(country="China")
    click_place(page, "Guangdong")
    page.wait_for_url("**/?country=China&region=Guangdong")
    ready(page)
    click_place(page, "Shenzhen")
    page.wait_for_url("**&city=Shenzhen")
    ready(page)
    assert people(page) == how_many(city="Shenzhen")
    assert path.all_inner_texts() == ["World", "China", "Guangdong", "Shenzhen"]
    page.locator("#place-path").get_by_text("China").click()
    page.wait_for_url("**/?country=China")
    ready(page)
    assert page.locator("#places .slice", has_text="Zhejiang").count() > 0
    page.go_back()
    ready(page)
    assert people(page) == how_many(city="Shenzhen")


def fills(page: Page) -> dict[str, str]:
    """Return the colour of each place by its name."""
    return dict(
        page.locator("#places .slice").evaluate_all(
            "all => all.map(one => [one.textContent.match(/^[^0-9]*/)[0].trim(),"
            " getComputedStyle(one.querySelector('.surface')).fill])"
        )
    )


def pressed(page: Page, card: str) -> list[str]:
    return page.locator(f"#{card} .table [aria-pressed=true]").all_inner_texts()


def test_filters_of_places_that_are_no_path_step_forward_in_places_and_cities(page, served):
    show(page, served, "?country=China&country=Japan")
    assert people(page) == how_many(country="China") + how_many(country="Japan")
    chosen, other = fills(page)["China"], fills(page)["United States"]
    assert (fills(page)["Japan"], fills(page)["Germany"]) == (chosen, other)
    assert chosen != other
    look_at(page, "?city=Hangzhou")
    ready(page)
    assert people(page) == how_many(city="Hangzhou")
    assert (fills(page)["China"], fills(page)["Japan"]) == (chosen, other)
    assert fills(page)["Zhejiang"] != fills(page)["Guangdong"]
    as_tables(page)
    assert (pressed(page, "places"), pressed(page, "cities")) == (["China"], ["Hangzhou"])
    look_at(page, "?country=China&country=Japan&gender=女")
    ready(page)
    assert pressed(page, "places") == ["China", "Japan"]
    women = page.locator("#ages .table tr", has=page.get_by_text("女", exact=True)).count()
    assert len(pressed(page, "ages")) == women


def test_an_empty_text_is_a_value_of_its_own(page, served):
    show(page, served, "?dt=2024-06-01&country=%22%22")
    assert (chips(page), people(page)) == (["Country (empty)"], 2)
    as_tables(page)
    page.locator("#place-path button", has_text="World").click()
    for name, query, number in (
        ("(empty)", "%22%22", 2),
        ("not known", "", 1),
        ('""', "%22%22%22%22", 1),
    ):
        row(page, "places", name).click()
        page.wait_for_url(f"**/?dt=2024-06-01&country={query}")
        ready(page)
        assert (chips(page), people(page)) == ([f"Country {name}"], number)
        page.locator("#place-path button", has_text="World").click()
        page.wait_for_url("**/?dt=2024-06-01")
        ready(page)


def test_a_city_of_the_ranking_filters_by_its_whole_place(page, served):
    show(page, served)
    ranked = Counter(row["city"] for row in PROFILES if row["is_registered"] and row["city"])
    first, users = ranked.most_common(1)[0]
    as_tables(page)
    cells = page.locator("#cities .table tbody tr").first.locator("td").all_inner_texts()
    assert cells[1:] == ["1", str(users)]
    row(page, "cities", first).click()
    page.wait_for_url(f"**city={first.replace(' ', '+')}")
    ready(page)
    assert people(page) == how_many(city=first)
    assert len(chips(page)) == 3


def test_age_and_gender_filter_together(page, served):
    show(page, served)
    as_tables(page)
    women = page.locator("#ages .table tr", has=page.get_by_text("女", exact=True))
    women.filter(has_text="20-30岁").locator("button").click()
    page.wait_for_selector("#chips .chip >> nth=1")
    ready(page)
    assert chips(page) == ["Gender 女", "Age 20-30岁"]
    assert people(page) == how_many(gender="女", age_range="20-30岁")


def test_taking_away_one_more_age_leaves_the_gender_that_was_chosen(page, served):
    show(page, served)
    as_tables(page)
    men = page.locator("#ages .table tr", has=page.get_by_text("男", exact=True))
    men.filter(has_text="20-30岁").locator("button").click()
    one_more = men.filter(has_text="30-40岁").locator("button")
    one_more.click(modifiers=["Control"])
    page.wait_for_selector("#chips .chip >> nth=2")
    ready(page)
    assert chips(page) == ["Gender 男", "Age 20-30岁", "Age 30-40岁"]
    one_more.click(modifiers=["Control"])
    ready(page)
    assert chips(page) == ["Gender 男", "Age 20-30岁"]


def test_what_is_not_known_can_be_chosen_beside_the_chart(page, served):
    show(page, served)
    beside = page.locator("#signs .aside button")
    assert beside.inner_text() == f"not known: {how_many(zodiac=None)}"
    beside.click()
    page.wait_for_url("**/?zodiac=")
    ready(page)
    assert people(page) == how_many(zodiac=None)
    assert chips(page) == ["Zodiac not known"]


def test_charts_can_count_page_views(page, served):
    show(page, served)
    page.get_by_label("Page views", exact=True).check()
    page.wait_for_url("**/?measure=pv")
    ready(page)
    views: Counter[str | None] = Counter()
    for one in PROFILES:
        views[one["device"]] += one["pv"]
    texts = page.locator("#devices .bars .point text").all_text_contents()
    assert texts == [f"{count:,}" for _, count in views.most_common()]


def test_only_registered_people_can_be_shown(page, served):
    show(page, served)
    page.get_by_role("button", name="Only registered people").click()
    page.wait_for_url("**/?is_registered=true")
    ready(page)
    assert figure(page, "users") == figure(page, "registered") == str(how_many(is_registered=True))
    assert chips(page) == ["Registered yes"]
    assert figure(page, "lines") == "\u2013"
    assert "counted for whole days only" in page.locator("#tile-lines").inner_text()
    fits_at_every_width(page, ".tile .changes li")
    look_at(page, "?is_registered=TRUE")
    ready(page)
    assert people(page) == how_many(is_registered=True)
    assert chips(page) == ["Registered yes"]
    tile = page.get_by_role("button", name="Only registered people")
    assert tile.get_attribute("aria-pressed") == "true"


def test_a_linked_view_opens_as_it_was_and_back_leads_to_the_one_before(page, served):
    show(page, served, "?dt=2024-08-06&device=desktop&country=China")
    day = profiles_of(NEWEST - timedelta(days=1), PEOPLE)
    there = [row for row in day if (row["device"], row["country"]) == ("desktop", "China")]
    assert people(page) == len(there)
    page.get_by_role("button", name="Remove the filter Device: desktop").click()
    page.wait_for_url("**/?dt=2024-08-06&country=China")
    ready(page)
    assert people(page) == sum(row["country"] == "China" for row in day)
    page.go_back()
    ready(page)
    assert chips(page) == ["Country China", "Device desktop"]
    assert people(page) == len(there)


def test_the_days_beside_skip_what_is_not_published(page, served):
    show(page, served, "?dt=2024-08-05")
    assert page.get_by_role("button", name="Published day before").is_enabled()
    page.get_by_role("button", name="Published day before").click()
    page.wait_for_url("**/?dt=2024-08-03")
    ready(page)
    assert "no" not in page.locator("#notice").inner_text()
    page.get_by_role("button", name="Published day after").click()
    page.wait_for_url("**/?dt=2024-08-05")


def test_the_calendar_has_only_published_days_and_works_by_keyboard(page, served):
    show(page, served)
    page.locator("#day-open").focus()
    page.keyboard.press("Enter")
    days = page.locator("#calendar .day")
    assert days.all_inner_texts() == ["1", "2", "3", "5", "6", "7"]
    assert page.evaluate("document.activeElement.dataset.date") == "2024-08-07"
    page.keyboard.press("ArrowUp")  # a week: into the month before
    assert page.evaluate("document.activeElement.dataset.date") == "2024-07-31"
    page.keyboard.press("PageDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?dt=2024-08-02")
    ready(page)
    assert page.locator("#day-name").inner_text() == "Friday 2 August 2024"
    assert page.evaluate("document.activeElement.id") == "day-open"
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    assert page.locator("#calendar").is_hidden()


def test_a_point_of_the_trend_leads_to_its_day(page, served):
    show(page, served)
    click_mark(page, page.locator("#trend .scatterlayer .trace").first.locator(".point").first)
    page.wait_for_url("**/?dt=2024-07-30")
    ready(page)
    assert page.locator("#day-name").inner_text() == "Tuesday 30 July 2024"


def test_a_point_of_the_trend_leads_to_a_day_older_than_those_that_were_asked_for(page, served):
    page.route(
        "**/api/v1/partitions?limit=60",
        lambda route: route.fallback(url=route.request.url.replace("limit=60", "limit=2")),
    )
    show(page, served)
    as_tables(page)
    page.locator("#trend .table button").first.click()
    page.wait_for_url("**/?dt=2024-07-30")
    page.wait_for_selector("#main[data-ready], #notice h2")
    assert page.locator("#notice").inner_text() == ""
    assert page.locator("#day-name").inner_text() == "Tuesday 30 July 2024"


def test_a_day_that_is_not_published_is_said_and_the_newest_is_one_click_away(page, served):
    page.goto(f"{served.url}/?dt=2024-08-04")
    page.get_by_role("heading", name="This day is not published").wait_for()
    assert page.locator("#day-open").inner_text() == "Choose a day"
    page.locator("#day-open").click()
    assert page.locator("#calendar [aria-current]").count() == 0
    page.locator("#calendar .day", has_text=re.compile("^6$")).click()
    page.wait_for_url("**/?dt=2024-08-06")
    ready(page)
    look_at(page, "?dt=2024-02-30")
    page.get_by_role("heading", name="There is no such day").wait_for()
    said = page.locator("#notice").inner_text()
    assert "2024-02-30 is no day of the calendar; a day is written as 2024-08-07." in said
    assert page.locator("#day-open").inner_text() == "Choose a day"
    page.get_by_role("button", name="Show the newest day").click()
    ready(page)
    assert people(page) == len(PROFILES)


def test_the_quality_of_the_day_names_the_rules_and_links_to_the_run(page, served):
    show(page, served)
    assert "warned" in page.locator("#day-facts .badge").inner_text()
    quality = page.locator("#quality-body")
    assert quality.locator(".rules").first.locator(".name").all_inner_texts() == [
        "row_count change", "share of quarantined lines",
    ]  # fmt: skip
    assert "2 rules passed" in quality.inner_text()
    run = f"http://127.0.0.1:3000/runs/{RUN}"
    assert page.locator("#day-run a").get_attribute("href") == run
    assert quality.locator("a", has_text="run").first.get_attribute("href") == run


def test_everything_can_be_done_by_keyboard(page, served):
    show(page, served)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the numbers"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    button = page.get_by_role("button", name="Devices as a table")
    for _ in range(60):
        page.keyboard.press("Tab")
        if button.evaluate("one => one === document.activeElement"):
            break
    outline = button.evaluate("one => getComputedStyle(one).outlineStyle")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "mobile"
    page.keyboard.press("Enter")
    page.wait_for_url("**/?device=mobile")
    ready(page)
    assert outline == "solid"
    # The numbers are new, the focus is where it was.
    assert page.evaluate("document.activeElement.textContent") == "mobile"
    chip = page.get_by_role("button", name="Remove the filter Device: mobile")
    chip.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"{served.url}/")
    ready(page)
    assert people(page) == len(PROFILES)


def test_the_keyboard_stays_in_the_places_when_it_leads_into_one_and_out_again(page, served):
    show(page, served)
    as_tables(page)
    row(page, "places", "China").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/?country=China")
    ready(page)
    first = page.locator("#places .table button").first
    assert first.evaluate("one => one === document.activeElement")
    page.locator("#place-path button", has_text="World").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"{served.url}/")
    ready(page)
    assert page.evaluate("document.activeElement.textContent") == "World"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(browser: Browser, served, scheme):
    with watched_page(browser, color_scheme=scheme) as page:
        show(page, served, "?country=China")
        page.locator("#quality-body summary").click()
        assert faint_texts(page) == []
        as_tables(page)
        page.locator("#day-open").click()
        assert faint_texts(page) == []


def test_the_colours_follow_the_system_and_the_switch_lasts(browser: Browser, served):
    ground = "getComputedStyle(document.body).backgroundColor"
    with watched_page(browser, color_scheme="dark") as page:
        show(page, served)
        dark = page.evaluate(ground)
        page.get_by_label("Light").check()
        light = page.evaluate(ground)
        page.reload()
        ready(page)
        assert page.evaluate(ground) == light != dark
        page.get_by_label("Auto").check()
        assert page.evaluate(ground) == dark


@pytest.mark.parametrize("tables", [False, True], ids=["charts", "tables"])
def test_nothing_is_wider_than_a_phone(browser: Browser, served, tables):
    with watched_page(browser, **PHONE) as page:
        show(page, served, "?country=United+States&device=mobile&device=desktop&gender=&zodiac=")
        if tables:
            as_tables(page)
        assert too_wide(page) == []
        page.locator("#day-open").tap()
        assert too_wide(page) == []


def test_a_tap_on_a_phone_filters(browser: Browser, served):
    with watched_page(browser, **PHONE) as page:
        show(page, served)
        page.locator("#places .slice", has_text=re.compile("^Guangdong")).last.tap()
        page.wait_for_url("**/?country=China&region=Guangdong")
        ready(page)
        assert people(page) == how_many(region="Guangdong")


TABLET = {"viewport": {"width": 768, "height": 1024}}
WINDOWS = pytest.mark.parametrize("options", [{}, PHONE], ids=["desktop", "phone"])


@WINDOWS
def test_nothing_moves_while_the_numbers_come(browser: Browser, served, options):
    with watched_page(browser, **options) as page:
        show(page, served)
        assert moved(page) == []


@pytest.mark.parametrize(
    ("options", "last_first"),
    [({}, True), (TABLET, True), (PHONE, False), (PHONE, True)],
    ids=["desktop, last first", "tablet, last first", "phone, in order", "phone, last first"],
)
def test_nothing_moves_in_whatever_order_the_answers_come(
    browser: Browser, served, options, last_first
):
    with watched_page(browser, **options) as page:
        plotly = HeldRequests(page, "**/plotly.min.js")
        answers = HeldRequests(page, "**/api/v1/**")
        page.goto(f"{served.url}/?country=United+States&device=mobile&device=desktop&gender=")
        let_paint(page)
        with page.expect_request("**/trend?*"):
            answers.take().continue_()
        for _ in range(8):
            let_paint(page)
            answers.take(last=last_first).continue_()
        page.locator("#tile-users .changes li").first.wait_for()
        let_paint(page)
        plotly.let_all_go()
        ready(page)
        assert moved(page) == []


@WINDOWS
def test_nothing_moves_when_the_scripts_come_after_the_page_was_painted(
    browser: Browser, served, options
):
    with watched_page(browser, **options) as page:
        scripts = open_before_scripts(page, f"{served.url}/", "**/dashboard/main.js")
        assert page.get_by_label("Auto").is_disabled()
        scripts.take().continue_()
        ready(page)
        assert moved(page) == []


@WINDOWS
def test_each_choice_is_in_one_line(browser: Browser, served, options):
    with watched_page(browser, **options) as page:
        show(page, served)
        words = page.locator(".segments span").filter(visible=True)
        assert words.all_text_contents() == [
            "Auto", "Light", "Dark", "People", "Page views", "Charts", "Tables",
        ]  # fmt: skip
        heights = words.evaluate_all("all => all.map(one => one.getBoundingClientRect().height)")
        assert len(set(heights)) == 1


def test_with_reduced_motion_nothing_is_animated(browser: Browser, served):
    with watched_page(browser, reduced_motion="reduce") as page:
        page.route("**/api/v1/summary**", lambda route: None)  # the tiles go on waiting
        page.goto(served.url)
        page.wait_for_selector("#quality-body .badge")
        assert page.evaluate("document.getAnimations().length") == 0


def test_an_empty_database_says_what_to_run(browser: Browser, tmp_path: Path):
    with api_server(tmp_path / "home") as server, watched_page(browser) as page:
        page.goto(server.url)
        page.get_by_role("heading", name="No day is published yet").wait_for()
        assert "userprofile demo" in page.locator("#notice").inner_text()
        with open_records(None, server.home) as records:
            seed_day(records, NEWEST, PROFILES)
        page.get_by_role("button", name="Look again").click()
        ready(page)
        assert people(page) == len(PROFILES)


def test_a_filter_that_matches_nothing_can_be_cleared(page, served):
    show(page, served, "?device=toaster")
    assert figure(page, "users") == "0"
    assert "No profile of this day matches" in page.locator("#notice").inner_text()
    page.get_by_role("button", name="Clear the filters").click()
    page.wait_for_url(f"{served.url}/")
    ready(page)
    assert people(page) == len(PROFILES)


def test_a_chart_of_which_nothing_is_known_says_so_instead_of_empty_axes(page, served):
    show(page, served, "?is_registered=false&measure=pv")
    views = sum(one["pv"] for one in PROFILES if not one["is_registered"])
    said = f"Nothing is known of those who made {views} page views."
    assert page.locator(".cards .message:visible").all_inner_texts() == [
        "No registered user matches.", said, said,
    ]  # fmt: skip
    assert (
        page.locator("#ages .plot, #signs .plot, .cards .aside").locator("visible=true").count()
        == 0
    )
    page.get_by_label("People", exact=True).check()
    page.wait_for_url("**/?is_registered=false")
    ready(page)
    people_said = f"Nothing is known of {how_many(is_registered=False)} people."
    assert page.locator("#signs .message").inner_text() == people_said
    as_tables(page)
    assert row(page, "signs", "not known").is_visible()


LONG = "Autonomous Region of the North-Eastern Highlands and Both of Their Coasts"


def three_people(pv: int) -> list[dict[str, Any]]:
    known = {"country": "China", "is_registered": True, "age_range": "20-30岁"}
    return [
        profile("1", **known, region=LONG, city="Shenzhen", gender="男", zodiac="狮子座", pv=pv),
        profile("2", **known, region="Guangdong", city="Guangzhou", gender="女"),
        profile("3"),
    ]


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """A server over two days of three people with many page views, and a day of nobody."""
    home = tmp_path_factory.mktemp("odd") / "home"
    with open_records(None, home) as records:
        seed_day(records, NEWEST, three_people(1_234_567_890_123))
        seed_day(records, NEWEST - timedelta(days=1), three_people(12_345_676))
        serve_day(records, bizdate(NEWEST - timedelta(days=2)), [], run_id=RUN)
    with api_server(home) as running:
        yield running


def heights(page: Page, selector: str) -> set[int]:
    found: list[int] = page.locator(selector).evaluate_all(
        "all => all.map((one) => one.offsetHeight)"
    )
    return set(found)


def test_a_day_on_which_nobody_came_is_said_to_be_one(page, odd):
    show(page, odd, "?dt=2024-08-05")
    assert figure(page, "users") == "0"
    assert page.locator("#tile-lines").inner_text().split("\n")[1:] == ["\u2013", "no lines"]
    nobody = "Nobody came on this day."
    assert page.locator(".cards .message:visible").all_inner_texts() == [
        nobody, "No registered user on this day.", nobody, nobody, nobody,
    ]  # fmt: skip


# The last two are phones of 360 and 320, and the scroll bar that these do not have.
WIDTHS = (1360, 800, 375, 335)


def fits_at_every_width(page: Page, selector: str) -> None:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert cut_off(page, selector) == []
        assert heights(page, ".tile .changes") == {37}


def test_a_number_of_any_size_stays_in_its_tile(page, odd):
    show(page, odd)
    tile = page.locator("#tile-pv")
    assert tile.locator(".figure [aria-hidden]").inner_text() == "1.2T"
    assert tile.locator(".figure [title]").get_attribute("title") == "1,234,567,890,125"
    assert "1,234,567,890,125" in tile.aria_snapshot()
    assert "1.2T" not in tile.aria_snapshot()
    assert page.locator("#tile-users .arrow").first.inner_text() == "="
    page.get_by_label("Page views", exact=True).check()
    page.wait_for_url("**/?measure=pv")
    ready(page)
    bars = page.locator("#signs .bars .point text")
    assert bars.all_text_contents() == ["1.2T"]
    fits_at_every_width(page, ".tile .figure")
    page.get_by_role("button", name="Published day before").click()
    page.wait_for_url("**/?dt=2024-08-06&measure=pv")
    ready(page)
    assert figure(page, "pv") == "12,345,678"
    fits_at_every_width(page, ".tile .figure")


def test_an_axis_names_whole_numbers_only(page, odd):
    show(page, odd)
    assert page.locator("#ages .ytick text").all_text_contents() == ["0", "1"]
    assert page.locator("#trend .ytick text").all_text_contents() == ["0", "1", "2", "3"]
    assert page.locator("#trend .y2tick text").all_text_contents() == [
        "0", "2T", "4T",
    ]  # fmt: skip


@pytest.mark.parametrize("width", WIDTHS)
def test_each_group_of_bars_has_its_name(browser: Browser, served, width):
    with watched_page(browser, viewport={"width": width, "height": 900}) as page:
        show(page, served)
        bars = page.locator("#ages .barlayer .trace").first.locator(".point").count()
        names = page.locator("#ages .xtick text").locator("visible=true")
        assert names.count() == bars == len({one["age_range"] for one in PROFILES})
        assert outside(page, "#ages .xtick text", "#ages .plot") == []


def test_tables_keep_words_and_numbers_whole(page, odd):
    show(page, odd)
    as_tables(page)
    for width in WIDTHS[:3]:
        page.set_viewport_size({"width": width, "height": 900})
        assert broken(page, ".table th, .table td") == []
        assert too_wide(page) == []
    cells = page.locator("#cities .table tr").nth(1).locator("th, td")
    sides = cells.evaluate_all("all => all.map((one) => getComputedStyle(one).textAlign)")
    assert sides == ["left", "left", "right", "right"]


def test_no_card_stands_beside_a_hole(page, odd):
    show(page, odd)
    for width in WIDTHS[:3]:
        page.set_viewport_size({"width": width, "height": 900})
        ends = page.evaluate("""() => {
          const rows = new Map();
          for (const one of document.querySelectorAll(".cards > .card")) {
            const { top, right } = one.getBoundingClientRect();
            rows.set(Math.round(top), Math.round(right));
          }
          return [...new Set(rows.values())].length;
        }""")
        assert ends == 1


def test_a_server_with_keys_asks_for_one_and_keeps_it_in_the_tab(browser: Browser, tmp_path: Path):
    home = tmp_path / "home"
    with open_records(None, home) as records:
        seed_day(records, NEWEST, PROFILES)
    with api_server(home) as server:
        key = server.create_key("aggregates")
        with watched_page(browser, expected=("401",)) as page:
            page.goto(server.url)
            page.get_by_role("heading", name="An API key is needed").wait_for()
            assert page.evaluate("document.activeElement.id") == "key"
            page.keyboard.type("wrong")
            page.keyboard.press("Enter")
            page.get_by_role("heading", name="This key is not accepted").wait_for()
            page.get_by_label("API key").fill(key)
            page.get_by_role("button", name="Show the data").click()
            ready(page)
            assert people(page) == len(PROFILES)
            assert key not in page.url
            page.goto(f"{server.url}/catalog")
            page.wait_for_selector("#main[data-ready]")
            page.goto(server.url)
            ready(page)
            assert moved(page) == []
            page.get_by_role("button", name="Forget the key").click()
            page.get_by_role("heading", name="An API key is needed").wait_for()
            assert page.evaluate("JSON.stringify({...sessionStorage, ...localStorage})") == "{}"
        assert key not in server.log


def test_a_key_without_the_scope_is_said_and_another_can_be_used(browser: Browser, tmp_path: Path):
    with api_server(tmp_path / "home") as server:
        key = server.create_key("pii")
        with watched_page(browser, expected=("401", "403")) as page:
            page.goto(server.url)
            page.get_by_label("API key").fill(key)
            page.keyboard.press("Enter")
            page.get_by_role("heading", name="This key may not see this").wait_for()
            page.get_by_role("button", name="Use another key").click()
            page.get_by_label("API key").wait_for()


def refuse(status: int, headers: dict[str, str] | None = None, *, times: int) -> Any:
    """Answer some requests with a problem, and let the others through."""
    left = [times]

    def handle(route: Route) -> None:
        left[0] -= 1
        if left[0] < 0:
            route.fallback()
            return
        route.fulfill(
            status=status,
            headers={"Content-Type": "application/problem+json", **(headers or {})},
            body='{"title": "Not now", "detail": "The kitchen is closed."}',
        )

    return handle


def test_too_many_requests_are_tried_again_when_the_server_allows(browser: Browser, served):
    with watched_page(browser, expected=("429",)) as page:
        page.route("**/api/v1/partitions**", refuse(429, {"Retry-After": "1"}, times=1))
        page.goto(served.url)
        page.get_by_role("heading", name="Too many requests").wait_for()
        ready(page)
        assert people(page) == len(PROFILES)
        assert page.locator("#notice").inner_text() == ""


def test_a_database_that_does_not_answer_can_be_asked_again(browser: Browser, served):
    with watched_page(browser, expected=("503",)) as page:
        page.route("**/api/v1/summary**", refuse(503, times=1))
        page.goto(served.url)
        page.get_by_role("heading", name="The database does not answer").wait_for()
        assert "The kitchen is closed." in page.locator("#notice").inner_text()
        page.get_by_role("button", name="Try again").click()
        ready(page)
        assert people(page) == len(PROFILES)


def test_a_network_that_is_gone_is_said_and_comes_back(browser: Browser, served):
    with watched_page(browser, expected=("ERR_INTERNET_DISCONNECTED",)) as page:
        show(page, served)
        page.context.set_offline(True)
        page.get_by_role("button", name="Published day before").click()
        page.get_by_role("heading", name="The server does not answer").wait_for()
        page.context.set_offline(False)
        page.get_by_role("button", name="Try again").click()
        ready(page)
        assert page.locator("#day-name").inner_text() == "Tuesday 6 August 2024"


def test_no_chart_keeps_the_numbers_of_another_day_when_the_server_is_gone(
    browser: Browser, served
):
    with watched_page(browser, expected=("ERR_INTERNET_DISCONNECTED",)) as page:
        show(page, served)
        page.context.set_offline(True)
        page.get_by_role("button", name="Published day before").click()
        page.get_by_role("heading", name="The server does not answer").wait_for()
        assert page.locator(".cards .plot:visible").count() == 0
        assert page.locator(".cards .message").all_inner_texts() == ["Not loaded."] * 6
        assert page.locator("#day-name").inner_text() == "\u2013"
        assert page.locator("#day-facts li").count() == 0
        page.context.set_offline(False)
        page.get_by_role("button", name="Try again").click()
        ready(page)
        assert page.locator(".cards .plot:visible").count() == 6
        assert page.locator(".cards .message:visible").count() == 0


def test_one_chart_that_fails_leaves_the_others_and_can_be_tried_alone(browser: Browser, served):
    with watched_page(browser, expected=("500",)) as page:
        page.route("**/api/v1/devices**", refuse(500, times=1))
        page.goto(served.url)
        card = page.locator("#devices")
        card.get_by_text("This could not be loaded.").wait_for()
        ready(page)
        assert people(page) == len(PROFILES)
        card.get_by_role("button", name="Try again").click()
        card.locator(".bars .point").first.wait_for()


def test_a_chart_that_failed_alone_can_be_tried_again_after_the_page_was_refused(
    browser: Browser, served
):
    with watched_page(browser, expected=("500", "503")) as page:
        page.route("**/api/v1/devices**", refuse(500, times=1))
        summary = HeldRequests(page, "**/api/v1/summary**", times=1)
        page.goto(served.url)
        again = page.locator("#devices").get_by_role("button", name="Try again")
        again.wait_for()
        refuse(503, times=1)(summary.take())
        page.get_by_role("heading", name="The database does not answer").wait_for()
        again.click()
        ready(page)
        assert people(page) == len(PROFILES)
        assert page.locator(".cards .plot:visible").count() == 6


def test_without_plotly_the_tables_stand_in(browser: Browser, served):
    with watched_page(browser, expected=("404", "ERR_ABORTED", "MIME")) as page:
        page.route("**/plotly.min.js", lambda route: route.fulfill(status=404))
        show(page, served)
        row(page, "devices", "mobile").click()
        page.wait_for_url("**/?device=mobile")
        ready(page)
        assert people(page) == how_many(device="mobile")


def test_the_numbers_do_not_wait_for_plotly(page, served):
    plotly = HeldRequests(page, "**/plotly.min.js")
    page.goto(served.url)
    page.locator("#tile-users .changes li").first.wait_for()
    assert people(page) == len(PROFILES)
    assert page.locator(".bars").count() == 0
    plotly.let_all_go()
    ready(page)


EVIL = '<img src=x onerror="document.title=1"><a href="https://example.com">x</a>'


def test_markup_in_the_data_is_text(browser: Browser, tmp_path: Path):
    home = tmp_path / "home"
    evil = profile(
        "u", country=EVIL, region=EVIL, city=f"{EVIL}\u202e", device=EVIL, gender=EVIL,
        age_range=EVIL, zodiac=EVIL, is_registered=True,
    )  # fmt: skip
    with open_records(None, home) as records:
        seed_day(records, NEWEST, [evil, profile("v", country="%{value}", device="<b>bold</b>")])
        record_results(records, [result(NEWEST, EVIL, "failed", EVIL, table=EVIL)])
    with api_server(home) as server, watched_page(browser) as page:
        show(page, server)
        names = page.locator("#devices .yaxislayer-above").text_content() or ""
        assert "<b>bold</b>" in names
        assert "<img" in names
        assert "%{value}" in (page.locator("#places .treemaplayer").text_content() or "")
        assert EVIL in page.locator("#quality-body").inner_text()
        as_tables(page)
        assert row(page, "devices", EVIL).is_visible()
        row(page, "devices", EVIL).click()
        ready(page)
        assert people(page) == 1
        assert page.locator("main img, main a[href^='https:'], .plot b").count() == 0
        assert page.title() == "2024-08-07 · User profiles"
