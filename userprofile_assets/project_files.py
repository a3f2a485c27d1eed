"""Where the project's files are that are not Python: `sql/` and `dagster.yaml`.

People find them at the top of the checkout. setup.py copies them into the wheel, under `_project`
of this package, so an installed package has them too.
"""

from __future__ import annotations

from pathlib import Path

from userprofile_assets.errors import PermanentError

_PACKAGE = Path(__file__).resolve().parent


def sql_directory() -> Path:
    """Return the directory `sql/`, that of the wheel or that of the checkout.

    Raises:
        PermanentError: It is in neither place.
    """
    return _find("sql")


def dagster_yaml() -> Path:
    """Return the file `dagster.yaml`, that of the wheel or that of the checkout.

    Raises:
        PermanentError: It is in neither place.
    """
    return _find("dagster.yaml")


def _find(name: str) -> Path:
    for root in (_PACKAGE / "_project", _PACKAGE.parent):
        if (root / name).exists():
            return root / name
    raise PermanentError(
        f"{name} is missing from this installation",
        where=str(_PACKAGE),
        remedy="install the package again, or run from a complete checkout",
    )
