"""`userprofile up`: a warm Spark and the Dagster UI, by one command in the foreground.

Belongs here: which parts there are and what each is told. Does not belong here: their common life
(`processes.py`), Dagster's own processes (`dagster_dev.py`), Spark's
(`warehouse/connect_server.py`).
"""

from __future__ import annotations

import errno
import socket
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from userprofile_assets.cli.dagster_dev import HOST, DagsterDev, start_dagster_dev
from userprofile_assets.cli.processes import Part, Supervisor
from userprofile_assets.cli.spark import session_options, tell
from userprofile_assets.errors import LockTimeoutError, PermanentError
from userprofile_assets.locks import exclusive_lock
from userprofile_assets.settings import PREFIX
from userprofile_assets.warehouse.class_archive import archive_path
from userprofile_assets.warehouse.connect_home import connect_token, remote_address
from userprofile_assets.warehouse.connect_server import ConnectServer, start_connect_server
from userprofile_assets.warehouse.java import find_java

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator
    from pathlib import Path

    from userprofile_assets.settings import Settings

# What a former `up` that was killed leaves is gone within a tenth of a second.
_FORMER_SECONDS = 3.0


def run_up(settings: Settings, *, port: int, connect_port: int) -> int:
    """Run everything until somebody ends it, and return the exit code.

    With USERPROFILE_SPARK_REMOTE set, Spark is elsewhere and only Dagster is started.

    Args:
        settings: The settings.
        port: Port of the Dagster UI.
        connect_port: Port of the Spark Connect server.

    Raises:
        PermanentError: It runs already on this home, or a port is taken.
    """
    with _alone(settings.home):
        check_port(port, option="--port")
        parts, environment = [], {}
        if settings.spark_remote is None:
            check_port(connect_port, option="--connect-port")
            token = connect_token(settings.home)
            environment[f"{PREFIX}SPARK_REMOTE"] = remote_address(connect_port, token)
            parts.append(_spark(settings, connect_port, token))

        def start(_: threading.Event) -> DagsterDev:
            return start_dagster_dev(settings, port=port, environment=environment)

        parts.append(Part(name="dagster", address=f"http://{HOST}:{port}", start=start))
        supervisor = Supervisor(parts, out=sys.stdout)
        supervisor.say(f"Starting {' and '.join(part.name for part in parts)}")
        return supervisor.run()


def check_port(port: int, *, option: str) -> None:
    """Refuse a port that something listens on.

    Args:
        port: The port of the loopback interface.
        option: The option that chooses it, for the message.

    Raises:
        PermanentError: It is taken, or this user may not listen on it.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            raise PermanentError(
                "another program listens there" if taken else f"cannot be used: {error.strerror}",
                where=f"port {port}",
                remedy=f"choose another one with {option}"
                + (
                    f", or end that program (`ss -ltnp sport = :{port}` names it; perhaps a "
                    "`userprofile up`, `make ui` or `dagster dev` of another directory)"
                    if taken
                    else ""
                ),
            ) from error


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Hold the lock that admits one `userprofile up` to a home."""
    lock = exclusive_lock(
        home / "locks" / "up.lock", purpose="`userprofile up`", timeout=_FORMER_SECONDS
    )
    with ExitStack() as stack:
        try:
            stack.enter_context(lock)
        except LockTimeoutError as error:
            raise PermanentError(
                f"`userprofile up` runs already: {error.what}",
                where=str(home),
                remedy="use that one, or end it, or set USERPROFILE_HOME to another directory",
            ) from error
        yield


def _spark(settings: Settings, port: int, token: str) -> Part:
    options = session_options(settings, "up")
    java = find_java()
    if options.is_local and not archive_path(settings.home, java).is_file():
        tell("`userprofile spark archive`, once, makes Spark start in half the time.")

    def start(stop_event: threading.Event) -> ConnectServer:
        return start_connect_server(
            options, port=port, token=token, on_wait=tell, stop_event=stop_event
        )

    return Part(name="spark", address=f"sc://localhost:{port}", start=start)
