"""The settings of a run: where it keeps things, its days, its time zone."""

from __future__ import annotations

import difflib
import re
from functools import partial
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import Field, field_validator

from userprofile_assets.bizdate import parse_day
from userprofile_assets.errors import PermanentError
from userprofile_assets.settings.fields import SettingsGroup, setting

_setting = partial(setting, "run")

_DAYS = re.compile(r"[0-9]{1,6}")


class RunSettings(SettingsGroup):
    """Home directory, first day, time zone, schedule, backfills."""

    home: Path = _setting(
        Path(".userprofile"),
        "Directory of everything the embedded parts keep: demo sources, local storage, metastore, "
        "locks, Dagster's history. Relative to the working directory.",
    )
    start_date: str = _setting("2024-08-01", "First daily partition, as `2024-08-07`.")
    timezone: str = _setting(
        "Asia/Shanghai",
        "Time zone of the business date, of the schedule and of Spark's session.",
    )
    schedule_on: bool = _setting(
        False,  # noqa: FBT003 - the default value of the setting
        "Whether the schedule at 00:30 starts switched on. The switch in the Dagster UI wins.",
    )
    backfill_days_per_run: int | Literal["all"] = _setting(
        1,
        "Days that a backfill puts into one run. `1`: a bad day is a failed run of its own. "
        "`all`: one run for the whole range, also needed for `--partition-range`.",
    )

    logic: Literal["standard", "tutorial"] = _setting(
        "standard",
        "Whose rules make the tables. `tutorial`: those of the tutorial to the letter, defects "
        "included. `standard`: with its defects corrected (docs/processing.md).",
    )
    keep_runs: Annotated[int, Field(ge=1)] = _setting(
        3,
        "Versions of a day that `userprofile gc` keeps of each table, the shown one included.",
    )

    @field_validator("home", mode="after")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        try:
            return value.expanduser().absolute()
        except RuntimeError:
            raise ValueError("the home directory that ~ stands for is not known") from None

    @field_validator("start_date")
    @classmethod
    def _is_day(cls, value: str) -> str:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            raise ValueError("write it as 2024-08-07")
        try:
            parse_day(value)
        except PermanentError:
            raise ValueError("no calendar has this day") from None
        return value

    @field_validator("timezone")
    @classmethod
    def _is_timezone(cls, value: str) -> str:
        if value not in available_timezones():
            near = difflib.get_close_matches(value, available_timezones(), n=1)
            raise ValueError(f"no such time zone{f'; did you mean {near[0]}?' if near else ''}")
        return value

    @field_validator("backfill_days_per_run", mode="before")
    @classmethod
    def _at_least_one_day(cls, value: int | str) -> int | str:
        # By itself pydantic names the two types of the union, in two sentences.
        text = str(value).strip()
        if text == "all":
            return text
        if not _DAYS.fullmatch(text) or int(text) < 1:
            raise ValueError("write a number of days from 1 on, or all")
        return int(text)
