"""What a MySQL and a MariaDB server of the tests have in common.

Belongs here: starting, stopping, accounts, a fresh database per test, URLs. Does not belong here:
where the programs come from and how a data directory is made (`mariadb.py`, `mysql.py`); the
tables, which each test makes itself.
"""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from userprofile_assets_tests.support.certificates import Authority
from userprofile_assets_tests.support.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

USER = "copier"
PASSWORD = "correct-horse/battery@staple"  # `/` and `@`: a URL has to quote them
_START_SECONDS = 120.0

Server = TypeVar("Server", bound="SqlServer")


class SqlServer(ABC):
    """One server on a loopback port; `USER` with `PASSWORD` may do everything.

    Args:
        directory: An empty directory with a short path: a socket's path may have 107 characters.
        tls: Offer TLS, with a certificate of `authority` for 127.0.0.1 and `db.example`.
        options: More options of the server's program.

    Attributes:
        port: Loopback port; stays the same when the server is started again.
        socket: Path of its unix socket.
        authority: Who issued its certificate; made also without TLS.
    """

    name: str

    def __init__(self, directory: Path, *, tls: bool = True, options: Sequence[str] = ()) -> None:
        self.port = 0
        self.socket = directory / "s"
        self.authority = Authority(directory / "certificates", f"{self.name} authority")
        self._directory = directory
        self._tls = self._tls_options() if tls else self._no_tls_options()
        self._more_options = list(options)
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0

    @abstractmethod
    def _program(self) -> str:
        """Find the server's program, or skip the test."""

    @abstractmethod
    def _make_data(self) -> None:
        """Make the data directory."""

    @abstractmethod
    def _no_tls_options(self) -> list[str]:
        """Options that keep the server from offering TLS."""

    def _tls_options(self) -> list[str]:
        cert, key = self.authority.issue("db.example")
        return [f"--ssl-ca={self.authority.ca_path}", f"--ssl-cert={cert}", f"--ssl-key={key}"]

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
        self._make_data()
        self.start()
        with self._connect(user="root", unix_socket=str(self.socket)) as connection:
            cursor = connection.cursor()
            cursor.execute("CREATE USER %s@'%%' IDENTIFIED BY %s", (USER, PASSWORD))
            cursor.execute("GRANT ALL ON *.* TO %s@'%%' WITH GRANT OPTION", (USER,))
            cursor.execute("SELECT user, host FROM mysql.user WHERE user IN ('', 'root')")
            for account in cursor.fetchall():
                cursor.execute("DROP USER %s@%s", account)

    def start(self) -> None:
        """Start the server on the same port as before and wait until it answers."""
        self.port = self.port or free_port()
        with (self._directory / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self._program(),
                    *self._options(),
                    *self._tls,
                    f"--socket={self.socket}",
                    f"--port={self.port}",
                    f"--pid-file={self._directory / 'pid'}",
                    "--bind-address=127.0.0.1",
                    "--skip-name-resolve",
                    "--character-set-server=utf8mb4",
                    "--default-time-zone=+08:00",  # not UTC: an export has to set its own
                    "--max-allowed-packet=64M",
                    "--innodb-buffer-pool-size=64M",
                    "--innodb-flush-log-at-trx-commit=0",
                    *self._more_options,
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
                # mysqld makes it behind the port.
                with socket.socket(socket.AF_UNIX) as local:
                    local.connect(str(self.socket))
            except OSError:
                process = self._process
                if process is None or process.poll() is not None or time.monotonic() > deadline:
                    log = (self._directory / "server.log").read_text(errors="replace")
                    pytest.fail(f"{self.name} does not answer:\n{log[-3000:]}")
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

        return pymysql.connect(
            autocommit=True, charset="utf8mb4", ssl_disabled=True, connect_timeout=30, **arguments
        )

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

    def url(
        self,
        database: str,
        *,
        user: str = USER,
        password: str = PASSWORD,
        host: str = "127.0.0.1",
        port: int | None = None,
        driver: str = "pymysql",
    ) -> str:
        """Return the SQLAlchemy URL of a database; host and port may be those of a proxy."""
        import sqlalchemy

        return sqlalchemy.URL.create(
            f"mysql+{driver}",
            username=user,
            password=password,
            host=host,
            port=port or self.port,
            database=database,
        ).render_as_string(hide_password=False)

    def fresh_url(self) -> str:
        """Make an empty database and return its URL."""
        return self.url(self.fresh_database())


@contextmanager
def started(
    kind: type[Server], *, tls: bool = True, options: Sequence[str] = ()
) -> Iterator[Server]:
    """Run a server for the length of the block, on data of its own."""
    with tempfile.TemporaryDirectory(prefix=f"{kind.name}-") as directory:
        server = kind(Path(directory), tls=tls, options=options)
        try:
            server.install()
            yield server
        finally:
            server.stop()
