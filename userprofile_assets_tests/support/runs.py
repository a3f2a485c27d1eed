"""Run assets of a project in this process, through real Dagster, on the shared Spark session."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import dagster as dg

from userprofile_assets.build import build_definitions
from userprofile_assets_tests.support.project import ASSETS

if TYPE_CHECKING:
    from pathlib import Path

    from userprofile_assets.settings import Settings


@dataclass
class Project:
    """A project whose runs are recorded in an instance of its own.

    Args:
        settings: Its settings; the instance's files are kept under its home.
        sql: Where its tables are; None: `sql/`.
    """

    settings: Settings
    sql: Path | None = None
    instance: dg.DagsterInstance = field(init=False)

    def __post_init__(self) -> None:
        directory = self.settings.home / "instance"
        directory.mkdir(parents=True)
        self.instance = dg.DagsterInstance.ephemeral(tempdir=str(directory))

    def materialize(
        self, *assets: str, day: str | None = None, days: tuple[str, str] | None = None
    ) -> dg.ExecuteInProcessResult:
        """Materialize assets, by default those up to ods, for a day or a range of days."""
        definitions = build_definitions(settings=self.settings, sql_directory=self.sql)
        job = definitions.resolve_implicit_global_asset_job_def()
        tags = {}
        if days is not None:
            start, end = days
            tags = {
                "dagster/asset_partition_range_start": start,
                "dagster/asset_partition_range_end": end,
            }
        return job.execute_in_process(
            instance=self.instance,
            partition_key=day,
            tags=tags,
            asset_selection=[dg.AssetKey(name) for name in assets or ASSETS],
            raise_on_error=False,
        )

    def materialized(self, asset: str) -> set[str]:
        """Return the partitions of an asset that are recorded as materialized."""
        return set(self.instance.get_materialized_partitions(dg.AssetKey(asset)))

    def metadata(self, asset: str, day: str) -> dict[str, Any]:
        """Return the values of the newest materialization's metadata for a day."""
        records = self.instance.fetch_materializations(
            dg.AssetRecordsFilter(dg.AssetKey(asset), asset_partitions=[day]), limit=1
        ).records
        materialization = records[0].asset_materialization
        assert materialization is not None
        return {name: value.value for name, value in materialization.metadata.items()}


def failure_of(result: dg.ExecuteInProcessResult, step: str) -> str:
    """Return the description of a failed step."""
    for event in result.all_events:
        if event.is_step_failure and event.step_key == step:
            data = event.step_failure_data
            if data.user_failure_data and data.user_failure_data.description:
                return data.user_failure_data.description
            return data.error_display_string
    raise AssertionError(f"{step} did not fail")


def checks_of(result: dg.ExecuteInProcessResult, name: str) -> dict[str, bool]:
    """Return whether a check passed, for each asset that has it."""
    return {
        evaluation.asset_key.to_user_string(): evaluation.passed
        for evaluation in result.get_asset_check_evaluations()
        if evaluation.check_name == name
    }


def failed_checks(result: dg.ExecuteInProcessResult) -> set[str]:
    """Return the checks that did not pass, as `asset.check`."""
    return {
        f"{evaluation.asset_key.to_user_string()}.{evaluation.check_name}"
        for evaluation in result.get_asset_check_evaluations()
        if not evaluation.passed
    }
