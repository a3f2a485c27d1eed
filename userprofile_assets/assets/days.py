"""Go through the days of a run: each day stands for itself.

Dagster gives a step one success or one failure for all its days. Here every good day is recorded
with its own metadata, and if there are bad ones the step fails after that and names them
(docs/decisions/0005-windows.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from userprofile_assets.assets.failures import failure_of_days
from userprofile_assets.bizdate import to_partition_key
from userprofile_assets.errors import UserProfileError

DayMetadata = Mapping[str, Any]


@dataclass
class Days:
    """What became of the days of a run.

    Attributes:
        good: Days that are published, with their metadata.
        bad: Days that are not, and why.
        unmeasured: The good ones whose rules could not be measured, and why.
    """

    good: dict[str, DayMetadata] = field(default_factory=dict)
    bad: dict[str, UserProfileError] = field(default_factory=dict)
    unmeasured: dict[str, UserProfileError] = field(default_factory=dict)

    def run(self, key: str, work: Callable[[], DayMetadata]) -> None:
        """Do one day's work; an error of this project makes it a bad day."""
        try:
            self.good[key] = work()
        except UserProfileError as error:
            self.bad[key] = error

    @contextmanager
    def all_bad_on_error(self, bizdates: Iterable[str]) -> Iterator[None]:
        """Do work that several days share; an error of this project makes all of them bad."""
        try:
            yield
        except UserProfileError as error:
            self.bad.update({to_partition_key(bizdate): error for bizdate in bizdates})

    @contextmanager
    def unmeasured_on_error(self) -> Iterator[None]:
        """Measure the good days; an error of this project fails them, but they are recorded."""
        try:
            yield
        except UserProfileError as error:
            told = type(error)(
                f"published, but its rules were not measured: {error.what}",
                where=error.where,
                remedy=error.remedy,
            )
            self.unmeasured = dict.fromkeys(self.good, told)

    @contextmanager
    def recorded_on_error(
        self, context: dg.AssetExecutionContext, end: Callable[[Days], None]
    ) -> Iterator[None]:
        """Go through the days; whatever ends that early, those that are published are recorded.

        Args:
            context: The step's context.
            end: Remembers the days in the records too.
        """
        try:
            yield
        except BaseException:
            self._record(context)
            end(self)
            raise

    def report(
        self,
        context: dg.AssetExecutionContext,
        checks: Sequence[dg.AssetCheckResult] = (),
        refused: Mapping[str, UserProfileError] | None = None,
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        """Record the good days; then succeed, or fail with the names of the bad ones.

        Args:
            context: The step's context.
            checks: The results of the step's own asset checks.
            refused: Good days that a strong rule refuses: they are recorded, and the step fails.

        Raises:
            dagster.Failure: There are bad, unmeasured or refused days.
        """
        refused = {**self.unmeasured, **(refused or {})}
        if not self.bad and not self.unmeasured:
            for key, metadata in self.good.items():
                context.add_asset_metadata(metadata, partition_key=key)
            yield dg.MaterializeResult(check_results=list(checks))
            if refused:
                raise failure_of_days(refused, of=len(self.good))
            return
        self._record(context)
        yield from checks
        raise failure_of_days({**self.bad, **refused}, of=len(self.good) + len(self.bad))

    def _record(self, context: dg.AssetExecutionContext) -> None:
        for key, metadata in self.good.items():
            context.log_event(
                dg.AssetMaterialization(context.asset_key, partition=key, metadata=metadata)
            )
