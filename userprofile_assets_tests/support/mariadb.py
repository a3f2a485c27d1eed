"""A real MariaDB server for tests, started from an empty directory.

Belongs here: the program, its data directory, the fixtures. Does not belong here: what MySQL has in
common with it (`sql_server.py`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from userprofile_assets_tests.support.missing import missing_part
from userprofile_assets_tests.support.sql_server import PASSWORD, USER, SqlServer, started

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["PASSWORD", "USER", "MariaDB", "mariadb", "mariadb_without_tls"]


def _program(name: str) -> str:
    """Find a server program; Debian keeps mariadbd where only root's PATH looks."""
    path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    return path or missing_part(name, "apt-get install mariadb-server")


class MariaDB(SqlServer):
    """A MariaDB server of the system's package."""

    name = "mariadbd"

    def _program(self) -> str:
        return _program("mariadbd")

    def _make_data(self) -> None:
        subprocess.run(
            [
                _program("mariadb-install-db"),
                *self._options(),
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
            ],
            check=True,
            capture_output=True,
        )

    def _no_tls_options(self) -> list[str]:
        return ["--skip-ssl"]


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDB]:
    """A MariaDB server with TLS and a binary log, shared by the tests of one process."""
    with started(MariaDB, options=["--log-bin=binlog", "--server-id=1"]) as server:
        yield server


@pytest.fixture(scope="session")
def mariadb_without_tls() -> Iterator[MariaDB]:
    """A MariaDB server that offers no TLS."""
    with started(MariaDB, tls=False) as server:
        yield server
