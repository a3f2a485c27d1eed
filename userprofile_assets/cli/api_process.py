"""The API as a part of `userprofile up`: a `userprofile serve` and its first answer.

Belongs here: its start and its end. Does not belong here: what it serves (`service/`), the parts
beside it (`up.py`).
"""

from __future__ import annotations

import ipaddress
import os
import sys
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING

from userprofile_assets.child_process import ChildProcess, start_child
from userprofile_assets.cli.first_answer import Part, wait_for_answer
from userprofile_assets.errors import PermanentError
from userprofile_assets.warehouse.driver_log import open_log

if TYPE_CHECKING:
    import threading
    from pathlib import Path

    from userprofile_assets.settings import Settings


@dataclass(frozen=True)
class ApiProcess:
    """A `userprofile serve` that was started.

    Args:
        host: Where it can be reached from here.
        port: Its port.
        process: Its process.
        log_file: What it prints.
    """

    host: str
    port: int
    process: ChildProcess
    log_file: Path

    def wait(self, seconds: float, stop_event: threading.Event) -> None:
        """Wait until it answers `/readyz`.

        503 is an answer too: the API lives, and says so of its database for itself.

        Raises:
            PermanentError: It ended or took too long.
        """
        part = Part(
            "userprofile serve",
            address(self.host, self.port),
            self.log_file,
            "--no-api starts the other parts without it",
        )
        wait_for_answer(part, self.process, self._answers, seconds=seconds, stop_event=stop_event)

    def exit_code(self) -> int | None:
        """Return its exit code; None while it runs."""
        return self.process.exit_code()

    def stop(self, seconds: float, hurry: threading.Event) -> bool:
        """End it; requests that go on are answered first."""
        return self.process.stop(seconds, hurry)

    def _answers(self) -> bool:
        connection = HTTPConnection(self.host, self.port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status in {200, 503}
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()


def start_api(settings: Settings, *, port: int) -> ApiProcess:
    """Start the API at API_HOST and return at once.

    Raises:
        PermanentError: It could not be started.
        StorageError: Its log cannot be written.
    """
    log_file = settings.home / "logs" / "api" / f"up-{os.getpid()}.log"
    command = [sys.executable, "-m", "userprofile_assets.cli.main", "serve"]
    options = ["--host", settings.api_host, "--port", str(port)]
    try:
        with open_log(log_file) as log:
            process = start_child([*command, *options], output=log, env=os.environ)
    except OSError as error:
        raise PermanentError(
            f"`userprofile serve` could not be started ({error.strerror})", where=sys.executable
        ) from error
    return ApiProcess(reachable(settings.api_host), port, process, log_file)


def reachable(host: str) -> str:
    """Return the address that reaches a server of this machine which listens on `host`."""
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return host
    if not ip.is_unspecified:
        return host
    return "127.0.0.1" if ip.version == 4 else "::1"


def address(host: str, port: int) -> str:
    """Return the URL of the API as a person on this machine calls it."""
    shown = reachable(host)
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"
