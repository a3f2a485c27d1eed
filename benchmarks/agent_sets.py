"""Public sets of user agents with labels, for `agents.py`: where they are got and what they say.

Belongs here: the sets, and how their labels map to the columns `device` and `identity`. Does not
belong here: measuring.

They are files of packages, got by pip, npm and mvn in pinned versions into the folder of
`peers/install.py`; none is part of the checkout. A set whose tool is missing is left out, and the
report says so.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import sys
import tarfile
import xml.etree.ElementTree as ET
import zipfile
from html import unescape
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml  # noqa: TID253 - a benchmark starts when it is asked for

from benchmarks.peers.install import cache
from benchmarks.rounds import tell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_SECONDS = 600.0


class Labelled(NamedTuple):
    """An agent and what its set says of it; None where the set says nothing that we name."""

    agent: str
    device: str | None
    identity: str | None


class MissingSetError(Exception):
    """A set cannot be had on this machine; the message says why."""


def _fetched(name: str, command: list[str]) -> Path:
    """Return a file of the cache, run `command` in the folder if it is not there."""
    folder = cache() / "agents"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    if not path.exists():
        if command[0] != sys.executable and shutil.which(command[0]) is None:
            raise MissingSetError(f"{command[0]} is not installed")
        tell(f"fetching {name}")
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
        if not path.exists():
            raise MissingSetError(f"{' '.join(command[:3])} ended with {done.returncode}")
    return path


def _pip(name: str, requirement: str, kind: str) -> Path:
    options = ["--no-deps", "--no-build-isolation", kind, ":all:", "-q"]
    return _fetched(name, [sys.executable, "-m", "pip", "download", *options, requirement])


def _npm(name: str, package: str) -> Path:
    return _fetched(name, ["npm", "pack", "--silent", package])


def _maven(name: str, artifact: str) -> Path:
    options = [f"-Dartifact={artifact}", "-DoutputDirectory=.", "-Dtransitive=false"]
    return _fetched(name, ["mvn", "-q", "dependency:copy", *options])


def _yaml(data: bytes) -> Any:
    return yaml.load(data, Loader=yaml.CSafeLoader)


def _members(path: Path, end: str, part: str) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(path) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.name.endswith(end) else None
            if file is not None and part in member.name:
                yield member.name.rsplit("/", 1)[-1], file.read()


_ANDROID_LIKE = {"Android", "FireOS", "Fire OS"}


def _handheld(system: str | None, *, tablet: bool) -> str | None:
    if system in {"iOS", "iPadOS", "iPhone", "iPad"}:
        return "ipad" if tablet or system in {"iPad", "iPadOS"} else "iphone"
    if system in _ANDROID_LIKE:
        return "android"
    return "windows_phone" if (system or "").startswith("Windows Phone") else None


def _desktop(system: str | None) -> str | None:
    text = system or ""
    if text.startswith("Windows"):
        return "windows_pc"
    if text.startswith("Mac"):
        return "macintosh"
    if text.replace(" ", "") in {"ChromeOS", "ChromiumOS"}:
        return "chromebook"
    linux = ("Linux", "Ubuntu", "Debian", "Fedora", "Mageia", "BSD", "SunOS", "Red Hat", "Unix")
    return "linux_pc" if any(word in text for word in linux) else None


def matomo() -> Iterator[Labelled]:
    """Fixtures of Matomo's device detector 6.5.1, without those that need client hints."""
    path = _pip("device_detector-6.5.1.tar.gz", "device-detector==6.5.1", "--no-binary")
    for name, data in _members(path, ".yml", "/tests/fixtures/upstream/"):
        if not name.startswith("clienthints"):
            yield from map(_of_matomo, _yaml(data))


def _of_matomo(entry: dict[str, Any]) -> Labelled:
    agent = entry["user_agent"]
    if "bot" in entry:
        # A fetcher of feeds is a bot to Matomo, a feed reader to others: in neither count.
        feeds = (entry["bot"].get("category") or "").startswith("Feed")
        return Labelled(agent, None, None if feeds else "crawler")
    client = str(_mapping(entry.get("client")).get("type"))
    kind = _mapping(entry.get("device")).get("type")
    system = _mapping(entry.get("os")).get("name")
    family = entry.get("os_family")
    device: str | None = None
    if kind in {"tv", "console"}:
        device = kind
    elif kind == "desktop":
        device = _desktop(system) or _desktop(family)
    elif kind in {"smartphone", "phablet", "tablet"}:
        device = _handheld(family, tablet=kind == "tablet")
    identity = {"feed reader": "feed", "browser": "user"}.get(client)
    return Labelled(agent, None if client in {"feed reader", "library"} else device, identity)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def yauaa() -> Iterator[Labelled]:
    """Tests of Yauaa 7.31.0 whose input is an agent alone, without attacks and broken agents."""
    path = _maven("yauaa-7.31.0.jar", "nl.basjes.parse.useragent:yauaa:7.31.0")
    without = ("Anonym", "Hacker", "Broken", "ClientHints")
    with zipfile.ZipFile(path) as jar:
        for name in jar.namelist():
            file = name.removeprefix("UserAgents/")
            if file == name or not file.endswith(".yaml") or file.startswith(without):
                continue
            for entry in _yaml(jar.read(name)).get("config") or ():
                test = entry.get("test") or {}
                given = {key.lower(): value for key, value in _mapping(test.get("input")).items()}
                if test.get("expected") and list(given) == ["user-agent"]:
                    yield _of_yauaa(given["user-agent"], test["expected"])


def _of_yauaa(agent: str, expected: dict[str, str]) -> Labelled:
    kind, system = expected.get("DeviceClass", ""), expected.get("OperatingSystemName")
    if kind.startswith("Robot"):
        return Labelled(agent, None, "crawler")
    client = expected.get("AgentClass", "")
    device: str | None = None
    if kind in {"TV", "Set-top box"}:
        device = "tv"
    elif kind.endswith("Game Console"):
        device = "console"
    elif kind in {"Phone", "Mobile", "Tablet"}:
        device = _handheld(system, tablet=kind == "Tablet")
    elif kind == "Desktop":
        device = _desktop(system)
    person = client in {"Browser", "Browser Webview", "Mobile App", "Desktop App", "Email Client"}
    return Labelled(
        agent, device if person else None, "user" if client.startswith("Browser") else None
    )


def woothee() -> Iterator[Labelled]:
    """Test sets of Woothee 1.11.1."""
    path = _npm("woothee-1.11.1.tgz", "woothee@1.11.1")
    for _, data in _members(path, ".yaml", "/woothee/testsets/"):
        for entry in _yaml(data) or ():
            agent, kind, system = entry["target"], entry.get("category"), entry.get("os")
            if kind == "crawler":
                yield Labelled(agent, None, "crawler")
            elif kind in {"pc", "smartphone", "appliance", "mobilephone"} and agent:
                device = {
                    "pc": _desktop(system),
                    "smartphone": _handheld(system, tablet=False),
                    "appliance": "console",
                }.get(kind)
                yield Labelled(agent, device, "user")


def intoli() -> Iterator[Labelled]:
    """10,000 agents of people, recorded by Intoli (user-agents 2.1.198) with the platform."""
    path = _npm("user-agents-2.1.198.tgz", "user-agents@2.1.198")
    platforms = {"iPhone": "iphone", "iPad": "ipad", "MacIntel": "macintosh", "Win32": "windows_pc"}
    for _, data in _members(path, "user-agents.json", "/dist/"):
        for entry in json.loads(data):
            platform = entry["platform"]
            device = platforms.get(platform)
            # `Linux x86_64` with a phone's agent is a browser that plays another machine.
            if platform.startswith("Linux a") and entry["deviceCategory"] != "desktop":
                device = "android"
            yield Labelled(entry["userAgent"], device, "user")


def robots() -> Iterator[Labelled]:
    """Robots of user-agent-string.info, as kept in uadetector-resources 2014.10."""
    artifact = "net.sf.uadetector:uadetector-resources:2014.10"
    path = _maven("uadetector-resources-2014.10.jar", artifact)
    with zipfile.ZipFile(path) as jar:
        root = ET.fromstring(jar.read("net/sf/uadetector/resources/uas.xml"))  # noqa: S314 - pinned
    for robot in root.iterfind(".//robots/robot"):
        agent = unescape((robot.findtext("useragent") or "").strip())
        if agent:
            yield Labelled(agent, None, "crawler")


def crawlers() -> Iterator[Labelled]:
    """Instances of crawler-user-agents 1.67.0."""
    name = "crawler_user_agents-1.67.0-py3-none-any.whl"
    path = _pip(name, "crawler-user-agents==1.67.0", "--only-binary")
    with zipfile.ZipFile(path) as wheel:
        data = wheel.read("crawleruseragents/crawler-user-agents.json")
    for entry in json.loads(data):
        yield from (Labelled(agent, None, "crawler") for agent in entry["instances"])


def browscap() -> Iterator[Labelled]:
    """Feed readers of Browscap 6001008 (browscap-java 1.5.1): patterns, their wildcards taken out.

    Its crawlers are left out: without the wildcards many of them are no agents that exist.
    """
    path = _maven("browscap-java-1.5.1.jar", "com.blueconic:browscap-java:1.5.1")
    with zipfile.ZipFile(path) as jar:
        inner = io.BytesIO(jar.read("browscap-6001008.zip"))
    with zipfile.ZipFile(inner) as archive, archive.open(archive.namelist()[0]) as file:
        lines = (line.decode("latin-1") for line in file if b",Feed Reader," in line)
        for row in csv.reader(lines):
            agent = row[0].replace("*", "").replace("?", " ").strip()
            yield Labelled(agent, None, "feed")


SETS: tuple[tuple[str, Callable[[], Iterator[Labelled]]], ...] = (
    ("Matomo device detector", matomo),
    ("Yauaa", yauaa),
    ("Woothee", woothee),
    ("Intoli user-agents", intoli),
    ("user-agent-string.info robots", robots),
    ("crawler-user-agents", crawlers),
    ("Browscap feed readers", browscap),
)
