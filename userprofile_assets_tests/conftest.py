"""Fixtures that all tests share, and where a test runs when several processes run them.

Real parts are in `support/`. Tests that use Spark share one session, so with `pytest -n 3` all of
them run in one process (group `spark`). Other groups share a server, or keep more than one Spark
of a kind from being in memory at once (`spark_processes`, `spark_processes_2`).
"""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest

from userprofile_assets.settings import PREFIX, Settings

pytest_plugins = [
    "userprofile_assets_tests.support.api_server",
    "userprofile_assets_tests.support.browser",
    "userprofile_assets_tests.support.certificates",
    "userprofile_assets_tests.support.external_tables",
    "userprofile_assets_tests.support.fault_proxy",
    "userprofile_assets_tests.support.killing",
    "userprofile_assets_tests.support.mail",
    "userprofile_assets_tests.support.mariadb",
    "userprofile_assets_tests.support.mysql",
    "userprofile_assets_tests.support.oss_dialect",
    "userprofile_assets_tests.support.project",
    "userprofile_assets_tests.support.rclone",
    "userprofile_assets_tests.support.s3",
    "userprofile_assets_tests.support.s3a_jars",
    "userprofile_assets_tests.support.spark",
    "userprofile_assets_tests.support.spark_connect",
    "userprofile_assets_tests.support.spark_cluster",  # imports the one before
    "userprofile_assets_tests.support.table_copies",
    "userprofile_assets_tests.support.thrift",
    "userprofile_assets_tests.support.versitygw",
    "userprofile_assets_tests.support.web",
]


def pytest_itemcollected(item: pytest.Item) -> None:
    """Put every test that uses the shared Spark session into one group, others by their module.

    The tests of a module mostly share a server, which each process would start for itself.
    """
    if "spark_session" in getattr(item, "fixturenames", ()):
        item.add_marker(pytest.mark.xdist_group("spark"))
    elif item.get_closest_marker("xdist_group") is None:
        item.add_marker(pytest.mark.xdist_group(item.path.stem))


def pytest_collection_finish() -> None:
    """Keep what is there before the first test out of each garbage collection from now on.

    That is half a million objects, 0.2 s of every full collection; a hundred tests ask for one.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep settings and history of whoever runs the tests out of them."""
    for name in list(os.environ):
        if name.startswith(PREFIX) or name == "DAGSTER_HOME":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of an embedded project under the test's own directory, with small demo sources."""
    return Settings(home=tmp_path / "home", start_date="2024-08-01", demo_lines=200, demo_users=50)


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The checkout."""
    return Path(__file__).parent.parent


@pytest.fixture(scope="session")
def shared_data(project_root: Path) -> Path:
    """The directory of test data beside the checkout; the project never contains it."""
    from userprofile_assets_tests.support.missing import missing_part

    directory = project_root.parent / "shared" / "data"
    if not directory.is_dir():
        missing_part("../shared/data", "put the test data beside the checkout")
    return directory
