"""Connect to a HiveServer2 with bounded waits, by PyHive.

Belongs here: transports, login, what a failed connection means. Does not belong here: statements
(`thrift.py`).

PyHive's own transports wait for ever and check no certificate over TLS, so they are made here.
"""

from __future__ import annotations

import http.client
import re
import ssl
import struct
from base64 import b64encode
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from userprofile_assets.errors import SettingsError, SparkError, SparkUnavailableError
from userprofile_assets.warehouse.spark_errors import is_stopped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from userprofile_assets.warehouse.thrift_url import ThriftUrl

# An error class of Spark, and what it says; not the name of a Java exception.
_SAID = re.compile(r"\[[A-Z][A-Z0-9_.]+\] +(?!(?:org|java)\.)[^\n]+")
_INSTALL = "pip install 'userprofile-assets[thrift]'"


def connect(url: ThriftUrl, *, timeout: float) -> Any:
    """Return an open connection of PyHive.

    Args:
        url: The server.
        timeout: Seconds that one answer may take; statements run in the background on the server,
            so no answer takes long.

    Raises:
        SettingsError: PyHive is not installed.
        SparkError: The server refuses the login.
        SparkUnavailableError: The server does not answer.
    """
    try:
        from pyhive import hive
    except ImportError as error:
        raise SettingsError(
            "an address thrift:// needs PyHive, which is not installed",
            where=url.address,
            remedy=_INSTALL,
        ) from error
    with calling(url.address):
        over_http = url.transport in {"http", "https"}
        transport = _http(url, timeout) if over_http else _tcp(url, timeout)
        try:
            return hive.Connection(
                username=url.user, database=url.database, thrift_transport=transport
            )
        except BaseException:
            _close(transport)
            raise


@contextmanager
def calling(address: str) -> Iterator[None]:
    """Raise what a call to the server raises as an error of this project.

    Raises:
        SparkError: The server refused the call.
        SparkUnavailableError: No answer, or none that can be read.
    """
    from pyhive.exc import Error as HiveError
    from thrift.Thrift import TException
    from thrift.transport.TTransport import TTransportException

    try:
        yield
    except HiveError as error:
        raise _refused(error, address) from error
    except TTransportException as error:
        raise _untrusted(error, address) or _broken(error, address) from error
    # A stream that is cut off or is no Thrift shows as any of the last three.
    except (
        TException,
        OSError,
        EOFError,
        http.client.HTTPException,
        struct.error,
        AttributeError,
        AssertionError,
    ) as error:
        what = str(error) or type(error).__name__
        raise _untrusted(error, address) or _unavailable(what, address) from error


def server_message(error: object) -> str:
    """Return what a server says of an error, from the answer that PyHive raises."""
    response = error.args[0] if isinstance(error, Exception) and error.args else error
    status = getattr(response, "status", None)
    return str(getattr(status, "errorMessage", None) or response)


def _refused(error: Exception, address: str) -> SparkError | SparkUnavailableError:
    said = server_message(error)
    if "Invalid SessionHandle" in said or "Invalid OperationHandle" in said:
        return _unavailable(f"the server has forgotten this session: {said}", address)
    if is_stopped(said):
        return _unavailable(said, address)
    return SparkError(
        f"the server refuses: {first_sentence(said)}",
        where=address,
        remedy="ask whoever runs the server; its log says more",
    )


def _broken(error: Any, address: str) -> SparkError | SparkUnavailableError:
    said = str(error)
    # SASL's BAD and ERROR; over HTTP the status.
    if said.startswith(("Bad status: 3", "Bad status: 4", "HTTP 401", "HTTP 403")):
        return SparkError(
            "the server refuses the login",
            where=address,
            remedy="correct user and password (or token) in USERPROFILE_SPARK_REMOTE",
        )
    if re.match(r"HTTP 4(?!08|29)\d\d", said):
        return SparkError(
            f"the server refuses the call ({said})",
            where=address,
            remedy="correct the path in USERPROFILE_SPARK_REMOTE (?transport=https&path=...)",
        )
    return _unavailable(f"{said}: {inner}" if (inner := _inner(error)) else said, address)


def _inner(error: BaseException) -> BaseException | None:
    """Return what an exception was made of: thrift keeps it in an attribute of its own."""
    return getattr(error, "inner", None) or error.__cause__ or error.__context__


def _untrusted(error: BaseException, address: str) -> SparkError | None:
    """Return the error of a certificate that was not accepted, if that is what it was."""
    reason: BaseException | None = error
    while reason is not None:
        if isinstance(reason, ssl.SSLCertVerificationError):
            return SparkError(
                f"the server's certificate is not trusted: {reason.verify_message}",
                where=address,
                remedy="install its authority in the system, or name it in SSL_CERT_FILE; "
                "the host has to be one that the certificate names",
            )
        reason = _inner(reason)
    return None


def _unavailable(what: str, address: str) -> SparkUnavailableError:
    return SparkUnavailableError(
        f"the Thrift server does not answer: {first_sentence(what)}",
        where=address,
        remedy="see whether the server runs and can be reached from here",
    )


def first_sentence(text: str) -> str:
    """Return what a server says of an error, in one line, without the Java classes around it.

    Spark repeats itself: `Error running query: [X] org.apache...Exception: [X] The table ...`.
    """
    found = _SAID.search(text)
    if found:
        return found.group().strip()[:500]
    return next((line.strip() for line in text.splitlines() if line.strip()), "no reason given")[
        :500
    ]


def _tcp(url: ThriftUrl, timeout: float) -> Any:
    from thrift.transport.TSocket import TSocket
    from thrift.transport.TSSLSocket import TSSLSocket
    from thrift.transport.TTransport import TBufferedTransport

    class TlsSocket(TSSLSocket):  # type: ignore[misc] # thrift ships no types
        """TSSLSocket cannot be closed when it was never open, which hides why it was not."""

        def close(self) -> None:
            if self.handle is not None:
                super().close()

    if url.transport == "tls":
        context = ssl.create_default_context()
        socket = TlsSocket(url.host, url.port, ssl_context=context, socket_keepalive=True)
    else:
        socket = TSocket(url.host, url.port, socket_keepalive=True)
    socket.setTimeout(timeout * 1000)
    if url.auth == "nosasl":
        return TBufferedTransport(socket)

    from pyhive.sasl_compat import PureSASLClient
    from thrift_sasl import TSaslClientTransport

    def login() -> Any:
        # A server without authentication ignores the password, but wants one.
        return PureSASLClient(host=url.host, username=url.user, password=url.password or "x")

    return TSaslClientTransport(login, "PLAIN", socket)


def _http(url: ThriftUrl, timeout: float) -> Any:
    from thrift.transport.THttpClient import THttpClient
    from thrift.transport.TTransport import TTransportException

    class HttpClient(THttpClient):  # type: ignore[misc] # thrift ships no types
        """THttpClient reads the page of an error as if it were Thrift."""

        def flush(self) -> None:
            super().flush()
            if self.code != http.client.OK:
                raise TTransportException(message=f"HTTP {self.code} {self.message}")

    tls = ssl.create_default_context() if url.transport == "https" else None
    host = f"[{url.host}]" if ":" in url.host else url.host
    client = HttpClient(f"{url.transport}://{host}:{url.port}/{url.path}", ssl_context=tls)
    client.setTimeout(timeout * 1000)
    if url.auth == "plain":
        login = b64encode(f"{url.user}:{url.password or 'x'}".encode()).decode()
        client.setCustomHeaders({"Authorization": f"Basic {login}"})
    return client


def _close(transport: Any) -> None:
    with suppress(OSError, AttributeError):  # AttributeError: it was never open
        transport.close()
