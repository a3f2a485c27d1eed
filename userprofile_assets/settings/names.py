"""The names of the variables: their prefix, and the ones that no setting has.

A misspelt variable would otherwise be a default that nobody asked for.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from userprofile_assets.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

PREFIX = "USERPROFILE_"


def variable_of(field: str) -> str:
    """Return the variable of a field: `log_url` is `USERPROFILE_LOG_URL`."""
    return PREFIX + field.upper()


def check_names(names: Iterable[str], *, known: Collection[str]) -> None:
    """Refuse variables with our prefix that are no settings.

    Args:
        names: Variables of the environment, foreign ones too.
        known: The variables that are settings.

    Raises:
        SettingsError: Names each unknown one and the nearest that exists; shows no value.
    """
    unknown = sorted(n for n in names if n.upper().startswith(PREFIX) and n not in known)
    if not unknown:
        return
    lines = []
    for name in unknown:
        near = difflib.get_close_matches(name.upper(), known, n=1, cutoff=0)
        lines.append(f"{name} is not a setting; the nearest one is {near[0]}")
    raise SettingsError("\n".join(lines), remedy="correct or unset it; see docs/configuration.md")
