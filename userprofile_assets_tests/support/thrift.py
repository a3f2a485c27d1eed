"""Spark's own Thrift server, which speaks HiveServer2's protocol as Kyuubi does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from userprofile_assets.warehouse.session_options import SessionOptions
from userprofile_assets_tests.support.ports import free_port
from userprofile_assets_tests.support.spark_process import SparkServer, spark_server

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_CLASS = "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2"


@dataclass
class ThriftServer:
    """The server, and how a client of this project gets there."""

    server: SparkServer

    def url(self, *, port: int | None = None, login: str = "tester", query: str = "") -> str:
        """Return its address; the port may be that of a proxy."""
        return f"thrift://{login}@127.0.0.1:{port or self.server.port}/default{query}"

    def options(self, home: Path, **more: object) -> SessionOptions:
        """Return the options of a client."""
        options: dict[str, object] = {
            "home": home,
            "master": "local[2]",
            "timezone": "Asia/Shanghai",
            "remote": self.url(),
        }
        return SessionOptions(**(options | more))  # type: ignore[arg-type] # the tests' own keywords


def thrift_server_in(directory: Path, conf: Mapping[str, str] | None = None) -> ThriftServer:
    """Return a server with files under a directory; it is not started yet."""
    port = free_port()
    hive = {
        "hive.server2.thrift.bind.host": "127.0.0.1",
        "hive.server2.thrift.port": str(port),
        "hive.server2.thrift.http.port": str(port),
        # Its two kinds of temporary files would be made under /tmp and shared by all servers.
        "hive.exec.local.scratchdir": str(directory / "scratch"),
        "hive.exec.scratchdir": str(directory / "scratch"),
        **(conf or {}),
    }
    server = spark_server(
        "thrift-server",
        _CLASS,
        directory=directory,
        port=port,
        conf={f"spark.hadoop.{key}": value for key, value in hive.items()},
    )
    return ThriftServer(server)


@pytest.fixture(scope="session")
def thrift_server(
    class_archive: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ThriftServer]:
    """A server on two cores of this machine, shared by the tests of one process."""
    made = thrift_server_in(tmp_path_factory.mktemp("thrift"))
    try:
        made.server.start()
        yield made
    finally:
        made.server.kill()
