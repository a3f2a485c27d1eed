"""Open the data map: from its index while that is fresh, else from the files.

Belongs here: deciding which. Does not belong here: making an index (`make_index.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from userprofile_assets.catalog.environment import home_of
from userprofile_assets.catalog.freshness import Before, digest_of, program, state_of
from userprofile_assets.catalog.index_file import Stamp, read_index
from userprofile_assets.catalog.source_files import directory_of
from userprofile_assets.project_files import sql_directory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from userprofile_assets.catalog.model import Catalog
    from userprofile_assets.settings import Settings

_FILES = (".sql", ".yml", ".yaml")


def open_catalog(
    variables: Mapping[str, str],
    load_settings: Callable[[], Settings],
    log: Callable[[str], None],
    *,
    directory: Path | None = None,
) -> Catalog:
    """Return the data map.

    Several processes may do so at once: an index appears whole, and each makes the same.

    Args:
        variables: The `USERPROFILE_*` variables that are set (`environment.set_variables`).
        load_settings: `Settings.load`, called only when the index is not fresh.
        log: Told what is done when that takes a while, or goes wrong without harm.
        directory: Where the SQL files are; the project's own `sql/` if None.

    Raises:
        SettingsError: A variable is malformed or unknown.
        SqlFileError: A file of `sql/` cannot be used.
        QualityFileError: A YAML file of `sql/` cannot be used.
    """
    directory = directory or sql_directory()
    home = home_of(variables)
    # Before anything is read: what changes from here on is found changed the next time.
    files = state_of(directory, _FILES)
    sources = state_of(directory_of(home), (".json",))
    code = program()
    index = read_index(index_path(home))
    if index is not None:
        stamp = Stamp(
            directory=str(directory),
            files=files,
            sources=sources,
            program=code,
            known=index.stamp.known,
            counted=index.stamp.counted,
            values=digest_of(variables, index.stamp.counted),
        )
        if stamp == index.stamp and set(variables) <= set(stamp.known):
            return index.catalog
    # Settings, sqlglot and the rules: half a second that a fresh index saves.
    from userprofile_assets.catalog.make_index import make_index  # noqa: PLC0415 - see above

    return make_index(
        load_settings(), directory, Before(variables, files, sources, code), log
    ).catalog


def index_path(home: Path) -> Path:
    """Return where the index is."""
    return home / "catalog" / "index.json"
