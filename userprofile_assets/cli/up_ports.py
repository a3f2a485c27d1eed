"""The ports of `userprofile up`: which are asked for, whether they are free.

Belongs here: looking at ports. Does not belong here: who listens on them (`up.py`).
"""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from userprofile_assets.errors import PermanentError

if TYPE_CHECKING:
    from collections.abc import Collection

    from userprofile_assets.settings import Settings

HOST = "127.0.0.1"
UI_PORT, CONNECT_PORT = 3000, 15002
# Ports behind one that is taken that are tried: close to it, so that a person recognizes it.
_NEAR = 50


@dataclass(frozen=True, kw_only=True)
class UpPorts:
    """Where the parts of an `up` shall answer.

    Args:
        ui: Port of the Dagster UI.
        connect: Port of the Spark Connect server.
        api: Port of the API; None: no API.
    """

    ui: int = UI_PORT
    connect: int = CONNECT_PORT
    api: int | None

    def check(self, settings: Settings) -> None:
        """Refuse a port that something listens on.

        Raises:
            PermanentError: One is taken, or this user may not listen on it.
        """
        for option, port, host in self._wanted(settings):
            check_port(port, option=option, host=host)

    def free(self, settings: Settings) -> UpPorts:
        """Return them with a free one near each that is taken.

        Raises:
            PermanentError: There is none, or this user may not listen on one.
        """
        names = {"--port": "ui", "--connect-port": "connect", "--api-port": "api"}
        chosen: dict[str, int] = {}
        for option, port, host in self._wanted(settings):
            chosen[names[option]] = _free_near(
                port, option=option, host=host, given=chosen.values()
            )
        return replace(self, **chosen)

    def numbers(self) -> tuple[int | None, ...]:
        """Return the ports, always in the same order."""
        return (self.ui, self.connect, self.api)

    def options(self) -> list[str]:
        """Return the options of `userprofile up` that say the same."""
        api = ["--no-api"] if self.api is None else ["--api-port", str(self.api)]
        return ["--port", str(self.ui), "--connect-port", str(self.connect), *api]

    def _wanted(self, settings: Settings) -> list[tuple[str, int, str]]:
        """Return option, port and address of each part that listens."""
        wanted = [("--port", self.ui, HOST)]
        if settings.spark_remote is None:
            wanted.append(("--connect-port", self.connect, HOST))
        if self.api is not None:
            wanted.append(("--api-port", self.api, settings.api_host))
        return wanted


def check_port(port: int, *, option: str, host: str = HOST) -> None:
    """Refuse a port that something listens on.

    Args:
        port: The port.
        option: The option that chooses it, for the message.
        host: The address that shall be listened on.

    Raises:
        PermanentError: It is taken, or this user may not listen on it.
    """
    try:
        _listen(host, port)
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


def _free_near(port: int, *, option: str, host: str, given: Collection[int]) -> int:
    for candidate in range(port, min(port + _NEAR, 65_536)):
        if candidate in given:
            continue
        try:
            check_port(candidate, option=option, host=host)
        except PermanentError as error:
            cause = error.__cause__
            if not (isinstance(cause, OSError) and cause.errno == errno.EADDRINUSE):
                raise
        else:
            return candidate
    raise PermanentError(
        f"none of the {_NEAR} ports from there on is free",
        where=f"port {port}",
        remedy=f"end what listens there, or choose another one with `userprofile up {option}`",
    )


def _listen(host: str, port: int) -> None:
    """Try to listen on a port for a moment."""
    kind, _, _, _, place = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(place)
