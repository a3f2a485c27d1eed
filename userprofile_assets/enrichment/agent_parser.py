"""One row of knowledge for one agent: device, identity, browser, system, version.

Belongs here: putting the parts together, how much of an agent is looked at, the version of it all.
Does not belong here: the rules (`agent_devices.py`, `agent_identity.py`), the cache.

Browser, its version and the system come from ua-parser with its Rust engine.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from userprofile_assets.enrichment.agent_devices import UNKNOWN, Devices
from userprofile_assets.enrichment.agent_identity import Identities

if TYPE_CHECKING:
    from ua_parser import Parser

# Characters looked at. Real agents have up to about 800; the rest of a longer one is padding or an
# attack, and some rules take time that grows with the square of the length.
_LENGTH = 2_048
_PACKAGES = ("ua-parser", "ua-parser-builtins", "ua-parser-rs", "is-bot", "device-detector")


class AgentFacts(NamedTuple):
    """What is known of an agent; the columns are described in `agents.py`."""

    device: str
    identity: str
    browser: str
    os: str
    version: str | None


class AgentParser:
    """Tells what an agent stands for. The lists are read at the first use."""

    def __init__(self) -> None:
        self._devices = Devices()
        self._identities = Identities()

    def facts(self, agent: str | None) -> AgentFacts:
        """Return what is known of an agent; never raises for any text."""
        text = _looked_at(agent or "")
        lowered = text.lower()
        result = self._parser.parse(text)
        browser, system = result.user_agent, result.os
        return AgentFacts(
            device=self._devices.device(text, lowered),
            identity=self._identities.identity(lowered),
            browser=UNKNOWN if browser is None else browser.family,
            os=UNKNOWN if system is None else system.family,
            version=None
            if browser is None or browser.major is None
            else ".".join(filter(None, (browser.major, browser.minor, browser.patch))),
        )

    @cached_property
    def _parser(self) -> Parser:
        from ua_parser import Parser
        from ua_parser.loaders import load_builtins
        from ua_parser.regex import Resolver

        return Parser(Resolver(load_builtins()))

    @cached_property
    def version(self) -> str:
        """Changes with our rules and with the packages that hold the lists."""
        digest = hashlib.sha256()
        for path in sorted(Path(__file__).parent.glob("agent_*.py")):
            digest.update(path.read_bytes())
        packages = " ".join(f"{name}={version(name)}" for name in _PACKAGES)
        return f"rules={digest.hexdigest()[:12]} {packages}"


def _looked_at(agent: str) -> str:
    """Return the part that is looked at, as text the Rust engine takes."""
    text = agent[: 2 * _LENGTH].strip()[:_LENGTH]
    return text.encode("utf-8", "replace").decode("utf-8")
