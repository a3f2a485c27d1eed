"""The project's two external tables, for tests on an engine: their runners, the files of a day.

A test module gives the engine by its fixture `executor`, and a list of what was told by `lines`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from userprofile_assets.catalog.sql_tables import load_warehouse, sql_variables
from userprofile_assets.warehouse.runner import TableRunner

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from userprofile_assets.settings import Settings
    from userprofile_assets.warehouse.executor import Executor

RAW, USERS = "ods_raw_log_d_spark", "ods_user_info_d_spark"


@pytest.fixture
def runner_of(
    settings: Settings, executor: Executor, lines: list[str]
) -> Callable[..., TableRunner]:
    """Make the runner of a table, perhaps with other settings than the test's."""

    def make(table: str, changed: Settings = settings) -> TableRunner:
        definition = load_warehouse(changed).table(table)
        return TableRunner(executor, definition, sql_variables(changed), lines.append)

    return make


@pytest.fixture
def day_directory(settings: Settings) -> Callable[[str, str, bytes], Path]:
    """Write the object of a day, `log` or `user`; returns its directory."""

    def make(kind: str, bizdate: str, content: bytes) -> Path:
        root = {"log": "ods_raw_log_d", "user": "ods_user_info_d"}[kind]
        directory = settings.home / "storage" / root / f"{kind}_{bizdate}"
        directory.mkdir(parents=True)
        (directory / f"{kind}_{bizdate}.txt").write_bytes(content)
        return directory

    return make
