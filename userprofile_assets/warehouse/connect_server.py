"""One Spark Connect server on this machine, for all processes of one home.

Belongs here: its start and its end. Does not belong here: its token and how others find it
(`connect_home.py`), being its client (`connect.py`), what runs beside it (`cli/up.py`).

The server listens on the loopback interface and asks for a token: whoever may send it a statement
may run code as this user. It holds the embedded metastore, so while it runs every other process of
this home is its client. It ends with the process that started it, also after kill -9
(`child_process.py`), and its locks with it: its JVM inherits them.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from userprofile_assets.child_process import ChildProcess, start_child
from userprofile_assets.errors import SparkError, StorageError
from userprofile_assets.locks import exclusive_lock
from userprofile_assets.warehouse.connect_home import (
    connect_token,
    lock_path,
    note_path,
    remote_address,
    running_server,
)
from userprofile_assets.warehouse.driver_log import last_lines, open_log
from userprofile_assets.warehouse.java import find_java
from userprofile_assets.warehouse.private_files import properties_text, write_private
from userprofile_assets.warehouse.session_options import spark_conf

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from userprofile_assets.warehouse.session_options import SessionOptions

__all__ = ["ConnectServer", "connect_token", "listens", "running_server", "start_connect_server"]

_MAIN_CLASS = "org.apache.spark.sql.connect.service.SparkConnectServer"
_PROBE = "userprofile_assets.warehouse.connect_probe"
_HOST = "127.0.0.1"
_LOOK_SECONDS = 0.1
_STOP_SECONDS = 20.0

_SERVER_CONF = {
    "spark.connect.grpc.binding.address": _HOST,
    # Spark's own default, written down: it bounds what `userprofile up` takes of the memory.
    "spark.driver.memory": "1g",
    # A client that was killed leaves its statement running. Spark looks every 30 s for those that
    # nobody has asked for in 5 minutes. On the loopback interface nobody is away for 20 s.
    "spark.connect.execute.manager.detachedTimeout": "20s",
    "spark.connect.execute.manager.maintenanceInterval": "5s",
    # A session waits while its run copies the day's objects: as long as a run may take
    # (max_runtime_seconds in dagster.yaml), and not Spark's 60 minutes. An idle one costs little.
    "spark.connect.session.manager.defaultSessionTimeout": "5h",
}


@dataclass
class ConnectServer:
    """A server that was started; `wait` tells when it answers.

    Args:
        port: Where it listens.
        token: What its clients have to send.
        process: Its JVM.
        log_file: What the JVM prints.
    """

    port: int
    token: str = field(repr=False)
    process: ChildProcess
    log_file: Path
    _files: tuple[Path, ...] = ()

    @property
    def address(self) -> str:
        """The address without the token."""
        return f"sc://localhost:{self.port}"

    @property
    def remote(self) -> str:
        """The address for a client, a secret. pyspark sends a token to `localhost` only."""
        return remote_address(self.port, self.token)

    def wait(self, seconds: float = 120, stop_event: threading.Event | None = None) -> None:
        """Wait until the server answers a statement that needs the catalogue.

        Args:
            seconds: How long at most.
            stop_event: Set by another thread to give up waiting; then this returns as well.

        Raises:
            SparkError: It ended, refused the statement or took too long.
        """
        stop, deadline = stop_event or threading.Event(), time.monotonic() + seconds
        while not listens(self.port):
            self._check(deadline)
            if stop.wait(_LOOK_SECONDS):
                return
        # In a process of its own, since pyspark's client takes 150 MB that would never come back.
        with (
            tempfile.TemporaryFile() as said,
            subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", _PROBE],
                env=_environment({"SPARK_REMOTE": self.remote}),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
            ) as probe,
        ):
            try:
                while (code := probe.poll()) is None:
                    self._check(deadline)
                    if stop.wait(_LOOK_SECONDS):
                        return
            finally:
                probe.kill()
            said.seek(0)
            if code != 0:
                raise SparkError(
                    f"the first statement failed: {said.read()[-2000:].decode('utf-8', 'replace')}",
                    where=self.address,
                    remedy=f"read {self.log_file}",
                )
        self._remove_conf()

    def exit_code(self) -> int | None:
        """Return the exit code of its JVM, negative for a signal; None while it runs."""
        return self.process.exit_code()

    def stop(self, seconds: float = _STOP_SECONDS, hurry: threading.Event | None = None) -> bool:
        """End the server; see `ChildProcess.stop`."""
        by_itself = self.process.stop(seconds, hurry)
        for path in self._files:
            path.unlink(missing_ok=True)
        return by_itself

    def __enter__(self) -> ConnectServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _remove_conf(self) -> None:
        """Remove the file with the configuration: Spark has read it, and it may hold secrets."""
        for path in self._files:
            if path.suffix == ".properties":
                path.unlink(missing_ok=True)

    def _check(self, deadline: float) -> None:
        code = self.process.exit_code()
        if code is not None:
            raise SparkError(
                f"the Spark Connect server ended with {code}; the end of {self.log_file}:\n"
                f"{last_lines(self.log_file)}",
                where=self.address,
                remedy="SPARK_CONF may hold what this Spark or Java does not know",
            )
        if time.monotonic() > deadline:
            raise SparkError(
                "the Spark Connect server does not answer in time",
                where=self.address,
                remedy=f"read {self.log_file}",
            )


def start_connect_server(
    options: SessionOptions,
    *,
    port: int,
    token: str,
    on_wait: Callable[[str], None] | None = None,
    stop_event: threading.Event | None = None,
) -> ConnectServer:
    """Start a server and return at once; it ends with this process, or by `stop`.

    Args:
        options: Where and how Spark runs; `remote` is not looked at.
        port: Where it shall listen, on the loopback interface.
        token: What its clients have to send.
        on_wait: Called with a sentence when another process has the metastore open.
        stop_event: Set by another thread to give up waiting for the metastore.

    Raises:
        SparkError: Java is missing or too old, or the server could not be started.
        LockTimeoutError: Another process had the metastore open, or serves this home, for too long.
        StorageError: The home cannot be written.
    """
    java = find_java()
    conf = _SERVER_CONF | spark_conf(options, java)
    conf["spark.connect.grpc.binding.port"] = str(port)
    spark_home = _spark_home()
    own = {"SPARK_HOME": str(spark_home), "SPARK_CONNECT_AUTHENTICATE_TOKEN": token}
    if options.is_local:
        own["SPARK_LOCAL_IP"] = os.environ.get("SPARK_LOCAL_IP", _HOST)
    with ExitStack() as stack:
        fds = [
            stack.enter_context(
                exclusive_lock(
                    path,
                    purpose=f"the Spark Connect server on port {port}",
                    timeout=options.lock_seconds,
                    on_wait=on_wait,
                    stop_event=stop_event,
                )
            ).fd
            for path in _locks(options)
        ]
        properties, note = _write_files(options.home, conf)
        command = (
            *(spark_home / "bin" / "spark-submit", "--class", _MAIN_CLASS),
            *("--properties-file", properties, "--load-spark-defaults", "spark-internal"),
        )
        try:
            with open_log(options.log_file) as log:
                process = start_child(command, output=log, env=_environment(own), pass_fds=fds)
        except OSError as error:
            properties.unlink(missing_ok=True)
            raise SparkError(
                f"the Spark Connect server could not be started ({error.strerror})",
                where=str(spark_home),
                remedy="`userprofile doctor` tests the parts one by one",
            ) from error
    # From here on the locks are the server's own: they are free when its last process has ended.
    return ConnectServer(
        port=port,
        token=token,
        process=process,
        log_file=options.log_file,
        _files=(properties, note),
    )


def listens(port: int) -> bool:
    """Tell whether something takes connections on a port of the loopback interface."""
    try:
        with socket.create_connection((_HOST, port), timeout=1):
            return True
    except OSError:
        return False


def _locks(options: SessionOptions) -> list[Path]:
    own = [options.metastore_lock] if options.uses_embedded_metastore else []
    return [lock_path(options.home), *own]


def _spark_home() -> Path:
    """Return where Spark is: SPARK_HOME, or the pyspark package, which is not imported for it."""
    if os.environ.get("SPARK_HOME"):
        return Path(os.environ["SPARK_HOME"])
    found = find_spec("pyspark")
    if found is None or found.origin is None:
        raise SparkError("pyspark is not installed", remedy="install the project's requirements")
    return Path(found.origin).parent


def _environment(own: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment without what would turn a Spark into a client."""
    dropped = {"SPARK_REMOTE", "SPARK_CONNECT_MODE", "SPARK_CONNECT_MODE_ENABLED"}
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return kept | dict(own)


def _write_files(home: Path, conf: Mapping[str, str]) -> tuple[Path, Path]:
    """Write the configuration, which must not stand on a command line, and the note for others.

    What a server that was killed has left is removed.
    """
    directory = home / "spark"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for old in directory.glob("connect-*.properties"):
            old.unlink(missing_ok=True)
        path = directory / f"connect-{secrets.token_hex(4)}.properties"
        write_private(path, properties_text(conf))
        note = note_path(home)
        write_private(note, json.dumps({"port": int(conf["spark.connect.grpc.binding.port"])}))
    except OSError as error:
        raise StorageError(
            f"the files of the Spark Connect server cannot be written ({error.strerror})",
            where=str(directory),
            remedy="make USERPROFILE_HOME a directory that this user may write to",
        ) from error
    return path, note
