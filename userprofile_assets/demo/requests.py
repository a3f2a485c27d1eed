"""Requests of the embedded log: what is asked for, how it is answered, where it came from.

Belongs here: tables of `request##@@status##@@bytes##@@referer##@@`, one for each kind of visitor.
Does not belong here: who asks (`log_lines.py`).
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

SEPARATOR = b"##@@"

# An answer: request line, status, bytes, referer.
_Answer: TypeAlias = tuple[str, int, int, str]

TABLE_SIZE = 4_096  # a power of two, so that an index is some random bits

_SITE = "https://www.example.com"
_SECTIONS = ("news", "tech", "life", "travel", "food", "games", "finance", "sports")
_WORDS = ("%E6%89%8B%E6%9C%BA", "%E6%98%9F%E5%BA%A7", "dagster", "spark+oss", "%E5%A4%A9%E6%B0%94")
_ASSETS = (
    "/static/css/main.7c1f.css",
    "/static/js/app.41d0.js",
    "/static/js/vendor.9ab2.js",
    "/static/img/logo.png",
    "/static/fonts/text.woff2",
    "/favicon.ico",
)
_SEARCHES = (
    "https://www.baidu.com/link?url=",
    "https://www.google.com/",
    "https://cn.bing.com/search?q=",
    "https://www.sogou.com/web?query=",
    "https://m.sm.cn/s?q=",
)
_ELSEWHERE = (
    "https://www.zhihu.com/question/",
    "https://weibo.com/u/",
    "https://mp.weixin.qq.com/s/",
    "android-app://com.tencent.mm/",
    "http://blog.example.org/2024/",
)
_FEEDS = ("/feed", "/feed.xml", "/tech/feed/", "/rss.xml", "/atom.xml", "/comments/feed/")
_PROBES = ("/wp-login.php", "/.env", "/phpmyadmin/index.php", "/xmlrpc.php", "/actuator/health")


def _article(random: Random) -> str:
    # The smaller of two draws: old pages are asked for less often than new ones.
    number = min(random.getrandbits(14), random.getrandbits(14))
    return f"/{random.choice(_SECTIONS)}/article/{number}.html"


def _page(random: Random) -> str:
    return random.choices(
        (
            "/",
            _article(random),
            f"/{random.choice(_SECTIONS)}/?page={1 + random.getrandbits(4)}",
            f"/search?q={random.choice(_WORDS)}&from=home",
            f"/item?id={random.getrandbits(20)}&src=list",
            "/搜索?q=手机",
            "/user/profile",
        ),
        (18, 50, 12, 7, 10, 1, 2),
    )[0]


def _referer(random: Random) -> str:
    kind = random.random()
    if kind < 0.35:
        return "-"
    if kind < 0.70:
        return _SITE + _page(random)
    if kind < 0.90:
        return f"{random.choice(_SEARCHES)}{random.choice(_WORDS)}"
    return f"{random.choice(_ELSEWHERE)}{random.getrandbits(24)}"


def _status(random: Random) -> int:
    return random.choices(
        (200, 304, 301, 302, 206, 403, 404, 499, 500, 502),
        (8200, 900, 180, 160, 60, 50, 340, 50, 40, 20),
    )[0]


def _size(random: Random, status: int, largest: int) -> int:
    if status == 304:
        return 0
    if status != 200:
        return 150 + random.getrandbits(9)
    return 400 + int(largest * random.random() * random.random())


def _browse(random: Random) -> _Answer:
    status = _status(random)
    kind = random.random()
    if kind < 0.25:
        request = f"GET {random.choice(_ASSETS)} HTTP/1.1"
        return request, status, _size(random, status, 180_000), _SITE + _page(random)
    if kind < 0.35:
        image = f"/upload/2024/{1 + random.getrandbits(3)}/{random.getrandbits(20):05x}.jpg"
        return f"GET {image} HTTP/2.0", status, _size(random, status, 900_000), _SITE + "/"
    if kind < 0.42:
        path = random.choice(("/api/login", "/api/cart", "/api/comment", "/api/track"))
        return f"POST {path} HTTP/1.1", status, 20 + random.getrandbits(10), _SITE + _page(random)
    protocol = random.choice(("HTTP/1.1", "HTTP/1.1", "HTTP/2.0"))
    return (
        f"GET {_page(random)} {protocol}",
        status,
        _size(random, status, 60_000),
        _referer(random),
    )


def _crawl(random: Random) -> _Answer:
    status = _status(random)
    path = random.choices(("/robots.txt", "/sitemap.xml", _page(random)), (6, 3, 91))[0]
    return f"GET {path} HTTP/1.1", status, _size(random, status, 60_000), "-"


def _feed(random: Random) -> _Answer:
    status = random.choices((200, 304, 301), (40, 57, 3))[0]
    return f"GET {random.choice(_FEEDS)} HTTP/1.1", status, _size(random, status, 40_000), "-"


def _program(random: Random) -> _Answer:
    kind = random.random()
    if kind < 0.3:
        return f"GET {random.choice(_PROBES)} HTTP/1.1", 404, 153, "-"
    if kind < 0.4:
        return "HEAD / HTTP/1.1", 200, 0, "-"
    if kind < 0.5:
        return "OPTIONS /api/track HTTP/1.0", 204, 0, "-"
    page = f"GET /api/items?page={random.getrandbits(8)} HTTP/1.1"
    return page, _status(random), random.getrandbits(14), "-"


def _table(random: Random, answer: Callable[[Random], _Answer], distinct: int) -> list[bytes]:
    """Return TABLE_SIZE references to `distinct` answers, each a run of four fields."""
    entries = [
        b"%s##@@%d##@@%d##@@%s##@@" % (request.encode(), status, size, referer.encode())
        for request, status, size, referer in (answer(random) for _ in range(distinct))
    ]
    return entries * (TABLE_SIZE // distinct)


class RequestTables:
    """What each kind of visitor asks for; the same tables for every day of a seed.

    Attributes:
        browsing: Pages, images, assets and forms of people.
        crawling: Pages, `robots.txt` and the site map.
        feeds: Feeds, mostly answered with 304.
        programs: An API, and the usual probes that end in 404.
    """

    def __init__(self, seed: int) -> None:
        random = Random(f"{seed}:requests")  # noqa: S311 - repeatable on purpose
        self.browsing = _table(random, _browse, TABLE_SIZE)
        self.crawling = _table(random, _crawl, 2_048)
        self.feeds = _table(random, _feed, 128)
        self.programs = _table(random, _program, 512)
