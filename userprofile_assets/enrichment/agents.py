"""`user_agent`: what a day's distinct agents stand for.

Belongs here: the columns, batches, which agents the cache knows. Does not belong here: rules
(`agent_parser.py` and what it uses), the file of the cache (`agent_cache.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from userprofile_assets.enrichment.agent_cache import AgentCache
from userprofile_assets.enrichment.agent_parser import AgentParser
from userprofile_assets.enrichment.lookup import LookupColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

# One look into the cache and one write for each batch. Agents may have several MB each.
_BATCH_ROWS = 5_000
_BATCH_CHARACTERS = 8 * 1024**2

COLUMNS = (
    LookupColumn("agent", "string", "User agent as in the log"),
    LookupColumn(
        "device",
        "string",
        "android, iphone, ipad, other_phone, windows_phone, macintosh, windows_pc, linux_pc, "
        "chromebook, other_pc, tv, console, wearable, car, appliance or unknown",
    ),
    LookupColumn("identity", "string", "user, crawler, feed or unknown"),
    LookupColumn("browser", "string", "Family of the browser, app or crawler, or unknown"),
    LookupColumn("os", "string", "Family of the operating system, or unknown"),
    LookupColumn("version", "string", "Version of the browser; NULL when it gives none"),
)


class UserAgentLookup:
    """Looks agents up.

    Args:
        cache_directory: Where agents that were seen are remembered; None remembers none.
        log: Told when the cache cannot be used.
    """

    name = "user_agent"
    columns = COLUMNS
    attribution = None

    def __init__(self, cache_directory: Path | None, *, log: Callable[[str], None]) -> None:
        self._parser = AgentParser()
        self._cache = (
            None
            if cache_directory is None
            else AgentCache(cache_directory, version=self._parser.version, log=log)
        )

    @property
    def version(self) -> str:
        """Our rules' digest and the versions of the packages that hold the lists."""
        return self._parser.version

    def rows(self, keys: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
        """Yield agent and facts for each key, in the order of the keys."""
        for batch in _batches(keys):
            agents = {agent for agent in batch if agent is not None}
            known = {} if self._cache is None else self._cache.find(list(agents))
            new = {agent: self._parser.facts(agent) for agent in agents if agent not in known}
            if self._cache is not None:
                self._cache.keep(new)
            known |= new
            for agent in batch:
                facts = self._parser.facts(None) if agent is None else known[agent]
                yield (agent, *facts)


def _batches(keys: Iterable[tuple[Any, ...]]) -> Iterator[list[str | None]]:
    batch: list[str | None] = []
    characters = 0
    for (agent,) in keys:
        batch.append(agent)
        characters += len(agent or "")
        if len(batch) >= _BATCH_ROWS or characters >= _BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch
