"""Processes of Spark's own: a Connect server, a Thrift server, a cluster's master and workers.

Belongs here: starting one from the pip install, waiting for it, killing it, its log, its jobs. Does
not belong here: which class with which configuration (`spark_connect.py`, `spark_cluster.py`,
`thrift.py`).
"""

from __future__ import annotations

import json
import os
import socket
import time
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import ProxyHandler, build_opener

import pytest

from userprofile_assets.child_process import ChildProcess, start_child
from userprofile_assets.warehouse.session_options import LOG4J2
from userprofile_assets_tests.support.ports import free_port
from userprofile_assets_tests.support.project import kept_archive, wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NOT_INHERITED = ("SPARK_HOME", "SPARK_CONF_DIR", "SPARK_REMOTE", "SPARK_CONNECT_MODE_ENABLED")
# One compiler tier: a server of the tests lives for a minute or two. Room for the code of more than
# one day of all tables.
_QUICK = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:ReservedCodeCacheSize=240m")


def quick_jvm() -> tuple[str, ...]:
    """Return options with which a JVM of Spark starts soon, best with the class archive."""
    if not (archive := kept_archive()).is_file():
        return _QUICK
    # A JVM that cannot use the archive says nothing and starts without it.
    return (*_QUICK, f"-XX:SharedArchiveFile={archive}", "-Xlog:disable", "-Xlog:all=error")


def is_listening(port: int) -> bool:
    """Tell whether somebody listens on a port of this machine."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@dataclass
class SparkProcess:
    """One JVM of Spark's, in a process group of its own.

    Attributes:
        name: For messages and the name of its log.
        arguments: What follows `spark-class`.
        directory: Its working directory, of its own.
        port: It is up when this answers; it stays the same when it is started again.
        environment: Set on top of the tests' own.
    """

    name: str
    arguments: Sequence[str]
    directory: Path
    port: int
    environment: Mapping[str, str] = field(default_factory=dict)
    _process: ChildProcess | None = None

    @property
    def log(self) -> Path:
        """What it prints."""
        return self.directory / f"{self.name}.log"

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None, f"{self.name} is not running"
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until its port answers."""
        self.begin()
        self.wait()

    def begin(self) -> None:
        """Start it; returns at once."""
        import pyspark

        environment = {k: v for k, v in os.environ.items() if k not in _NOT_INHERITED}
        environment |= {
            # Otherwise Spark takes the address of another interface.
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_PUBLIC_DNS": "127.0.0.1",
            **self.environment,
        }
        spark_class = Path(pyspark.__file__).parent / "bin" / "spark-class"
        with self.log.open("ab") as log:
            self._process = start_child(
                [spark_class, *self.arguments], output=log, env=environment, cwd=self.directory
            )

    def wait(self) -> None:
        """Wait until its port answers."""

        def up() -> bool:
            if not self.is_alive():
                pytest.fail(f"{self.name} ended:\n{self.last_words()}")
            return is_listening(self.port)

        wait_until(up, f"{self.name} on port {self.port}", seconds=600)

    def is_alive(self) -> bool:
        """Tell whether it runs."""
        return self._process is not None and self._process.exit_code() is None

    def kill(self) -> None:
        """End it and what it started with SIGKILL."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()

    def restart(self) -> None:
        """Kill it and start it on the same port and files."""
        self.kill()
        self.start()

    def last_words(self) -> str:
        """Return the end of its log."""
        return self.log.read_text(errors="replace")[-4000:] if self.log.exists() else ""


@dataclass
class SparkServer(SparkProcess):
    """A driver that serves clients, with the web UI on, which tells what it is doing."""

    ui_port: int = 0

    def jobs(self, status: str) -> list[dict[str, Any]]:
        """Return the jobs that the server itself calls `running`, `succeeded` or `failed`."""
        found: list[dict[str, Any]] = self._ask(f"jobs?status={status}")
        return found

    def executors(self) -> list[dict[str, Any]]:
        """Return the executors, the driver among them, as the server sees them."""
        found: list[dict[str, Any]] = self._ask("executors")
        return found

    def wait_for_jobs(self, status: str) -> list[dict[str, Any]]:
        """Wait until the server has jobs of a status."""
        what = f"{status} jobs of {self.name}"
        return wait_until(lambda: self._now(status) or [], what, seconds=600)

    def wait_until_idle(self, *, seconds: float = 60) -> None:
        """Wait until the server says that it runs no job; it has to answer."""
        wait_until(
            lambda: self._now("running") == [], f"no running job of {self.name}", seconds=seconds
        )

    def _now(self, status: str) -> list[dict[str, Any]] | None:
        time.sleep(0.2)  # between two looks: each costs the server as much as a small statement
        try:
            return self.jobs(status)
        except (OSError, HTTPException):
            return None  # it is being restarted, or has too much to do

    def _ask(self, path: str) -> Any:
        (application,) = self._get("applications")
        return self._get(f"applications/{application['id']}/{path}")

    def _get(self, path: str) -> Any:
        # No proxy of the machine stands before 127.0.0.1.
        url = f"http://127.0.0.1:{self.ui_port}/api/v1/{path}"
        with build_opener(ProxyHandler({})).open(url, timeout=30) as answer:
            return json.loads(answer.read())


def spark_server(
    name: str,
    main_class: str,
    *,
    directory: Path,
    port: int,
    conf: Mapping[str, str],
    environment: Mapping[str, str] | None = None,
) -> SparkServer:
    """Return a server with a catalogue of its own under `directory`; nothing is started yet."""
    directory.mkdir(parents=True, exist_ok=True)
    ui_port = free_port()
    properties = {
        "spark.master": "local[2]",
        "spark.app.name": name,
        "spark.driver.memory": "768m",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.extraJavaOptions": " ".join(
            f'"{option}"'
            for option in (
                *quick_jvm(),
                f"-Dlog4j2.configurationFile={LOG4J2}",
                f"-Dderby.system.home={directory}",
                "-Dderby.language.statementCacheSize=1000",
            )
        ),
        "spark.ui.port": str(ui_port),
        "spark.ui.showConsoleProgress": "false",
        "spark.port.maxRetries": "0",
        "spark.sql.shuffle.partitions": "4",
        "spark.sql.catalogImplementation": "hive",
        "spark.sql.warehouse.dir": (directory / "warehouse").as_uri(),
        "spark.hadoop.javax.jdo.option.ConnectionURL": (
            f"jdbc:derby:;databaseName={directory / 'metastore'};create=true"
        ),
        **conf,
    }
    file = directory / f"{name}.properties"
    file.touch(mode=0o600)
    file.write_text("".join(f"{key}={_property(value)}\n" for key, value in properties.items()))
    return SparkServer(
        name=name,
        arguments=[
            "org.apache.spark.deploy.SparkSubmit",
            *("--properties-file", str(file)),
            *("--class", main_class, "spark-internal"),
        ],
        directory=directory,
        port=port,
        # The Thrift server takes its memory from here.
        environment={
            "SPARK_DAEMON_MEMORY": properties["spark.driver.memory"],
            **(environment or {}),
        },
        ui_port=ui_port,
    )


def _property(value: str) -> str:
    return value.replace("\\", "\\\\")
