"""What agents stand for: examples of each value, and agents that no rule foresaw."""

import pytest

from userprofile_assets.enrichment import agent_models
from userprofile_assets.enrichment.agent_parser import AgentParser
from userprofile_assets.enrichment.agent_patterns import Screened, without_look_around
from userprofile_assets.enrichment.agents import UserAgentLookup
from userprofile_assets.errors import PermanentError

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
CHROME = f"{WEBKIT} Chrome/126.0.0.0 Safari/537.36"
MOBILE = f"{WEBKIT} Chrome/126.0.0.0 Mobile Safari/537.36"
APPLE = "AppleWebKit/605.1.15 (KHTML, like Gecko)"


@pytest.fixture(scope="module")
def parser():
    return AgentParser()


@pytest.mark.parametrize(
    ("device", "agent"),
    [
        ("android", f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {MOBILE}"),
        ("android", f"Mozilla/5.0 (Linux; Android 13; SM-X200) {CHROME}"),
        ("android", "Dalvik/2.1.0 (Linux; U; Android 12; M2102K1C Build/SKQ1)"),
        ("iphone", f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) {APPLE} Mobile/15E1"),
        ("iphone", f"Mozilla/5.0 (iPod touch; CPU iPhone OS 12_0 like Mac OS X) {APPLE}"),
        ("ipad", f"Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) {APPLE} Version/16.6"),
        ("ipad", f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {APPLE} Mobile/15E148"),
        ("macintosh", f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {APPLE} Safari/605.1.15"),
        ("windows_pc", f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME}"),
        (
            "windows_phone",
            "Mozilla/5.0 (Mobile; Windows Phone 8.1; Android 4.0; ARM; Trident/7.0; rv:11.0; "
            "NOKIA; Lumia 520) like iPhone OS 7_0_3 Mac OS X AppleWebKit/537 Mobile Safari/537",
        ),
        ("linux_pc", "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/12"),
        ("linux_pc", "Mozilla/5.0 (X11; FreeBSD amd64; rv:115.0) Gecko/20100101 Firefox/115.0"),
        ("chromebook", f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {CHROME}"),
        ("other_pc", "Mozilla/5.0 (compatible; U; Haiku x86_64) WebPositive/1.2"),
        ("tv", f"Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) {CHROME}"),
        ("tv", f"Mozilla/5.0 (Web0S; Linux/SmartTV) {CHROME} WebAppManager"),
        ("tv", f"Mozilla/5.0 (Linux; Android 9; AFTMM Build/PS7233; wv) {MOBILE}"),
        ("tv", f"Mozilla/5.0 (Linux; arm; Android 11; 24LE7011D Build/RP1A; wv) {MOBILE}"),
        ("tv", "Roku/DVP-9.10 (519.10E04111A)"),
        ("console", "Mozilla/5.0 (PlayStation; PlayStation 5/2.26) AppleWebKit/605.1.15"),
        ("console", f"Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox One) {CHROME} Edg/44"),
        ("wearable", "atc/1.0 watchOS/10.1 model/Watch6,2 hwp/t8301 build/21S71"),
        ("car", f"Mozilla/5.0 (X11; GNU/Linux) {CHROME} Tesla/2023.44.30"),
        ("other_phone", "Mozilla/5.0 (Mobile; Nokia 8110 4G; rv:48.0) Gecko/48.0 KAIOS/2.5"),
        ("unknown", "curl/8.9.1"),
        ("unknown", ""),
    ],
)
def test_the_device_that_an_agent_names(parser, device, agent):
    assert parser.facts(agent).device == device


IPHONE = f"Mozilla/5.0 (iPhone; CPU iPhone OS 16_6 like Mac OS X) {APPLE} Mobile/20G75"
ANDROID = f"Mozilla/5.0 (Linux; Android 13; 2211133C Build/TKQ1; wv) {MOBILE}"


@pytest.mark.parametrize("phone", [IPHONE, ANDROID], ids=["iPhone", "Android"])
@pytest.mark.parametrize(
    "app",
    [
        "AliApp(TB/10.30.0) WindVane/8.7.2 1170x2532 WK TTID/201200@taobao_iphone_10.30.0",
        "AliApp(AP/10.2.50) Nebula AlipayDefined(nt:WIFI,ws:390|780|3.0) AlipayClient/10.2.50",
        "NewsArticle/7.5.5.30 JsSdk/2.0 NetType/WIFI (News 7.5.5 13.300000)",
        "qqnews/7.1",
        "newsapp_ios",
        "SinaNews/7.1",
        "MicroMessenger/8.0.49.2600 NetType/WIFI Language/zh_CN",
    ],
    ids=["Taobao", "Alipay", "Toutiao", "Tencent News", "NetEase News", "Sina News", "WeChat"],
)
def test_who_reads_in_an_app_of_a_phone_is_a_person(parser, phone, app):
    assert parser.facts(f"{phone} {app}").identity == "user"


@pytest.mark.parametrize(
    "name",
    ["(compatible; newsnow/1.0; +http://www.example.com)", "newsbot/1.0", "bingbot/2.0"],
)
def test_a_crawler_that_poses_as_a_phone_is_one(parser, name):
    assert parser.facts(f"{IPHONE} {name}").identity == "crawler"


@pytest.mark.parametrize(
    ("identity", "agent"),
    [
        ("user", f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME}"),
        ("user", "Opera/9.80 (Windows NT 6.1; WOW64) Presto/2.12.388 Version/12.18"),
        ("user", f"Mozilla/5.0 (Linux; Android 7.0; CUBOT NOTE S) {MOBILE}"),
        ("user", f"Mozilla/5.0 (Linux; Android 13; Spider 8) {MOBILE}"),
        ("user", f"Mozilla/5.0 (Linux; Android 4.4.2; Discovery II Mini) {MOBILE}"),
        ("user", "SonyEricssonJ10i2/R1x Profile/MIDP-2.1 Configuration/CLDC-1.1 JavaPlatform/JP-8"),
        ("user", "MyBank/5.1 CFNetwork/1408.0.4 Darwin/22.5.0"),
        ("crawler", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"),
        (
            "crawler",
            f"Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) {MOBILE} "
            "(compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        ),
        ("crawler", "Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com/help/us/)"),
        ("crawler", f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} HeadlessChrome/126.0.0.0 Safari/53"),
        ("crawler", f"{WEBKIT}; compatible; GPTBot/1.2; +https://openai.com/gptbot)"),
        ("crawler", "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)"),
        ("crawler", "curl/8.9.1"),
        ("crawler", "python-requests/2.32.3"),
        ("crawler", "okhttp/4.12.0"),
        ("crawler", "Go-http-client/1.1"),
        ("crawler", "Java/17.0.11"),
        ("crawler", "Wget/1.21.4"),
        ("feed", "Feedfetcher-Google; (+http://www.google.com/feedfetcher.html; 2 subscribers)"),
        ("feed", "NetNewsWire (RSS Reader; https://netnewswire.com/)"),
        ("feed", "Tiny Tiny RSS/21.06 (https://tt-rss.org/)"),
        ("feed", "Mozilla/5.0 (compatible; Miniflux/2.1.3; +https://miniflux.app)"),
        ("unknown", ""),
        ("unknown", "-"),
        ("unknown", "   "),
    ],
)
def test_who_is_behind_an_agent(parser, identity, agent):
    assert parser.facts(agent).identity == identity


def test_browser_system_and_version_are_columns(parser):
    facts = parser.facts("Mozilla/5.0 (Windows NT 10.0; rv:128.0) Gecko/20100101 Firefox/128.0.3")

    assert (facts.browser, facts.os, facts.version) == ("Firefox", "Windows", "128.0.3")
    assert parser.facts("")[2:] == ("unknown", "unknown", None)


def test_a_row_has_the_columns_that_are_declared_in_the_order_of_the_keys():
    lookup = UserAgentLookup(None, log=print)
    keys = [("-",), ("curl/8.9.1",), (None,), ("curl/8.9.1",)]

    rows = list(lookup.rows(keys))

    assert [(row[0],) for row in rows] == keys
    assert {len(row) for row in rows} == {len(lookup.columns)}
    assert rows[1] == ("curl/8.9.1", "unknown", "crawler", "curl", "unknown", "8.9.1")
    assert rows[2] == (None, "unknown", "unknown", "unknown", "unknown", None)


@pytest.mark.parametrize(
    "agent",
    [
        pytest.param("Mozilla/5.0 (" + "android; " * 500_000, id="five megabytes of a comment"),
        pytest.param("a@" * 1_000_000, id="addresses without an end"),
        pytest.param("(" * 100_000, id="open brackets"),
        pytest.param("\ud800\x00\x7f\u202e🤖", id="half a character and controls"),
        pytest.param("'; DROP TABLE agents; --", id="SQL"),
    ],
)
def test_no_agent_is_too_strange(parser, agent):
    assert len(parser.facts(agent)) == 5


def test_what_stands_behind_the_first_2048_characters_does_not_count(parser):
    browser = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME}"

    assert parser.facts(browser + " " * 2_000 + "Googlebot/2.1").identity == "user"


def test_a_missing_list_of_models_says_what_to_install(monkeypatch):
    monkeypatch.setattr(agent_models, "find_spec", lambda name: None)

    with pytest.raises(PermanentError, match="the model list of the package device-detector"):
        agent_models.Models().kind("Mozilla/5.0 (Linux; Android 9; X)")


@pytest.mark.parametrize(
    ("pattern", "simple"),
    [
        (r"(?<!cu)bot\b", r"bot\b"),
        (r"a(?=b(c|d)[)(])e", "ae"),
        (r"a\(?!b", r"a\(?!b"),
        (r"[(?!]x[]a](?!y)", r"[(?!]x[]a]"),
        (r"(?:a|b)(?i:c)", r"(?:a|b)(?i:c)"),
    ],
)
def test_look_around_is_taken_out_of_a_pattern(pattern, simple):
    assert without_look_around(pattern) == simple


def test_a_screened_pattern_finds_exactly_what_the_pattern_matches():
    screened = Screened(r"(?<!cu)bot\b")

    assert [screened.found_in(text) for text in ("a bot", "a cubot", "botany")] == [
        True,
        False,
        False,
    ]
    assert screened.cut_from("a bot, a cubot", put="x") == "a x, a cubot"


def test_the_version_names_the_packages_of_the_lists(parser):
    assert parser.version.startswith("rules=")
    assert " is-bot=" in parser.version
    assert " device-detector=" in parser.version
