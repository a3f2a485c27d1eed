"""How a setting is declared, and the base of every group of settings.

Does not belong here: a setting itself.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from userprofile_assets.settings.names import PREFIX


class SettingsGroup(BaseSettings):
    """Base of one group's fields and checks; only `Settings`, which has them all, is made.

    Names of fields and of validators are unique over all groups: pydantic binds a validator to the
    first class that has its name, so that one would silently stand for two.
    """

    # A group's own validator is never called: `Settings` builds one for the fields of all.
    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", defer_build=True
    )


def setting(group: str, default: Any, meaning: str) -> Any:
    """Declare one setting.

    Args:
        group: The heading under which docs/configuration.md and .env.example show it.
        default: Its value when the variable is not set.
        meaning: Its description on those pages, in Markdown.
    """
    return Field(default=default, description=meaning, json_schema_extra={"group": group})
