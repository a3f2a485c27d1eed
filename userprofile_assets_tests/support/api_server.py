"""A running `userprofile serve` on a free port of 127.0.0.1, over any serving database.

Belongs here: its start, its end, requests to it as httpx or as raw bytes. Does not belong here:
what is published (`serving_days.py` and the tests).

    with api_server(home) as server:
        server.get("/api/v1/summary").json()
"""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from userprofile_assets.settings import PREFIX
from userprofile_assets_tests.support.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    import httpx

START_SECONDS = 60

# The server speaks no TLS. Without this each client reads all authorities first, 0.02 s of CPU.
_NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass(frozen=True)
class ApiServer:
    """A server that answers.

    Attributes:
        port: Its port of 127.0.0.1.
        process: Its process.
        log_file: What it prints, on standard output and standard error.
        home: Its USERPROFILE_HOME.
        env: Its environment, as `run_userprofile` takes it.
    """

    port: int
    process: subprocess.Popen[bytes]
    log_file: Path
    home: Path
    env: Mapping[str, str]

    @property
    def url(self) -> str:
        """Its address without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """What it has printed so far."""
        return self.log_file.read_text("utf-8", "replace")

    def get(self, path: str, *, key: str | None = None, **options: Any) -> httpx.Response:
        """Ask it, on a connection of its own.

        Args:
            path: With its query.
            key: A key of the API.
            options: As httpx.get takes them.
        """
        return self.request("GET", path, key=key, **options)

    def request(
        self, method: str, path: str, *, key: str | None = None, **options: Any
    ) -> httpx.Response:
        """Ask it by any method."""
        import httpx

        headers = dict(options.pop("headers", None) or {})
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        # trust_env: no proxy of the environment between this and loopback.
        with httpx.Client(trust_env=False, verify=_NO_AUTHORITIES, timeout=30) as client:
            return client.request(method, f"{self.url}{path}", headers=headers, **options)

    def raw(self, sent: bytes, *, seconds: float = 20) -> bytes:
        """Send some bytes and return all that comes back until the server ends the connection."""
        with closing(socket.create_connection(("127.0.0.1", self.port), timeout=seconds)) as one:
            one.sendall(sent)
            answer = b""
            while piece := one.recv(65536):
                answer += piece
            return answer

    def userprofile(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the `userprofile` command with the server's settings."""
        return run_userprofile(arguments, env=self.env)

    def create_key(self, *scopes: str, name: str = "test", rate: int | None = None) -> str:
        """Make a key and wait until the server asks for keys.

        Args:
            scopes: Such as `users`.
            name: Whose it is.
            rate: Requests a minute.
        """
        options = [f"--scope={scope}" for scope in scopes]
        if rate is not None:
            options.append(f"--rate={rate}")
        done = self.userprofile("keys", "create", name, *options)
        assert done.returncode == 0, done.stderr
        text = done.stdout.strip()
        self.wait_until(
            lambda: (
                self.get("/metrics", key=text).status_code != 401
                and self.get("/metrics").status_code == 401
            )
        )
        return text

    def wait_until(self, holds: Callable[[], bool], *, seconds: float = 20) -> None:
        """Wait until something holds."""
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, f"it never held; the log:\n{self.log[-3000:]}"
            time.sleep(0.1)


def server_env(home: Path, variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a server or a command.

    Args:
        home: USERPROFILE_HOME.
        variables: `USERPROFILE_*` without the prefix, such as `{"SERVING_URL": "sqlite:///a"}`.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    own = {f"{PREFIX}{name}": value for name, value in (variables or {}).items()}
    return kept | {f"{PREFIX}HOME": str(home), f"{PREFIX}START_DATE": "2024-08-01"} | own


def run_userprofile(
    arguments: Sequence[str], *, env: Mapping[str, str], seconds: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run the `userprofile` command to its end."""
    command = [sys.executable, "-m", "userprofile_assets.cli.main", *arguments]
    return subprocess.run(
        command, env=dict(env), capture_output=True, text=True, timeout=seconds, check=False
    )


@contextmanager
def api_server(
    home: Path,
    variables: Mapping[str, str] | None = None,
    *,
    options: Sequence[str] = (),
    wait_for: str = "/readyz",
) -> Iterator[ApiServer]:
    """Start a server, wait until it answers, and end it at the end.

    Args:
        home: USERPROFILE_HOME; with the database, unless SERVING_URL is among the variables.
        variables: As of `server_env`.
        options: More options of `userprofile serve`.
        wait_for: A path that has to be answered with 200; `/healthz` for a database that is down.
    """
    port = free_port()
    env = server_env(home, variables)
    log_file = home.parent / f"serve-{port}.log"
    home.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "userprofile_assets.cli.main", "serve", "--port", str(port)]
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            [*command, *options], env=env, stdout=log, stderr=subprocess.STDOUT
        )
    server = ApiServer(port, process, log_file, home, env)
    try:
        _wait(server, wait_for)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ApiServer]:
    """A server over an empty SQLite database, without keys."""
    with api_server(tmp_path / "home") as running:
        yield running


def _wait(server: ApiServer, path: str) -> None:
    import httpx

    deadline = time.monotonic() + START_SECONDS
    while True:
        assert server.process.poll() is None, f"the server ended:\n{server.log}"
        assert time.monotonic() < deadline, f"the server does not answer:\n{server.log}"
        try:
            if server.get(path).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
