"""The settings of processing: whose rules, who counts, what is known of addresses."""

from __future__ import annotations

from functools import partial
from typing import Literal

from pydantic import SecretStr, field_validator

from userprofile_assets.settings.fields import SettingsGroup, setting

_setting = partial(setting, "process")

_SHORTEST_KEY = 16


class ProcessSettings(SettingsGroup):
    """Anonymous visitors, inactive users, the region database."""

    anonymous: Literal["visitor", "drop"] = _setting(
        "visitor",
        "Page views without login. `visitor`: each visitor, told apart by address and agent, has a "
        "profile `anon:...`. `drop`: they are only counted.",
    )
    anonymous_key: SecretStr | None = _setting(
        None,
        "Key of the hash that makes `anon:...` from address and agent; at least 16 characters. "
        "The same visitor has the same name as long as it is the same. Unset: one is made and kept "
        "in HOME, so set it where several machines run.",
    )
    inactive_users: bool = _setting(
        False,  # noqa: FBT003 - the default value of the setting
        "Whether registered users without a page view have a profile with pv 0.",
    )
    region_db: str = _setting(
        "dbip",
        "Where regions of addresses come from: `dbip` (DB-IP City Lite, comes with the package), "
        "`ip2region`, or the path of a file `.xdb` or `.mmdb`.",
    )

    @field_validator("anonymous_key")
    @classmethod
    def _is_long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < _SHORTEST_KEY:
            raise ValueError(f"write at least {_SHORTEST_KEY} characters")
        return value
