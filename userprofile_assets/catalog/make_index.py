"""Make an index anew: only files that have changed are parsed again.

Belongs here: putting contributions together, and keeping them. Does not belong here: whether it is
needed (`open_catalog.py`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, get_args

from pydantic import SecretStr

from userprofile_assets.catalog.contributions import Known, all_datasets
from userprofile_assets.catalog.files import write_whole
from userprofile_assets.catalog.freshness import digest_of, without_young
from userprofile_assets.catalog.index_file import Index, Stamp, dump_index
from userprofile_assets.catalog.model import Catalog
from userprofile_assets.catalog.source_files import read_sources
from userprofile_assets.catalog.sql_tables import load_warehouse, sql_variables
from userprofile_assets.catalog.table_docs import read_docs
from userprofile_assets.settings.names import variable_of
from userprofile_assets.warehouse.known_tables import KnownTables

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from userprofile_assets.catalog.freshness import Before
    from userprofile_assets.settings import Settings

_INDEX = "index.json"
_TABLES = "tables.json"


def make_index(
    settings: Settings, directory: Path, before: Before, log: Callable[[str], None]
) -> Index:
    """Read what has changed, put everything together, and keep it.

    Args:
        settings: The settings.
        directory: Where the SQL files are.
        before: What there was before they were read.
        log: Told that it takes a while, or that it cannot be kept.

    Raises:
        SqlFileError: A file of `sql/` cannot be used.
        QualityFileError: A YAML file of `sql/` cannot be used.
    """
    home = settings.home / "catalog"
    context = json.dumps([sql_variables(settings), settings.logic, before.program])
    try:
        former = (home / _TABLES).read_bytes()
    except OSError:
        former = b""
    known = KnownTables.load(former, context)
    warehouse = load_warehouse(settings, directory, known=known)
    given = Known(
        settings=settings,
        warehouse=warehouse,
        docs=read_docs(directory, warehouse, settings.logic),
        sources=read_sources(settings.home),
    )
    datasets = all_datasets(given)
    counted = _counted_variables(settings)
    stamp = Stamp(
        directory=str(directory),
        files=without_young(before.files),
        sources=without_young(before.sources),
        program=before.program,
        known=_variables(settings),
        counted=counted,
        values=digest_of(before.variables, counted),
    )
    try:
        if known.parsed:
            write_whole(home / _TABLES, known.dump())
        write_whole(home / _INDEX, dump_index(stamp, datasets))
    except OSError as error:
        log(f"the index cannot be kept in {home} ({error.strerror}), so each command makes it anew")
    return Index(stamp, Catalog(datasets))


def _variables(settings: Settings) -> list[str]:
    return sorted(variable_of(field) for field in type(settings).model_fields)


def _counted_variables(settings: Settings) -> list[str]:
    """Return the variables whose values an index may hold a digest of: all but secrets."""
    return sorted(
        variable_of(name)
        for name, field in type(settings).model_fields.items()
        if SecretStr not in (field.annotation, *get_args(field.annotation))
    )
