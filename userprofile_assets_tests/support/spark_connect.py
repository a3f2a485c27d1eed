"""A Spark Connect server with a token, as one that stands elsewhere."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from userprofile_assets.warehouse.session_options import SessionOptions
from userprofile_assets_tests.support.ports import free_port
from userprofile_assets_tests.support.spark_process import SparkServer, spark_server

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_CLASS = "org.apache.spark.sql.connect.service.SparkConnectServer"


@dataclass
class ConnectServer:
    """The server, its token, and how a client of this project gets there.

    Attributes:
        server: Its process; `restart` gives a server that knows none of the former sessions.
        token: What it wants to see.
    """

    server: SparkServer
    token: str

    @property
    def address(self) -> str:
        """Where it is."""
        return f"sc://localhost:{self.server.port}"

    @property
    def remote(self) -> str:
        """The address with the token."""
        return f"{self.address}/;token={self.token}"

    def options(self, home: Path, **more: object) -> SessionOptions:
        """Return the options of a client."""
        options: dict[str, object] = {
            "home": home,
            "master": "local[2]",
            "timezone": "Asia/Shanghai",
            "remote": self.remote,
        }
        return SessionOptions(**(options | more))  # type: ignore[arg-type] # the tests' own keywords

    def restart(self, *, token: str | None = None) -> None:
        """Kill the server and start it on the same port, with another token if one is given."""
        self.token = token or self.token
        self.server.environment = {**self.server.environment, **_token(self.token)}
        self.server.restart()


def _token(token: str) -> dict[str, str]:
    return {"SPARK_CONNECT_AUTHENTICATE_TOKEN": token}


def connect_server_in(directory: Path, conf: Mapping[str, str] | None = None) -> ConnectServer:
    """Return a server with files under a directory; it is not started yet."""
    token = secrets.token_hex(8)
    port = free_port()
    server = spark_server(
        "connect-server",
        _CLASS,
        directory=directory,
        port=port,
        conf={
            "spark.connect.grpc.binding.address": "127.0.0.1",
            "spark.connect.grpc.binding.port": str(port),
            **(conf or {}),
        },
        environment=_token(token),
    )
    return ConnectServer(server, token)


@pytest.fixture(scope="session")
def connect_server(
    class_archive: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ConnectServer]:
    """A server on two cores of this machine, shared by the tests of one process."""
    made = connect_server_in(tmp_path_factory.mktemp("connect"))
    try:
        made.server.start()
        yield made
    finally:
        made.server.kill()
