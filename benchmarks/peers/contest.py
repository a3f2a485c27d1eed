"""Run several contenders in turn, each as a process of its own, and see that they did the work.

Belongs here: one run of one contender, the rounds, a contender that fails. Does not belong here:
who the contenders are.

The warm-up is also the trial: a peer that fails in it, or that delivers something else than was
asked for, is listed with its reason and not measured. Our own side may not fail.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import Measured, MeasurementError, run
from benchmarks.project import clean_environment
from benchmarks.rounds import Series, tell

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_SPAWN = Path(__file__).with_name("spawn.py")

# Seconds of one run; the slowest peer needs 40 for the usual sizes on 2 cores. One that hangs is
# left out like one that fails.
_LIMIT = 300


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One side.

    Args:
        name: As it stands in the table.
        command: Program and arguments; holds no secret, since every account may list processes.
        env: Variables that it needs beside those of every contender; the credentials are here.
        check: Called after each run, not timed: raises MeasurementError unless the work is done.
        clear: Called before and after each run, not timed: leaves an empty place to write to.
        ours: Whether a failure ends the measurement.
    """

    name: str
    command: Sequence[str | Path]
    env: Mapping[str, str] = field(default_factory=dict)
    check: Callable[[Measured], None] = lambda _: None
    clear: Callable[[], None] = lambda: None
    ours: bool = False


@dataclass
class Result:
    """What came out: the runs of each side, and why the others have none."""

    series: dict[str, Series] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


def contest(
    contenders: Sequence[Contender], *, root: Path, rounds: int, warm_up: bool = True
) -> Result:
    """Run all contenders in turn, once to warm up and then for so many rounds.

    Args:
        contenders: In the order of each round.
        root: Directory for working directories and logs.
        rounds: Rounds that count.
        warm_up: Whether there is a round before them.

    Raises:
        MeasurementError: Our own side failed.
    """
    result = Result(series={contender.name: Series() for contender in contenders})
    for number in range(0 if warm_up else 1, rounds + 1):
        for contender in contenders:
            if contender.name in result.missing:
                continue
            tell(f"{f'round {number}' if number else 'warm-up'}: {contender.name}")
            contender.clear()
            try:
                measured = _run(contender, root)
                contender.check(measured)
            except MeasurementError as error:
                if contender.ours:
                    raise
                tell(f"{contender.name} is left out: {error}")
                result.missing[contender.name] = f"failed: {_first_line(error)}"
                del result.series[contender.name]
                continue
            finally:
                contender.clear()
            if number:
                result.series[contender.name].runs.append(measured)
            else:
                result.series[contender.name].warm_up = measured
    return result


def _run(contender: Contender, root: Path) -> Measured:
    """Run a contender through `spawn.py`, whose figures replace those of the tree."""
    figures = root / "spawned"
    figures.unlink(missing_ok=True)
    work = root / "work"
    work.mkdir(exist_ok=True)
    # A home of its own: no peer reads or writes the configuration of whoever measures.
    env = clean_environment() | {"HOME": str(work), "TMPDIR": str(work)} | dict(contender.env)
    measured = run(
        [sys.executable, "-I", "-S", _SPAWN, figures, str(_LIMIT), *contender.command],
        env=env,
        cwd=work,
        log=root / "output" / contender.name.replace("/", "-").replace(" ", "_"),
    )
    seconds, cpu, kibibytes = figures.read_text(encoding="ascii").split()
    return replace(
        measured,
        seconds=float(seconds),
        cpu_seconds=float(cpu),
        peak_bytes=int(kibibytes) * 1024,
    )


def _first_line(error: MeasurementError) -> str:
    """Return the last line that is not empty, which is where programs say what was wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:200] if lines else type(error).__name__


def told(measured: Measured, name: str) -> float:
    """Return a number from the JSON object that a side of ours prints as its last line."""
    return float(json.loads(measured.stdout.splitlines()[-1])[name])


def part(series: Series, name: str) -> Series:
    """Return the runs of a side of ours with another span of time than the whole process.

    Args:
        series: The runs.
        name: What the side calls that span in what it prints.
    """
    return Series(runs=[replace(run, seconds=told(run, name)) for run in series.runs])


@dataclass(frozen=True)
class Goal:
    """What a side of ours has to reach beside another side.

    Args:
        what: The sentence in the table.
        ours: Our side.
        other: The other one; None when it could not be had.
        limit: Most times as long as the other (`faster` False), or least times faster.
        faster: Which of the two the limit is.
    """

    what: str
    ours: Series
    other: Series | None
    limit: float
    faster: bool = False

    def row(self) -> tuple[str, str, str, str, str]:
        """Return the row of the table of goals."""
        limit = f"at least {self.limit:g}" if self.faster else f"at most {self.limit:g}"
        if self.other is None:
            return (self.what, limit, "not measured", "", "")
        pairs = [
            self._ratio(mine, other)
            for mine, other in zip(self.ours.seconds, self.other.seconds, strict=True)
        ]
        reached = self._ratio(self.ours.median_seconds, self.other.median_seconds)
        kept = reached >= self.limit if self.faster else reached <= self.limit
        return (
            self.what,
            limit,
            f"**{reached:.2f}**",
            f"{min(pairs):.2f} - {max(pairs):.2f}",
            "kept" if kept else "MISSED",
        )

    def _ratio(self, ours: float, other: float) -> float:
        return other / ours if self.faster else ours / other


GOAL_HEADER = ("goal", "ratio", "reached", "rounds", "")
