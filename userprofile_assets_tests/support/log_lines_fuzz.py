r"""Log lines that somebody, somewhere, will have: of all formats, whole, odd and broken.

Belongs here: making the bytes of a log, and users, from a seed and some texts. Does not belong
here: what they mean (`reference_lines.py`); logs as they should be (`userprofile_assets.demo`).
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from userprofile_assets_tests.support.reference import User

Value = TypeVar("Value")

_ADDRESSES = (
    "223.5.5.5", "8.8.8.8", "81.2.69.142", "203.0.113.7", "10.0.0.1", "83.149.9.216",
    "2001:db8::1", "2400:3200::1", "::1", "::ffff:81.2.69.142", "[2400:3200::1]:443",
    "81.2.69.142:51234", "fe80::1%eth0", "-", "unix:", "crawl-66.googlebot.com", "203.0.113.07",
    "1.2.3.4,5.6.7.8", "",
)  # fmt: skip
_HOSTS = ("www.example.com:443", "example.com:80", "a:b", ":80", "[::1]:80", "::1:80")
_USERS = ("-", "-", "u1", "u2", "u3", "u4", "u5", "u6", "u7", "u8")
_ODD_USERS = (
    "", '""', "John Smith", "DOMAIN\\\\user", "DOMAIN\\user", 'a\\"b', "a [b", "用户", "u[1]",
    "0012", "12", "anon:0123456789abcdef", "U1", " u1", "u1 ", "\\N", "##@@", "u#@",
)  # fmt: skip
_REQUESTS = (
    "GET / HTTP/1.1", "GET /index.html HTTP/1.1", "GET /a/b?x=1&y=2 HTTP/2.0", "POST /a HTTP/1.0",
    "HEAD / HTTP/1.1", "GET /style.css HTTP/1.1", "GET /IMG/A.PNG?v=1 HTTP/1.1",
    "GET /feed/ HTTP/1",
    "GET /blog/feed HTTP/1.1", "GET /Feed?x HTTP/1.1", "GET /feeder HTTP/1.1", "GET feed HTTP/1.1",
    "GET /index.rdf?q=/a.css HTTP/1.1", "GET /a.tar.gz HTTP/1.1", "GET /css HTTP/1.1",
    "GET /a.b/c HTTP/1.1", "GET /a b c HTTP/1.1", "GET /a b c", "GET /", "GET", "", "-", " ", "  ",
    "GET  HTTP/1.1", "GET HTTP/1.1", " / HTTP/1.1", "GET / HTTP/1.1 ", "GET /x http/1.1",
    "\\x16\\x03\\x01", "GET /\\\"q\\\" HTTP/1.1", "GET /\\\\ HTTP/1.1", "GET /\\x22%22 HTTP/1.1",
    "GET /a##@@b HTTP/1.1", "GET /a|b HTTP/1.1", "OPTIONS * HTTP/1.0", "get / HTTP/1.1",
    "CONNECT example.com:443 HTTP/1.1", "GET http://example.com/rss HTTP/1.1",
    "GET /?a=/feed HTTP/1",
    "PRI * HTTP/2.0", "GET /\t HTTP/1.1", "GET /a\x85b HTTP/1.1", "GET /a\u2028b HTTP/1.1",
    "GET /İ.PNG HTTP/1.1", "GET /中文 HTTP/1.1", "GET /a.html;x=.js HTTP/1.1", "GET /. HTTP/1.1",
)  # fmt: skip
_STATUSES = ("200", "200", "200", "200", "204", "206", "301", "304", "404", "500", "499", "000")
_ODD_STATUSES = ("", "-", "20", "2000", "abc", "\uff12\uff10\uff10", "+20", "2 0", "20\x00", "99²")
_BYTES = ("0", "5", "123", "-", "99999999999999999999")
_ODD_BYTES = ("", "--", "-1", "1.5", "1e3", "abc", "\uff11", "1 2", "+1")
_REFERERS = (
    "-", "", "http://www.example.com/a/b", "https://example.com", "https://example.com:8443/?x",
    "example.com/a", "android-app://com.example/", "/a://b/", "http:///x", "://x/y", "http://",
    "http:/x", "a://b://c/d", 'http://a/\\"', "http://例え.jp/x", "http://a b/c", "HTTP://A.B/",
)  # fmt: skip
_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
    "like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.4 Safari/605.1.15",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Feedly/1.0 (+http://www.feedly.com/fetcher.html; like FeedFetcher-Google)",
    "Mozilla/5.0 (Mobile; Windows Phone 8.1; Android 4.0; ARM; Trident/7.0; NOKIA; Lumia 635) like "
    "iPhone OS 7_0_3 Mac OS X AppleWebKit/537 (KHTML, like Gecko) Mobile Safari/537",
    "curl/8.5.0", "python-requests/2.32.3", "-", "", " ", 'a\\"b', "a\\\\", "\\xd0\\x9f", "用户",
)  # fmt: skip
_RESTS = (
    "",
    "",
    "",
    "",
    " ",
    ";",
    " -",
    ' "10.1.1.1"',
    " 0.004 upstream",
    ";x",
    "x",
    ' "',
    ' "a" "b"',
)
_SPECIALS = (
    '"', "\\", '\\"', "\\\\", " ", "##@@", "[", "]", "\r", "\x00", "\x1f", "\x01", "\t", "\ue000",
    "\ue001", "\ufeff", "\u2028", "\x85", "\xa0", "|", "%", "-", ":", ";", "\U0001d4b3", "\u0301",
)  # fmt: skip
_NOT_UTF8 = (
    b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\x80", b"\xe4\xb8", b"\x80",
)  # fmt: skip
_TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=30)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ZONES = ("+0800", "+0800", "+0800", "+0000", "-0700", "+0545", "-0930", "+1400", "-1200")
_ODD_TIMES = (
    "", "-", "07/Aug/2024", "07/Aug/2024:10:00:00", "07/aug/2024:10:00:00 +0800",
    "7/Aug/2024:10:00:00 +0800", "31/Feb/2024:10:00:00 +0800", "07/Aug/2024:24:00:00 +0800",
    "07/Aug/2024:23:59:60 +0800", "07/Aug/2024:10:60:00 +0800", "07/Aug/2024:10:00:00 +08:00",
    "07/Aug/2024:10:00:00 +2500", "07/Aug/2024:10:00:00 +0860", "07/Aug/2024:10:00:00 CST",
    "07/Aug/2024:10:00:00  +0800", "07/08/2024:10:00:00 +0800", "07/Aug/24:10:00:00 +0800",
    "07/Aug/2024:10:00:00 0800", "07/Aug/2024 10:00:00 +0800", "07-Aug-2024:10:00:00 +0800",
    "07/Aug/2024:1:00:00 +0800", "2024080725:00:00", "2024023010:00:00", "20240807 10:00:00",
    "2024-02-30 10:00:00", "2024-08-07 25:00:00", "2024-08-07 10:00", "2024-08-07", "1723000000",
    "29/Feb/2023:10:00:00 +0800", "0x/Aug/2024:10:00:00 +0800",
    "07/Aug/\uff12\uff10\uff12\uff14:10:00:00 +0800",
)  # fmt: skip


def fuzz_log(bizdate: str, *, examples: int = 40, lines: int = 50) -> tuple[bytes, list[User]]:
    """Return a log and users, from texts and seeds that hypothesis finds.

    Args:
        bizdate: The day.
        examples: So many times hypothesis is asked. All of them are one log: Spark takes seconds
            for one line and not many more for thousands.
        lines: For each example.
    """
    contents: list[bytes] = []
    users: list[User] = []

    @settings(max_examples=examples, database=None, deadline=None)
    @given(st.integers(min_value=0, max_value=2**32), st.lists(_TEXTS, min_size=1, max_size=20))
    def collect(seed: int, texts: list[str]) -> None:
        log = FuzzLog(seed, texts, bizdate)
        contents.append(log.content(lines))
        users.extend(log.users())

    collect()
    return b"\n".join(contents), users


class FuzzLog:
    """Makes lines for a business date.

    Args:
        seed: Of everything.
        texts: Put into fields here and there; no LF.
        bizdate: The day that most lines are of, in Shanghai.
    """

    def __init__(self, seed: int, texts: Sequence[str], bizdate: str) -> None:
        self._random = random.Random(seed)
        self._texts = texts or ("",)
        self._midnight = datetime.strptime(bizdate, "%Y%m%d").replace(
            tzinfo=ZoneInfo("Asia/Shanghai")
        )

    def content(self, lines: int) -> bytes:
        """Return a log."""
        chance = self._random.random
        parts = []
        for number in range(lines):
            end = b"\r\n" if chance() < 0.05 else b"\n"
            if number == lines - 1 and chance() < 0.5:
                end = b""
            parts.append(self._line().replace(b"\n", b" ") + end)
        return (b"\xef\xbb\xbf" if chance() < 0.2 else b"") + b"".join(parts)

    def users(self) -> list[User]:
        """Return registered users: some twice or without a name, with values that are missing."""
        pick = self._random.choice
        uids: list[str | None] = [
            *_USERS,
            *_ODD_USERS,
            "idle-1",
            "idle-2",
            "u1",
            "u2",
            "u2",
            None,
            "",
            "-",
        ]
        uids += self._random.sample(list(self._texts), min(5, len(self._texts)))
        return [
            (
                uid,
                pick((None, "", "female", "male", "男性")),
                pick((None, "20-30", "30-40", "60+")),
                pick((None, "Leo", "leo", "Virgo", "水瓶座")),
            )
            for uid in uids
        ]

    def _line(self) -> bytes:
        make: Callable[[], str] = self._random.choices(
            (self._combined, self._common, self._tutorial, self._text, str),
            weights=(60, 15, 22, 2, 1),
        )[0]
        text = make()
        if self._random.random() < 0.15:
            text = self._broken(text)
        line = text.encode("utf-8")
        if self._random.random() < 0.01:
            place = self._random.randrange(len(line) + 1)
            line = line[:place] + self._random.choice(_NOT_UTF8) + line[place:]
        return line

    def _combined(self) -> str:
        gap = self._of((" ",), ("",), often=0.9)
        between = self._of((" ",), ("", "  ", " x "), often=0.99)
        referer = self._of(_REFERERS, self._texts, often=0.95)
        agent = self._of(_AGENTS, self._texts, often=0.95)
        rest = self._random.choice(_RESTS)
        return f'{self._start()}{gap}"{referer}"{between}"{agent}"{rest}'

    def _common(self) -> str:
        return self._start() + self._of(("",), (" ", " x", "\t"), often=0.95)

    def _start(self) -> str:
        host = self._of(("",), tuple(f"{host} " for host in _HOSTS), often=0.9)
        who = f"{self._address()} {self._of(('-',), ('', 'x', 'a b'), often=0.97)} {self._user()}"
        request = self._of(_REQUESTS, self._texts, often=0.95)
        gap = self._of((" ",), ("", "  "), often=0.99)
        return f'{host}{who}{gap}[{self._time()}] "{request}" {self._status()} {self._bytes()}'

    def _tutorial(self) -> str:
        fields = [
            self._address(),
            self._user(),
            self._time(),
            self._of(_REQUESTS, self._texts, often=0.95),
            self._status(),
            self._bytes(),
            self._of(_REFERERS, self._texts, often=0.95),
            self._of(_AGENTS, self._texts, often=0.95),
        ]
        count = self._of((8,), (0, 1, 2, 3, 4, 5, 6, 7, 9), often=0.95)
        return "##@@".join((*fields, "x")[:count])

    def _text(self) -> str:
        return self._random.choice(self._texts)

    def _address(self) -> str:
        return self._of(_ADDRESSES, self._texts, often=0.98)

    def _user(self) -> str:
        return self._of(_USERS, (*_ODD_USERS, *self._texts), often=0.85)

    def _status(self) -> str:
        return self._of(_STATUSES, _ODD_STATUSES, often=0.98)

    def _bytes(self) -> str:
        return self._of(_BYTES, _ODD_BYTES, often=0.98)

    def _time(self) -> str:
        if self._random.random() < 0.04:
            return self._random.choice((*_ODD_TIMES, self._text()))
        second = self._of(
            (self._random.randrange(86_400), 36_000, 36_001, 36_002),
            (0, -1, 1, 86_399, 86_400, -86_400, 3_000_000, -9_999_999),
            often=0.85,
        )
        moment = self._midnight + timedelta(seconds=second)
        form = self._random.choices((self._apache, self._compact, self._iso), weights=(8, 1, 1))[0]
        return form(moment)

    def _apache(self, moment: datetime) -> str:
        zone = self._random.choice(_ZONES)
        sign = -1 if zone[0] == "-" else 1
        offset = sign * timedelta(hours=int(zone[1:3]), minutes=int(zone[3:]))
        there = moment.astimezone(ZoneInfo("UTC")) + offset
        month = _MONTHS[there.month - 1]
        return f"{there:%d}/{month}/{there.year:04}:{there:%H:%M:%S} {zone}"

    def _compact(self, moment: datetime) -> str:
        return f"{moment:%Y%m%d%H:%M:%S}"

    def _iso(self, moment: datetime) -> str:
        middle = self._random.choice("T ")
        fraction = self._random.choice(("", "", ".5", ".123456", ".1234567"))
        if self._random.random() < 0.5:
            return f"{moment:%Y-%m-%d}{middle}{moment:%H:%M:%S}{fraction}"
        utc = moment.astimezone(ZoneInfo("UTC"))
        zone = self._random.choice(("Z", "+00:00", " UTC", "+0000"))
        return f"{utc:%Y-%m-%d}{middle}{utc:%H:%M:%S}{fraction}{zone}"

    def _broken(self, text: str) -> str:
        place = self._random.randrange(len(text) + 1)
        kind = self._random.randrange(4)
        if kind == 0:
            return text[:place]
        if kind == 1:
            return text[:place] + text[place + 1 :]
        if kind == 2:
            return text[place:] + text[:place]
        return text[:place] + self._random.choice(_SPECIALS) + text[place:]

    def _of(self, usual: Sequence[Value], odd: Sequence[Value], *, often: float) -> Value:
        """Return a usual value as often as said, else an odd one."""
        return self._random.choice(usual if self._random.random() < often or not odd else odd)
