"""`agents`: how many agents are told right, on public labelled sets, and how long it takes.

Half of each set was looked at while the rules were written: the agents whose MD5 is even. The
figures are of the other half. The list of models is Matomo's, so Matomo's own set says little on
devices with it; a row without the list stands beside it.
"""

from __future__ import annotations

import hashlib
import time
from collections import defaultdict
from typing import TYPE_CHECKING

from benchmarks.agent_sets import SETS, Labelled, MissingSetError
from benchmarks.report import Report, table, verdict
from benchmarks.rounds import tell
from userprofile_assets.enrichment.agent_devices import ruled_device
from userprofile_assets.enrichment.agents import UserAgentLookup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from benchmarks.project import Setup

_GOAL_SECONDS = 100.0  # for 100,000 agents
_TIMED = 100_000
_QUICK_TIMED = 5_000


class _Answer:
    """The rows of the lookup, by agent."""

    def __init__(self, agents: Sequence[str]) -> None:
        rows = UserAgentLookup(None, log=tell).rows((agent,) for agent in agents)
        self._rows = {row[0]: row for row in rows}

    def device(self, agent: str) -> str:
        return str(self._rows[agent][1])

    def identity(self, agent: str) -> str:
        return str(self._rows[agent][2])


def measure(setup: Setup) -> Report:
    """Measure all sets that can be had, then the time."""
    report = Report("User agents: device, crawlers, feed readers")
    rows: list[tuple[str, ...]] = []
    seen: set[str] = set()
    for title, read in SETS:
        tell(title)
        try:
            labelled = _held_out(read())
        except MissingSetError as error:
            report.add(f"{title}: not measured, {error}.")
            continue
        answer = _Answer([one.agent for one in labelled])
        rows.append(_row(title, labelled, answer.device, answer.identity))
        if read is SETS[0][1]:
            rows.append(
                _row(
                    f"{title}, without its list of models",
                    [Labelled(one.agent, one.device, None) for one in labelled],
                    lambda agent: ruled_device(agent.lower()),
                    answer.identity,
                )
            )
        seen.update(one.agent for one in labelled)
    header = ("half not looked at", "agents", "device right", "mean of classes", "crawlers found")
    report.add(
        table((*header, "as crawler or feed", "browsers taken for crawlers", "feed readers"), rows)
    )
    report.add(*_times(sorted(seen), setup))
    return report


def _held_out(labelled: Iterable[Labelled]) -> list[Labelled]:
    distinct = {one.agent: one for one in labelled if one.agent}
    return [one for agent, one in distinct.items() if _odd(agent)]


def _odd(agent: str) -> bool:
    data = agent.encode("utf-8", "surrogatepass")
    return hashlib.md5(data, usedforsecurity=False).digest()[-1] % 2 == 1


def _row(
    title: str,
    labelled: Sequence[Labelled],
    device: Callable[[str], str],
    identity: Callable[[str], str],
) -> tuple[str, ...]:
    classes: dict[str, list[bool]] = defaultdict(list)
    told: dict[str, list[str]] = defaultdict(list)
    for one in labelled:
        if one.device is not None:
            classes[one.device].append(device(one.agent) == one.device)
        if one.identity is not None:
            told[one.identity].append(identity(one.agent))
    right = [value for values in classes.values() for value in values]
    crawlers, people, feeds = told["crawler"], told["user"], told["feed"]
    return (
        title,
        f"{len(labelled):,}",
        _share(right),
        _share([sum(values) / len(values) for values in classes.values()]),
        _share([who == "crawler" for who in crawlers]),
        _share([who in {"crawler", "feed"} for who in crawlers]),
        _share([who == "crawler" for who in people], digits=2),
        _share([who == "feed" for who in feeds]),
    )


def _share(values: Sequence[float], *, digits: int = 1) -> str:
    return f"{100 * sum(values) / len(values):.{digits}f} %" if values else "-"


def _times(agents: Sequence[str], setup: Setup) -> list[str]:
    """Time new agents, and the same again; made distinct, as no set has that many."""
    count = _QUICK_TIMED if setup.quick else _TIMED
    keys = [(f"{agents[n % len(agents)]} {n // len(agents)}",) for n in range(count)]
    rows = []
    for what in ("new agents", "the same again, from the cache"):
        lookup = UserAgentLookup(setup.root / "cache", log=tell)
        wall, cpu = time.monotonic(), time.process_time()
        for _ in lookup.rows(keys):
            pass
        seconds, cpu = time.monotonic() - wall, time.process_time() - cpu
        rows.append((what, f"{seconds:.1f}", f"{cpu:.1f}", f"{count / seconds:,.0f}"))
    per_100k = float(rows[0][1]) * 100_000 / count
    return [
        table((f"{count:,} distinct agents", "seconds", "CPU s", "agents a second"), rows),
        f"For 100,000 new agents {per_100k:.0f} s; {verdict(per_100k, _GOAL_SECONDS, ' s')}.",
    ]
