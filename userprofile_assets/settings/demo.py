"""The settings of the embedded sources: how much they make, from which seed."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from pydantic import Field

from userprofile_assets.settings.fields import SettingsGroup, setting

_setting = partial(setting, "demo")


class DemoSettings(SettingsGroup):
    """Size and seed of the embedded log and user table."""

    demo_lines: Annotated[int, Field(ge=1, le=100_000_000)] = _setting(
        20_000, "Lines of one day of the embedded log."
    )
    demo_users: Annotated[int, Field(ge=1, le=100_000_000)] = _setting(
        5_000, "Rows of the embedded user table."
    )
    demo_seed: int = _setting(1, "Seed of the embedded sources.")
