"""`userprofile serve`: the API and its pages over HTTP, in the foreground.

Belongs here: where it listens, how it starts and ends. Does not belong here: what it answers
(`service/`).
"""

from __future__ import annotations

import errno
import gc
import ipaddress
import logging
import signal
import socket
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from userprofile_assets.errors import PermanentError, SettingsError, UserProfileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from userprofile_assets.records.database import Records
    from userprofile_assets.settings import Settings

_BACKLOG = 1024
# Longer than a reverse proxy keeps its own idle connections would be best; nginx keeps them 60 s.
_KEEP_ALIVE_SECONDS = 65
# For requests that are answered while it ends; `userprofile up` gives its parts 20 s.
_END_SECONDS = 10
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run_serve(settings: Settings, *, host: str, port: int) -> int:
    """Serve until Ctrl-C or SIGTERM, and return the exit code.

    Args:
        settings: The settings.
        host: Name or address to listen on. Another one than loopback needs a key.
        port: Its port.

    Raises:
        SettingsError: No key exists and others could reach the address, or the database's settings
            are wrong.
        PermanentError: The address or the port cannot be used.
    """
    from userprofile_assets.service.log_lines import LogLines

    addresses = _resolve(host, port)
    loopback = all(ipaddress.ip_address(address[0]).is_loopback for _, address in addresses)
    with ExitStack() as stack:
        log = stack.enter_context(LogLines(sys.stdout)).add
        if not loopback:
            _need_a_key(settings, host, log)
        # Before anything slow: who starts it twice is told at once.
        sockets = [stack.enter_context(one) for one in _listen(addresses, host, port)]
        _serve(settings, sockets, log, loopback=loopback, shown=_url(host, port))
    return 0


def _serve(
    settings: Settings,
    sockets: list[socket.socket],
    log: Callable[[str], None],
    *,
    loopback: bool,
    shown: str,
) -> None:
    import uvicorn

    from userprofile_assets.service.app import create_app
    from userprofile_assets.service.metrics import ServiceMetrics
    from userprofile_assets.service.protocol import limited_protocol

    metrics = ServiceMetrics()
    app = create_app(settings, log=log, loopback=loopback, metrics=metrics)
    config = uvicorn.Config(
        app,
        http=limited_protocol(metrics),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        # Whose word a proxy's headers are is not known here, and nothing needs them.
        proxy_headers=False,
        server_header=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_END_SECONDS,
    )
    server = uvicorn.Server(config)
    with _uvicorn_log(log), _end_quietly():
        # What is loaded by now stays: the collector need not look at it again and again.
        gc.collect()
        gc.freeze()
        log(f"API and dashboard: {shown}/")
        server.run(sockets=sockets)
    log("The API has ended.")


def _need_a_key(settings: Settings, host: str, log: Callable[[str], None]) -> None:
    """Refuse to listen where others reach it while there is no key.

    Raises:
        SettingsError: There is none.
    """
    from userprofile_assets.serving.api_keys import read_known_keys

    try:
        with open_records_of(settings) as records:
            keys = read_known_keys(records)
    except SettingsError:
        raise
    except UserProfileError as error:
        # It is not open then either: without knowing the keys nobody is let in.
        log(f"the keys cannot be read yet: {error}".replace("\n", " "))
        return
    if not keys.good:
        raise SettingsError(
            "others can reach this address, and there is no key that they would need",
            where=f"host {host}",
            remedy="make a key with `userprofile keys create NAME --scope aggregates`, or listen "
            "on 127.0.0.1",
        )


def open_records_of(settings: Settings) -> Records:
    """Open the database that holds the keys; connects to nothing yet.

    Raises:
        SettingsError: SERVING_URL is no URL, or its driver is missing.
    """
    from userprofile_assets.records.database import open_records

    return open_records(
        settings.serving_url.get_secret_value() if settings.serving_url else None,
        settings.home,
        tls=settings.serving_tls,
        ca=str(settings.serving_ca) if settings.serving_ca else None,
    )


def _resolve(host: str, port: int) -> list[tuple[int, tuple[str, int]]]:
    """Return the family and address of each interface that a name stands for."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise PermanentError(
            f"no such address ({getattr(error, 'strerror', None) or 'not a name'})",
            where=f"host {host}",
            remedy="correct --host or USERPROFILE_API_HOST; 127.0.0.1 is this machine, 0.0.0.0 all "
            "its interfaces",
        ) from error
    return list(dict.fromkeys((family, address[:2]) for family, *_, address in found))  # type: ignore[misc] # address families of IP only


def _listen(
    addresses: list[tuple[int, tuple[str, int]]], host: str, port: int
) -> list[socket.socket]:
    sockets: list[socket.socket] = []
    refused: OSError | None = None
    for family, address in addresses:
        one = socket.socket(family, socket.SOCK_STREAM)
        try:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            one.bind(address)
            one.listen(_BACKLOG)
        except OSError as error:
            one.close()
            # `localhost` stands for ::1 too where IPv6 is switched off.
            if error.errno != errno.EADDRNOTAVAIL or len(addresses) == 1:
                _close(sockets)
                raise _not_usable(error, host, port) from error
            refused = error
        else:
            one.settimeout(0)  # the event loop waits, not the socket
            sockets.append(one)
    if not sockets and refused is not None:
        raise _not_usable(refused, host, port) from refused
    return sockets


def _close(sockets: list[socket.socket]) -> None:
    for one in sockets:
        one.close()


def _not_usable(error: OSError, host: str, port: int) -> PermanentError:
    if error.errno == errno.EADDRINUSE:
        return PermanentError(
            "another program listens there",
            where=f"port {port}",
            remedy="choose another one with --port, or end that program "
            f"(`ss -ltnp sport = :{port}` names it; perhaps a `userprofile serve` or "
            "`userprofile up`)",
        )
    return PermanentError(
        f"cannot listen there ({error.strerror})",
        where=f"{host} port {port}",
        remedy="choose an address of this machine with --host and a port above 1023 with --port",
    )


def _url(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


@contextmanager
def _uvicorn_log(log: Callable[[str], None]) -> Iterator[None]:
    """Pass on what uvicorn says of its own errors."""

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said = record.getMessage()
            kind = record.exc_info[0] if record.exc_info else None
            log(f"server: {said.strip()}" + (f" ({kind.__name__})" if kind else ""))

    logger = logging.getLogger("uvicorn")
    handler = Lines(level=logging.ERROR)
    former = logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = former


@contextmanager
def _end_quietly() -> Iterator[None]:
    """Take the signal that uvicorn sends itself again after it has ended in good order."""
    former = {number: signal.signal(number, lambda *_: None) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
