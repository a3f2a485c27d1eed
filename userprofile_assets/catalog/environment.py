"""The `USERPROFILE_*` variables as they are set, without building the settings.

Belongs here: the few values that reading an index needs. Does not belong here: checking them, which
`Settings.load` does whenever one of them has changed since the index was made.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from userprofile_assets.settings.dotenv_file import DOTENV, read_dotenv
from userprofile_assets.settings.names import PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping

_HOME = f"{PREFIX}HOME"
_DEFAULT_HOME = ".userprofile"


def set_variables() -> dict[str, str]:
    """Return the variables of the process and of `.env` that are not empty; the process wins.

    Raises:
        SettingsError: `.env` cannot be read.
    """
    both = {**read_dotenv(Path(DOTENV)), **os.environ}
    return {name: value for name, value in both.items() if value and name.upper()[:12] == PREFIX}


def home_of(variables: Mapping[str, str]) -> Path:
    """Return USERPROFILE_HOME as the settings would."""
    try:
        return Path(variables.get(_HOME, _DEFAULT_HOME)).expanduser().absolute()
    except RuntimeError:  # `~nobody`: the settings say so
        return Path(_DEFAULT_HOME).absolute()
