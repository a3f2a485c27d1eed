"""Write figures as Markdown that can be pasted into docs/performance.md."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from userprofile_assets.warehouse.java import find_java

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from benchmarks.measure import Measured
    from benchmarks.rounds import Series

_PACKAGES = ("dagster", "dagster-pyspark", "pyspark")
MEGABYTE = 1_000_000


@dataclass
class Report:
    """What one measurement found.

    Args:
        title: What was measured, with its sizes.
        parts: Paragraphs and tables, in order.
    """

    title: str
    parts: list[str] = field(default_factory=list)

    def add(self, *parts: str) -> None:
        """Append paragraphs or tables."""
        self.parts += parts

    def text(self, command: str) -> str:
        """Return the whole as Markdown, with the command that gives it."""
        return "\n\n".join([f"### {self.title}", f"`{command}`", *self.parts])


def machine() -> str:
    """Return one sentence on the machine, the versions and the day."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return (
        f"{datetime.now(UTC):%Y-%m-%d}: {len(os.sched_getaffinity(0))} cores ({_processor()}), "
        f"{memory:.0f} GiB RAM, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, Java {find_java().version}, {packages}."
    )


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; all columns but the first are numbers."""
    marks = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, marks, *rows))


def figures(series: Mapping[str, Series]) -> str:
    """Return the table of seconds, CPU seconds and memory of each side."""
    return table(
        ("", "seconds", "min - max", "CPU s", "peak RSS, MB", "JVM's peak, MB"),
        [(name, *_row(side.runs), _jvm(side.runs)) for name, side in series.items()],
    )


def _row(runs: Sequence[Measured]) -> tuple[str, str, str, str]:
    seconds = [run.seconds for run in runs]
    return (
        f"{median(seconds):.2f}",
        f"{min(seconds):.2f} - {max(seconds):.2f}",
        f"{median(run.cpu_seconds for run in runs):.1f}",
        megabytes(median(run.peak_bytes for run in runs)),
    )


def _jvm(runs: Sequence[Measured]) -> str:
    peak = median(run.jvm_bytes for run in runs)
    return megabytes(peak) if peak else "none"


def megabytes(count: float) -> str:
    """Return bytes as whole megabytes of a million bytes."""
    return f"{count / MEGABYTE:,.0f}"


def ratio(what: str, one: Series, other: Series, *, goal: float | None = None) -> str:
    """Return a sentence on how many times as long as `other` `one` takes, by the medians.

    The spread is that of the rounds, each side against its neighbour in time.
    """
    value = one.median_seconds / other.median_seconds
    pairs = [a / b for a, b in zip(one.seconds, other.seconds, strict=True)]
    text = f"{what}: **{value:.2f}** (rounds {min(pairs):.2f} - {max(pairs):.2f})"
    return f"{text}; {verdict(value, goal)}." if goal is not None else f"{text}."


def verdict(value: float, goal: float, unit: str = "") -> str:
    """Say whether a figure that should be small keeps its goal."""
    kept = "kept" if value <= goal else "MISSED"
    return f"goal at most {goal:g}{unit}: {kept}"
