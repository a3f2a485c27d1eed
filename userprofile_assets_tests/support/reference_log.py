"""The log table by docs/processing.md: what request, referer, agent and address of a line mean.

Belongs here: the columns of `dwd_log_info_di_spark` for both logics. Does not belong here: cutting
lines (`reference_lines.py`), joins and profiles (`reference.py`).
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from userprofile_assets_tests.support.reference_lines import Line, Rules

    Row = dict[str, Any]

_FEEDS = {"feed", "rss", "atom", "feed.xml", "rss.xml", "atom.xml", "index.rdf"}
_ASSETS = (
    "css js mjs map json xml txt png jpg jpeg gif svg ico webp avif bmp tif tiff woff woff2 ttf "
    "otf eot mp3 mp4 ogg webm wav avi mov flv swf zip gz tgz bz2 xz 7z rar tar jar exe dmg deb rpm "
    "webmanifest wasm"
)
_DEVICES = {
    "android": "android",
    "iphone": "iphone",
    "ipad": "ipad",
    "macintosh": "macintosh",
    "windows phone": "windows_phone",
    "windows": "windows_pc",
}
_CRAWLERS = ("bot", "spider", "crawler", "slurp")
# `.` of Java's regular expressions stops at each of these, `.` of Python's only at the first.
_URL = re.compile("[^ ]+ ([^\n\r\u0085\u2028\u2029]*) [^ ]+")
_METHOD = re.compile("[^ ]+ ")
_PROTOCOL = re.compile(" ([^ ]+)\\Z")
_REFERER = re.compile("[^/]+://([^/]+)")


def log_row(line: Line, knowledge: Knowledge, rules: Rules) -> Row:
    """Return the row of a parsed line."""
    fields = line.fields
    place = knowledge.place(fields.ip)
    facts = knowledge.agent(fields.agent)
    row = {
        "ip": fields.ip,
        "uid": fields.uid,
        "time": fields.time,
        "status": fields.status,
        "bytes": fields.bytes,
        "country": place["country"],
        "region": place["region"],
        "city": place["city"],
        "event_time": line.micros,
        "browser": facts["browser"],
        "os": facts["os"],
    }
    if rules.logic == "tutorial":
        return row | _tutorial(line)
    return row | _standard(line, facts, place["address_key"], rules)


class Knowledge:
    """Rows of the two dimension tables, by agent and by address."""

    def __init__(self, agents: Mapping[str, Row], addresses: Mapping[str, Row]) -> None:
        self._agents = agents
        self._addresses = addresses

    def agent(self, agent: str | None) -> Row:
        """Return the facts of an agent."""
        if agent is None:
            return {"device": "unknown", "identity": "unknown", "browser": None, "os": None}
        return self._agents[agent]

    def place(self, address: str | None) -> Row:
        """Return the place of an address."""
        if address is None:
            return dict.fromkeys(("country", "region", "city", "address_key"))
        return self._addresses[address]


def _standard(line: Line, facts: Row, address_key: str, rules: Rules) -> Row:
    fields = line.fields
    method, url, protocol = split_request(fields.request or "")
    path = None if url is None else url.partition("?")[0].lower()
    identity = facts["identity"]
    if identity != "crawler" and path is not None and _is_feed(path):
        identity = "feed"
    is_page_view = (
        identity == "user"
        and method in ("GET", "POST")
        and (str(fields.status).startswith("2") or fields.status == "304")
        and path is not None
        and path.rpartition("/")[2].rpartition(".")[2] not in _ASSETS.split()
    )
    return {
        "method": method,
        "url": url,
        "protocol": protocol,
        "referer": None if fields.referer is None else host_of(fields.referer),
        "device": facts["device"],
        "identity": identity,
        "is_page_view": is_page_view,
        "anonymous_id": _anonymous_id(fields.uid, address_key, fields.agent, rules),
    }


def split_request(request: str) -> tuple[str | None, str | None, str | None]:
    """Return method, URL and protocol."""
    method, blank, rest = request.partition(" ")
    if not blank:
        return None, None, None
    before, _, last = rest.rpartition(" ")
    if last.startswith("HTTP/"):
        return method, before, last
    return method, rest, None


def host_of(referer: str) -> str | None:
    """Return the host of `scheme://host/...`, of which neither is empty."""
    found = _REFERER.match(referer)
    return None if found is None else found[1]


def _is_feed(path: str) -> bool:
    return path.rpartition("/")[2] in _FEEDS or path.endswith("/feed/")


def _anonymous_id(uid: str | None, address_key: str, agent: str | None, rules: Rules) -> str | None:
    if uid not in ("", "-") or rules.anonymous == "drop":
        return None
    return "anon:" + hashlib.sha256(f"{address_key} {agent or ''}".encode()).hexdigest()[:16]


def _tutorial(line: Line) -> Row:
    fields = line.fields
    request = fields.request
    url = _extract(_URL, request)
    return {
        "method": _extract(_METHOD, request),
        "url": url,
        "protocol": None if request is None else _found(_PROTOCOL.search(request)),
        "referer": _extract(_REFERER, fields.referer),
        "device": _tutorial_device(fields.agent),
        "identity": _tutorial_identity(fields.agent, url),
        "is_page_view": True,
        "anonymous_id": None,
    }


def _extract(pattern: re.Pattern[str], text: str | None) -> str | None:
    """Return the group, or the whole, of a match at the start; nothing that matches is empty."""
    if text is None:
        return None
    return _found(pattern.fullmatch(text) if pattern is _URL else pattern.match(text))


def _found(match: re.Match[str] | None) -> str:
    return "" if match is None else match[match.lastindex or 0]


def _tutorial_device(agent: str | None) -> str:
    lowered = (agent or "").lower()
    return next((device for word, device in _DEVICES.items() if word in lowered), "unknown")


def _tutorial_identity(agent: str | None, url: str | None) -> str:
    lowered = (agent or "").lower()
    if any(word in lowered for word in _CRAWLERS):
        return "crawler"
    if "feed" in lowered or "feed" in (url or ""):
        return "feed"
    return "user" if re.match("[Mozilla|Opera]", agent or "") else "unknown"
