"""TLS in front of a server that speaks none, as a reverse proxy does it.

Belongs here: ending TLS and passing bytes on. Does not belong here: certificates
(`certificates.py`), faults (`fault_proxy.py`).
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


@contextmanager
def tls_front(port: int, cert: Path, key: Path, *, protocols: Sequence[str] = ()) -> Iterator[int]:
    """Give the port of a TLS server that passes everything on to another port.

    Args:
        port: Where the plain server listens on this machine.
        cert: Certificate (PEM).
        key: Its key (PEM).
        protocols: What ALPN offers; gRPC wants `h2`.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    if protocols:
        context.set_alpn_protocols(list(protocols))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection("127.0.0.1", port)
        try:
            await asyncio.gather(_pass_on(reader, there[1]), _pass_on(there[0], writer))
        finally:
            for end in (there[1], writer):
                end.transport.abort()  # close() would wait for the other side's goodbye
                with suppress(OSError, ssl.SSLError):
                    await end.wait_closed()

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(
        asyncio.start_server(serve, "127.0.0.1", 0, ssl=context), loop
    ).result(30)
    number: int = server.sockets[0].getsockname()[1]
    try:
        yield number
    finally:
        asyncio.run_coroutine_threadsafe(_end(server), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    # A client that is gone is no fault of this proxy.
    with suppress(OSError, ssl.SSLError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def _end(server: asyncio.Server) -> None:
    """Take no more connections and end those that there are."""
    server.close()
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
