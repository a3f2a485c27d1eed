"""Repeat the sides of a measurement in turn: A B A B, so that a busy machine slows both."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from benchmarks.measure import Measured


@dataclass
class Series:
    """The runs of one side, in order; the warm-up is kept apart."""

    runs: list[Measured] = field(default_factory=list)
    warm_up: Measured | None = None

    @property
    def seconds(self) -> list[float]:
        """Seconds of each run."""
        return [run.seconds for run in self.runs]

    @property
    def median_seconds(self) -> float:
        """Median of the seconds."""
        return median(self.seconds)

    @property
    def peak_bytes(self) -> float:
        """Median of the peak memory of the largest process."""
        return median(run.peak_bytes for run in self.runs)


def alternate(
    sides: Mapping[str, Callable[[int], Measured]], *, rounds: int, warm_up: bool = True
) -> dict[str, Series]:
    """Run all sides once to warm up, then in turn for so many rounds.

    Args:
        sides: For each side what runs it; it is given the number of the round, 0 for the warm-up.
        rounds: Rounds that count.
        warm_up: Whether there is a round before them.
    """
    series = {name: Series() for name in sides}
    for number in range(0 if warm_up else 1, rounds + 1):
        for name, side in sides.items():
            tell(f"{f'round {number}' if number else 'warm-up'}: {name}")
            measured = side(number)
            if number:
                series[name].runs.append(measured)
            else:
                series[name].warm_up = measured
    return series


def tell(sentence: str) -> None:
    """Say on standard error what goes on; standard output is the report alone."""
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()
