"""The jars by which Spark speaks S3A, fetched once into the tests' cache.

Belongs here: the fixture, and giving them to a project's HOME. Does not belong here: a server to
speak to (`versitygw.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from userprofile_assets.errors import UserProfileError
from userprofile_assets.warehouse.jars import fetch_jars, find_jars, jars_directory
from userprofile_assets.warehouse.java import find_java
from userprofile_assets_tests.support.cache import cache
from userprofile_assets_tests.support.missing import missing_part

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def s3a_jars(java: None) -> tuple[Path, ...]:
    """The 37 jars, for `spark.jars` or a class path; 35 s and 13 MB at the first time."""
    home = cache() / "home"
    try:
        fetch_jars(home, find_java())
    except UserProfileError as error:
        missing_part("the jars of S3A", str(error))
    return find_jars(home)


def give_jars(home: Path, jars: tuple[Path, ...]) -> None:
    """Let a project have fetched the jars, by a link; Spark may have brought its own client."""
    if not jars:
        return
    link = jars_directory(home)
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(jars[0].parent)
