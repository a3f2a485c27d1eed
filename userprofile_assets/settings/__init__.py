"""Every setting of the project, once: its name, meaning and default.

Belongs here: the `USERPROFILE_*` environment variables, their checks, and what follows from
several of them. Does not belong here: connections (`resources/`), Dagster.

Each group of settings has a room of its own with its fields and its checks; `whole.py` puts the
groups together. Each field is one variable: `log_url` is `USERPROFILE_LOG_URL`. A `.env` file in
the working directory is read as well; a variable of the process wins over it.
docs/configuration.md and .env.example are generated from these classes by
`python -m userprofile_assets.settings_page`.

`Settings` is loaded when it is first asked for: it takes a quarter of a second, and
`userprofile catalog` does without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from userprofile_assets.settings.dotenv_file import DOTENV
from userprofile_assets.settings.names import PREFIX

if TYPE_CHECKING:
    from userprofile_assets.settings.whole import Settings

__all__ = ["DOTENV", "PREFIX", "Settings"]


def __getattr__(name: str) -> Any:
    """Load `Settings` when it is first asked for."""
    if name != "Settings":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from userprofile_assets.settings.whole import Settings  # noqa: PLC0415 - see above

    globals()["Settings"] = Settings
    return Settings
