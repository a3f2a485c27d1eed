"""User agents of the embedded log: browsers, crawlers, feed readers and programs.

Belongs here: the texts and how common each is. They are put together from the published formats of
the vendors (such as https://developers.google.com/search/docs/crawling-indexing/
google-common-crawlers), not taken from anybody's log.

An entry is the end of a line, with LF, so that all lines share it. The texts cover each rule of the
tutorial: all seven `device` values, all four `identity` values, and the awkward ones, such as a
Windows Phone that also says Android.
"""

from __future__ import annotations

_MOZILLA = "Mozilla/5.0"
_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
_CHROME = ("109.0.0.0", "120.0.0.0", "124.0.0.0", "125.0.0.0", "126.0.0.0", "127.0.0.0")
_EDGE = ("124.0.2478.97", "126.0.2592.113", "127.0.2651.74")
_FIREFOX = ("115.0", "127.0", "128.0", "129.0")
_SAFARI = ("15.6.1", "16.6", "17.4.1", "17.5")
_WINDOWS = "Windows NT 10.0; Win64; x64"
_MAC = "Macintosh; Intel Mac OS X 10_15_7"
_ANDROID = (
    ("14", "Pixel 8"), ("13", "Pixel 6a"), ("14", "SM-S9280"), ("13", "SM-G9910"),
    ("14", "23127PN0CC"), ("13", "2211133C"), ("12", "M2102K1C"), ("12", "ALN-AL80"),
    ("10", "ELS-AN00"), ("12", "LIO-AL00"), ("14", "V2309A"), ("13", "V2241A"),
    ("14", "PJD110"), ("13", "PHB110"), ("11", "RMX3370"), ("10", "K"),
)  # fmt: skip
_IOS = ("15_8_2", "16_6_1", "16_7_8", "17_4_1", "17_5_1", "17_6")


def _mobile_safari(machine: str, system: str, version: str) -> str:
    release = system.replace("_", ".")[:4]
    return (
        f"{_MOZILLA} ({machine}; CPU {version} {system} like Mac OS X) AppleWebKit/605.1.15 "
        f"(KHTML, like Gecko) Version/{release} Mobile/15E148 Safari/604.1"
    )


_WINDOWS_AGENTS = [
    *(f"{_MOZILLA} ({_WINDOWS}) {_WEBKIT} Chrome/{v} Safari/537.36" for v in _CHROME),
    *(
        f"{_MOZILLA} ({_WINDOWS}) {_WEBKIT} Chrome/{v.split('.', maxsplit=1)[0]}.0.0.0 "
        f"Safari/537.36 Edg/{v}"
        for v in _EDGE
    ),
    *(f"{_MOZILLA} ({_WINDOWS}; rv:{v}) Gecko/20100101 Firefox/{v}" for v in _FIREFOX),
    f"{_MOZILLA} (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko",
    f"{_MOZILLA} (Windows NT 6.1; Win64; x64) {_WEBKIT} Chrome/109.0.0.0 Safari/537.36",
    "Opera/9.80 (Windows NT 6.1; WOW64) Presto/2.12.388 Version/12.18",
]
_MAC_AGENTS = [
    *(f"{_MOZILLA} ({_MAC}) {_WEBKIT} Chrome/{v} Safari/537.36" for v in _CHROME),
    *(
        f"{_MOZILLA} ({_MAC}) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{v} Safari/605.1.15"
        for v in _SAFARI
    ),
    f"{_MOZILLA} (Macintosh; Intel Mac OS X 10.15; rv:128.0) Gecko/20100101 Firefox/128.0",
]
_ANDROID_AGENTS = [
    *(
        f"{_MOZILLA} (Linux; Android {release}; {model}) {_WEBKIT} Chrome/{v} Mobile Safari/537.36"
        for release, model in _ANDROID
        for v in _CHROME[2:]
    ),
    *(
        f"{_MOZILLA} (Linux; Android {release}; {model} Build/UKQ1; wv) {_WEBKIT} Version/4.0 "
        "Chrome/116.0.0.0 Mobile Safari/537.36 MicroMessenger/8.0.49.2600 NetType/WIFI "
        "Language/zh_CN"
        for release, model in _ANDROID
    ),
    f"{_MOZILLA} (Android 14; Mobile; rv:128.0) Gecko/128.0 Firefox/128.0",
]
_IPHONE_AGENTS = [
    *(_mobile_safari("iPhone", system, "iPhone OS") for system in _IOS),
    *(
        f"{_MOZILLA} (iPhone; CPU iPhone OS {system} like Mac OS X) AppleWebKit/605.1.15 "
        "(KHTML, like Gecko) Mobile/15E148 MicroMessenger/8.0.49 NetType/4G Language/zh_CN"
        for system in _IOS
    ),
    f"{_MOZILLA} (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) CriOS/127.0.6533.77 Mobile/15E148 Safari/604.1",
]
_IPAD_AGENTS = [_mobile_safari("iPad", system, "OS") for system in _IOS[:4]]
_WINDOWS_PHONE_AGENTS = [
    f"{_MOZILLA} (Windows Phone 10.0; Android 6.0.1; Microsoft; Lumia 950) {_WEBKIT} "
    "Chrome/52.0.2743.116 Mobile Safari/537.36 Edge/15.15254",
    f"{_MOZILLA} (compatible; MSIE 10.0; Windows Phone 8.0; Trident/6.0; IEMobile/10.0; ARM; "
    "Touch; NOKIA; Lumia 920)",
]
_LINUX_AGENTS = [
    f"{_MOZILLA} (X11; Linux x86_64) {_WEBKIT} Chrome/126.0.0.0 Safari/537.36",
    f"{_MOZILLA} (X11; Ubuntu; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
]


TABLE_SIZE = 1_024  # a power of two, so that an index is some random bits


def _ends(*agents: str) -> tuple[bytes, ...]:
    """Return each agent as the end of a line: its bytes and LF."""
    return tuple(agent.encode() + b"\n" for agent in agents)


def _table(*families: tuple[int, list[str]]) -> tuple[bytes, ...]:
    """Return 1,024 agents in which a family has as many entries as its share says."""
    entries = [agents[n % len(agents)] for share, agents in families for n in range(share)]
    assert len(entries) == TABLE_SIZE  # noqa: S101 - the shares above are constants
    return _ends(*entries)


BROWSERS = _table(
    (330, _WINDOWS_AGENTS),
    (110, _MAC_AGENTS),
    (330, _ANDROID_AGENTS),
    (200, _IPHONE_AGENTS),
    (24, _IPAD_AGENTS),
    (6, _WINDOWS_PHONE_AGENTS),
    (24, _LINUX_AGENTS),
)

# Each crawler with the first bytes of the networks it comes from.
_CRAWLERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        ("66.249.66", "66.249.68", "66.249.79"),
    ),
    (
        "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, "
        "like Gecko) Chrome/126.0.6478.182 Mobile Safari/537.36 (compatible; Googlebot/2.1; "
        "+http://www.google.com/bot.html)",
        ("66.249.66", "66.249.72"),
    ),
    (
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; "
        "+http://www.bing.com/bingbot.htm) Chrome/116.0.1938.76 Safari/537.36",
        ("40.77.167", "157.55.39", "207.46.13"),
    ),
    (
        "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
        ("220.181.108", "116.179.32", "180.76.15"),
    ),
    (
        "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
        ("5.255.231", "95.108.213"),
    ),
    (
        "Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com/help/us/ysearch/slurp)",
        ("74.6.168", "72.30.14"),
    ),
    (
        "Sogou web spider/4.0(+http://www.sogou.com/docs/help/webmasters.htm#07)",
        ("118.184.177", "49.7.21"),
    ),
)

CRAWLERS = tuple((_ends(agent)[0], networks) for agent, networks in _CRAWLERS)

FEED_READERS = _ends(
    "Feedly/1.0 (+http://www.feedly.com/fetcher.html; 12 subscribers)",
    "Feedbin feed-id:1373711 - 4 subscribers",
    "Tiny Tiny RSS/24.07 (Unsupported) (http://tt-rss.org/)",
    "FreshRSS/1.24.1 (Linux; https://freshrss.org)",
    "NetNewsWire (RSS Reader; https://netnewswire.com/)",
    "Mozilla/5.0 (compatible; inoreader.com; 3 subscribers)",
)

PROGRAMS = _ends(
    "python-requests/2.32.3",
    "okhttp/4.12.0",
    "curl/8.5.0",
    "Wget/1.21.4",
    "Go-http-client/1.1",
    "Java/17.0.11",
    "axios/1.7.2",
    "Apache-HttpClient/4.5.14 (Java/17.0.11)",
    "Dalvik/2.1.0 (Linux; U; Android 13; SM-G9910 Build/TP1A.220624.014)",
    "-",
)
