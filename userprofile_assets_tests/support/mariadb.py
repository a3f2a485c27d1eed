"""A real MariaDB server for tests, started from an empty directory.

Belongs here: installing, starting, stopping, a fresh database per test. Does not belong here: the
tables, which each test makes itself.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from userprofile_assets_tests.support.missing import missing_part

if TYPE_CHECKING:
    from collections.abc import Iterator

USER = "copier"
PASSWORD = "correct-horse/battery@staple"  # `/` and `@`: a URL has to quote them
_START_SECONDS = 60.0


def _program(name: str) -> str:
    """Find a server program; Debian keeps mariadbd where only root's PATH looks."""
    path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    return path or missing_part(name, "apt-get install mariadb-server")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class MariaDB:
    """One server on a loopback port; `USER` with `PASSWORD` may do everything."""

    def __init__(self, directory: Path) -> None:
        self.port = 0
        self._directory = directory
        self._socket = directory / "s"  # a socket's path may have 107 characters at most
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0

    def _options(self) -> list[str]:
        # A temporary directory of its own: two installations at once remove each other's tables.
        temporary = self._directory / "tmp"
        temporary.mkdir(exist_ok=True)
        options = [
            "--no-defaults",
            f"--datadir={self._directory / 'data'}",
            f"--tmpdir={temporary}",
        ]
        return [*options, "--user=root"] if os.geteuid() == 0 else options

    def install(self) -> None:
        """Make the data directory, start, and replace the first accounts by `USER`."""
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
        self.start()
        with self._connect(user="root", unix_socket=str(self._socket)) as connection:
            cursor = connection.cursor()
            cursor.execute("CREATE USER %s@'%%' IDENTIFIED BY %s", (USER, PASSWORD))
            cursor.execute("GRANT ALL ON *.* TO %s@'%%' WITH GRANT OPTION", (USER,))
            cursor.execute("SELECT user, host FROM mysql.user WHERE user IN ('', 'root')")
            for account in cursor.fetchall():
                cursor.execute("DROP USER %s@%s", account)

    def start(self) -> None:
        """Start the server on the same port as before and wait until it answers."""
        self.port = self.port or _free_port()
        with (self._directory / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    _program("mariadbd"),
                    *self._options(),
                    f"--socket={self._socket}",
                    f"--port={self.port}",
                    f"--pid-file={self._directory / 'pid'}",
                    "--bind-address=127.0.0.1",
                    "--skip-name-resolve",
                    "--character-set-server=utf8mb4",
                    "--default-time-zone=+08:00",  # not UTC: an export has to set its own
                    "--max-allowed-packet=64M",
                    "--innodb-buffer-pool-size=64M",
                    "--innodb-flush-log-at-trx-commit=0",
                ],
                stdout=log,
                stderr=log,
            )
        self._wait_until_it_answers()

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                process = self._process
                if process is None or process.poll() is not None or time.monotonic() > deadline:
                    log = (self._directory / "server.log").read_text(errors="replace")
                    pytest.fail(f"mariadbd does not answer:\n{log[-3000:]}")
                time.sleep(0.05)  # between two looks at a condition
            else:
                return

    def stop(self) -> None:
        """Stop the server; its data stay."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def _connect(self, **arguments: Any) -> Any:
        import pymysql

        return pymysql.connect(autocommit=True, charset="utf8mb4", **arguments)

    def connect(self, database: str | None = None) -> Any:
        """Return a connection of PyMySQL, to be used with `with`."""
        return self._connect(
            host="127.0.0.1", port=self.port, user=USER, password=PASSWORD, database=database
        )

    def execute(
        self, sql: str, parameters: Any = None, *, database: str | None = None
    ) -> tuple[Any, ...]:
        """Run one statement on a connection of its own and return its rows."""
        with self.connect(database) as connection, connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return tuple(cursor.fetchall())

    def fresh_database(self) -> str:
        """Make an empty database and return its name."""
        self._databases += 1
        name = f"test_{self._databases}"
        self.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        return name

    def url(self, database: str, *, user: str = USER, password: str = PASSWORD) -> str:
        """Return the SQLAlchemy URL of a database."""
        import sqlalchemy

        return sqlalchemy.URL.create(
            "mysql+pymysql",
            username=user,
            password=password,
            host="127.0.0.1",
            port=self.port,
            database=database,
        ).render_as_string(hide_password=False)

    def fresh_url(self) -> str:
        """Make an empty database and return its URL."""
        return self.url(self.fresh_database())


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDB]:
    """A MariaDB server, shared by the tests of one process."""
    with tempfile.TemporaryDirectory(prefix="mariadb-") as directory:
        server = MariaDB(Path(directory))
        try:
            server.install()
            yield server
        finally:
            server.stop()
