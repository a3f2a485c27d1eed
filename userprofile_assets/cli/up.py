"""`userprofile up`: a warm Spark, the Dagster UI and the API, by one command in the foreground.

Belongs here: which parts there are and what each is told. Does not belong here: their common life
(`processes.py`), Dagster's own processes (`dagster_dev.py`), Spark's
(`warehouse/connect_server.py`), the API's (`api_process.py`), running without a terminal
(`up_detached.py`).
"""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from userprofile_assets.cli.api_process import ApiProcess, address, start_api
from userprofile_assets.cli.dagster_dev import HOST, DagsterDev, start_dagster_dev
from userprofile_assets.cli.processes import Part, Supervisor
from userprofile_assets.cli.spark import session_options, tell
from userprofile_assets.cli.up_state import UpState, lock_file, remove_state, write_state
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

    from userprofile_assets.cli.up_ports import UpPorts
    from userprofile_assets.settings import Settings

# What a former `up` that was killed leaves is gone within a tenth of a second.
_FORMER_SECONDS = 3.0


def run_up(settings: Settings, ports: UpPorts) -> int:
    """Run everything until somebody ends it, and return the exit code.

    With USERPROFILE_SPARK_REMOTE set, Spark is elsewhere and only the other parts are started.

    Args:
        settings: The settings.
        ports: Where the parts shall answer.

    Raises:
        PermanentError: It runs already on this home, or a port is taken.
    """
    with _alone(settings.home):
        ports.check(settings)
        parts, environment = [], {}
        if settings.spark_remote is None:
            token = connect_token(settings.home)
            environment[f"{PREFIX}SPARK_REMOTE"] = remote_address(ports.connect, token)
            parts.append(_spark(settings, ports.connect, token))

        def start(_: threading.Event) -> DagsterDev:
            return start_dagster_dev(settings, port=ports.ui, environment=environment)

        parts.append(Part(name="dagster", address=f"http://{HOST}:{ports.ui}", start=start))
        if ports.api is not None:
            parts.append(_api(settings, ports.api))
        state = UpState(
            pid=os.getpid(),
            ready=False,
            addresses={part.name: part.address for part in parts},
        )
        write_state(settings.home, state)
        supervisor = Supervisor(
            parts,
            out=sys.stdout,
            on_ready=lambda: write_state(settings.home, replace(state, ready=True)),
        )
        supervisor.say(f"Starting {', '.join(part.name for part in parts)}")
        try:
            return supervisor.run()
        finally:
            remove_state(settings.home)


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Hold the lock that admits one `userprofile up` to a home."""
    lock = exclusive_lock(lock_file(home), purpose="`userprofile up`", timeout=_FORMER_SECONDS)
    with ExitStack() as stack:
        try:
            stack.enter_context(lock)
        except LockTimeoutError as error:
            raise PermanentError(
                f"`userprofile up` runs already: {error.what}",
                where=str(home),
                remedy="use that one, or end it (`userprofile down`), or set USERPROFILE_HOME to "
                "another directory",
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


def _api(settings: Settings, port: int) -> Part:
    def start(_: threading.Event) -> ApiProcess:
        return start_api(settings, port=port)

    return Part(name="api", address=address(settings.api_host, port), start=start)
