"""The `.env` file of the working directory: read with `${bizdate}` kept, put into the environment.

Belongs here: what python-dotenv and Dagster would do to `${bizdate}`, undone. Does not belong here:
which variables there are (`names.py`).
"""

from __future__ import annotations

import os
from io import StringIO
from typing import TYPE_CHECKING

from dotenv import dotenv_values

from userprofile_assets.bizdate import BIZDATE_VARIABLE, has_bizdate
from userprofile_assets.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

DOTENV = ".env"

# Stands for `${bizdate}` while python-dotenv resolves the other `${NAME}`s of a .env file.
_BIZDATE_MARK = "<userprofile-bizdate>"


def read_dotenv(path: Path) -> dict[str, str | None]:
    """Return the variables of a .env file, `${NAME}` resolved, `${bizdate}` left as it is.

    A file that is not there has none.

    Raises:
        SettingsError: It cannot be read, or is no UTF-8.
    """
    if not path.is_file():
        return {}
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise SettingsError(
            "the file cannot be read as UTF-8 text",
            where=str(path.absolute()),
            remedy="check its permissions and save it as UTF-8",
        ) from None
    values = dotenv_values(stream=StringIO(text.replace(BIZDATE_VARIABLE, _BIZDATE_MARK)))
    return {
        name: value and value.replace(_BIZDATE_MARK, BIZDATE_VARIABLE)
        for name, value in values.items()
    }


def put_into_environment(values: dict[str, str | None]) -> None:
    """Set what is not set yet, and what `dagster dev` has set from the same file wrongly.

    It reads .env before this code runs, by python-dotenv, which makes an unknown `${bizdate}`
    nothing (dagster 1.13, `_core/secrets/env_file.py`): a file per day would become one file.
    """
    for name, value in values.items():
        if value is None:
            continue
        cut = value.replace(BIZDATE_VARIABLE, "") if has_bizdate(value) else None
        if name not in os.environ or os.environ[name] == cut:
            os.environ[name] = value
