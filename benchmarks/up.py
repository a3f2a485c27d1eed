"""`up`: seconds until all parts of `userprofile up` answer, and the memory of all of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.measure import tree
from benchmarks.project import Project, Setup
from benchmarks.report import MEGABYTE, Report, megabytes, table, verdict
from benchmarks.rounds import tell
from benchmarks.running_up import running_up

if TYPE_CHECKING:
    from collections.abc import Mapping

_GOAL_SECONDS = 25.0
_ANSWERS = re.compile(r"^(\w+) answers after ([\d.]+) s", re.MULTILINE)
# What stands in the command line of each process, and what it is; the first that fits counts.
_KINDS = {
    "SparkConnectServer": "Spark Connect server",
    "dagster_webserver": "web server",
    "dagster._daemon": "daemon",
    "dagster code-server": "code server, which reloads",
    "dagster api grpc": "code server, with the definitions",
    "dagster dev": "`dagster dev`",
    "userprofile_assets.cli.main serve": "API",
    "userprofile_assets.cli.main": "`userprofile up`",
}


@dataclass(frozen=True)
class _Round:
    """One start: seconds of each part and of all, memory of each process, seconds of the end."""

    answers: Mapping[str, float]
    seconds: float
    resident: Mapping[str, int]
    proportional: int
    stop_seconds: float


def measure(setup: Setup) -> Report:
    """Start and end it several times; the first start makes history and metastore."""
    project = Project(setup.root / "project")
    setup.link_archive(project)
    rounds = []
    for number in range(setup.rounds() + 1):
        tell(f"round {number}" if number else "warm-up")
        done = _once(project)
        if number:
            rounds.append(done)
    seconds = [done.seconds for done in rounds]
    report = Report("`userprofile up`")
    report.add(
        f"All parts answer after **{median(seconds):.1f} s** "
        f"({min(seconds):.1f} - {max(seconds):.1f}); "
        f"{verdict(median(seconds), _GOAL_SECONDS, ' s')}. "
        + ", ".join(
            f"{name} after {median(done.answers[name] for done in rounds):.1f} s"
            for name in sorted(rounds[0].answers)
        )
        + f". Ended {median(done.stop_seconds for done in rounds):.1f} s after Ctrl-C. "
        "With class archive, history and metastore.",
        table(
            ("process", "resident, MB"),
            [
                (name, megabytes(median(done.resident.get(name, 0) for done in rounds)))
                for name in rounds[0].resident
            ],
        ),
        f"In sum {_sum(rounds):,.0f} MB when all parts answer; with what they share counted once, "
        f"{megabytes(median(done.proportional for done in rounds))} MB.",
    )
    return report


def _sum(rounds: list[_Round]) -> float:
    return median(sum(done.resident.values()) for done in rounds) / MEGABYTE


def _once(project: Project) -> _Round:
    with running_up(project) as up:
        pids = tree(up.process.pid)
        resident = _resident(pids)
        proportional = sum(_pages(pid, "Pss") for pid in pids)
    own_start = up.seconds - up.own_seconds
    answers = {name: float(after) + own_start for name, after in _ANSWERS.findall(up.printed)}
    return _Round(answers, up.seconds, resident, proportional, up.stop_seconds)


def _resident(pids: list[int]) -> dict[str, int]:
    """Return the resident bytes of each kind of process."""
    found: dict[str, int] = {}
    for pid in pids:
        try:
            line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        is_watcher = line.startswith(("/bin/sh -c exec", "cat "))
        kind = "watchers" if is_watcher else next((_KINDS[k] for k in _KINDS if k in line), "other")
        found[kind] = found.get(kind, 0) + _pages(pid, "Rss")
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _pages(pid: int, name: str) -> int:
    """Return the resident bytes of a process; `Pss`: what it shares is divided by its sharers."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    found = re.search(rf"^{name}: +(\d+) kB", text, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0
