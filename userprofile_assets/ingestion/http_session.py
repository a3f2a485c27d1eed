"""One HTTP client for one copy: connections, redirects, who gets which secret, time limits.

Belongs here: sending a request and following it to its answer. Does not belong here: what the
answer means (`http_errors.py`), its body (`http_transfer.py`).

Redirects. At most 5. Never from https to http, never out of HTTP, never to a host that is not
allowed. Secrets (credentials, every header of USERPROFILE_LOG_HEADERS) go to the origin of the
first URL (scheme, host, port; http -> https of the same host counts as the same); once a redirect
has left it they are sent no more, even if another one leads back. A user in a Location is dropped.
A POST becomes a GET without a body after 301, 302 and 303, as browsers do it (RFC 9110, 15.4); 307
and 308 keep the form, on the same origin only.
"""

from __future__ import annotations

import base64
import socket
import threading
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote, urldefrag, urlsplit

from userprofile_assets.errors import SettingsError, SourceError, SourceUnavailableError
from userprofile_assets.ingestion.http_body import CHUNK_BYTES
from userprofile_assets.ingestion.http_errors import (
    CORRECT_URL,
    LATER,
    named_failures,
    redact_what_is_logged,
)
from userprofile_assets.ingestion.http_options import origin_of
from userprofile_assets.redaction import redact_url

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import httpx

    from userprofile_assets.ingestion.http_options import HttpOptions
    from userprofile_assets.ingestion.retry import Deadline

MOST_REDIRECTS = 5

_CONNECT_SECONDS = 10.0
_TO_GET = {301, 302, 303}


class HttpSession:
    """Sends the same request again and again: whole, from an offset, block by block.

    Safe to use from several threads at once. Used as a context manager; leaving it closes every
    connection.

    Args:
        url: `http://` or `https://`, with its credentials.
        name: The URL without secrets.
        options: How to ask.
        deadline: When it passes, every connection is shut down.

    Raises:
        SettingsError: The options cannot work.
        SourceError: The URL cannot be parsed.
    """

    def __init__(self, url: str, *, name: str, options: HttpOptions, deadline: Deadline) -> None:
        import httpx

        options.check(url)
        redact_what_is_logged()
        self.name = name
        self.options = options
        self.deadline = deadline
        with self.named():
            _check_address(url)
            plain = httpx.URL(urldefrag(url)[0])
            # An absent path and an absent query have to stay absent.
            self._url = _with_parameters(
                str(plain.copy_with(userinfo=b"")),
                options.parameters if options.method == "GET" else "",
            )
            self._secrets = _secrets(url, options)
        self._client = _client(options)
        self._streams: list[Any] = []
        self._watch = threading.Timer(deadline.left(), self._shut_down, args=(self._streams,))
        self._watch.daemon = True

    def __enter__(self) -> Self:
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._watch.cancel()
        self._client.close()

    def send(self, headers: Mapping[str, str]) -> httpx.Response:
        """Send the request and follow it to the answer that is no redirect.

        Args:
            headers: For this request: a range, a condition.

        Returns:
            The answer, of any status, whose body is still to be read. The caller closes it.

        Raises:
            SourceError: A redirect is refused, the host is not allowed, the certificate is bad.
            SourceUnavailableError: No connection, no answer in time.
        """
        import httpx

        options = self.options
        method, url = options.method, self._url
        form = options.parameters.encode() if method == "POST" else None
        trusted = True
        for _ in range(MOST_REDIRECTS + 1):
            if not options.may_ask(url):
                raise SourceError(
                    f"the host of {redact_url(url)} is not among the allowed ones",
                    where=self.name,
                    remedy="add it to USERPROFILE_LOG_ALLOWED_HOSTS if the log may come from it",
                )
            own = dict(headers)
            if form is not None:
                own["Content-Type"] = "application/x-www-form-urlencoded"
            if trusted:
                own |= self._secrets
            response = self._answer(method, url, headers=own, content=form)
            if not response.has_redirect_location:
                return response
            response.close()
            with self.named():
                try:
                    joined = httpx.URL(url).join(response.headers["location"])
                    following = str(joined.copy_with(userinfo=b"", fragment=None))
                    _check_address(following)
                except (httpx.InvalidURL, UnicodeError):
                    raise SourceError(
                        "redirected to an address that cannot be parsed",
                        where=self.name,
                        remedy=CORRECT_URL,
                    ) from None
            check_redirect(url, following, name=self.name)
            same = _is_same(url, following)
            trusted = trusted and same
            if response.status_code in _TO_GET:
                method, form = "GET", None
            elif form is not None and not same:
                raise SourceError(
                    f"redirected ({response.status_code}) to {redact_url(following)}, "
                    "which is not given the form of another server",
                    where=self.name,
                    remedy=CORRECT_URL,
                )
            url = following
        raise SourceError(
            f"redirected more than {MOST_REDIRECTS} times", where=self.name, remedy=CORRECT_URL
        )

    def interrupt(self) -> None:
        """Wake every thread that waits for the server; later requests open new connections."""
        self._shut_down(self._streams)

    @contextmanager
    def named(self) -> Iterator[None]:
        """Turn what httpx raises into errors of this project; first of all: is the time over?

        Raises:
            DeadlineError: Something failed after the deadline.
        """
        try:
            with named_failures(self.name, proxied=self.options.proxy is not None):
                yield
        except SourceUnavailableError:
            self.deadline.check(where=self.name)
            raise

    def _answer(
        self, method: str, url: str, *, headers: dict[str, str], content: bytes | None
    ) -> httpx.Response:
        """Send one request; give up when the head of the answer drips in for too long.

        httpx counts its read time-out from packet to packet, so it does not end a slow head.
        """
        opened: list[Any] = []

        def note(event: str, info: dict[str, Any]) -> None:
            if event.endswith(("connect_tcp.complete", "start_tls.complete")):
                stream = info["return_value"]
                _read_more_at_once(stream)
                opened.append(stream)
                self._streams.append(stream)

        late = threading.Event()

        def give_up() -> None:
            late.set()
            # On a connection that was open before, which of them is not known.
            self._shut_down(opened or self._streams)

        seconds = self.options.read_timeout + _CONNECT_SECONDS
        timer = threading.Timer(seconds, give_up)
        timer.daemon = True
        self.deadline.check(where=self.name)
        with self.named():
            request = self._client.build_request(
                method, url, headers=headers, content=content, extensions={"trace": note}
            )
            timer.start()
            try:
                return self._client.send(request, stream=True)
            except Exception as error:
                if late.is_set():
                    raise SourceUnavailableError(
                        f"the head of the answer was not complete after {seconds:g} seconds",
                        where=self.name,
                        remedy=f"{LATER}, or raise USERPROFILE_LOG_READ_TIMEOUT_SECONDS",
                    ) from error
                raise
            finally:
                timer.cancel()

    @staticmethod
    def _shut_down(streams: list[Any]) -> None:
        """Wake every thread that waits for one of these connections."""
        for stream in list(streams):
            # Not the method of an SSLSocket, which would unwrap it under its reader's hands.
            with suppress(OSError, AttributeError, TypeError):
                socket.socket.shutdown(stream.get_extra_info("socket"), socket.SHUT_RDWR)


def check_redirect(source: str, target: str, *, name: str) -> None:
    """Refuse a redirect that leaves HTTP or gives up encryption.

    Raises:
        SourceError: The target is not http(s), or is http while the source is https.
    """
    before, after = urlsplit(source).scheme, urlsplit(target).scheme
    if after not in {"http", "https"} or (before == "https" and after == "http"):
        raise SourceError(
            f"redirected from {before} to {redact_url(target)}, which is refused",
            where=name,
            remedy=CORRECT_URL,
        )


def _read_more_at_once(stream: Any) -> None:
    """Let a connection read up to 1 MiB where httpcore asks for 64 KiB.

    Each read costs a walk through four layers of generators: a GiB takes 2.7 s of CPU time with 64
    KiB and 0.6 s with 1 MiB. A read may give less than was asked for, so only the top changes.
    """
    read = stream.read

    def read_more(max_bytes: int, timeout: float | None = None) -> bytes:
        data: bytes = read(max(max_bytes, CHUNK_BYTES), timeout)
        return data

    stream.read = read_more


def _check_address(url: str) -> None:
    """Refuse a host or a port that no connection can be made to.

    Sockets take the last 16 bits of a port that is too large, and DNS knows no empty label.

    Raises:
        httpx.InvalidURL: It is one.
    """
    import httpx

    try:
        origin_of(url)[1].encode("idna")
        _ = httpx.URL(url).host  # decodes punycode
    except ValueError:
        raise httpx.InvalidURL("no address") from None


def _is_same(source: str, target: str) -> bool:
    before, after = origin_of(source), origin_of(target)
    upgraded = before[1] == after[1] and (before[0], before[2]) == ("http", 80)
    return before == after or (upgraded and (after[0], after[2]) == ("https", 443))


def _with_parameters(url: str, parameters: str) -> str:
    if not parameters:
        return url
    return f"{url}{'&' if '?' in url else '?'}{parameters}"


def _secrets(url: str, options: HttpOptions) -> dict[str, str]:
    """Return the headers that only the first origin gets."""
    secrets = dict(options.headers)
    parts = urlsplit(url)
    if options.token is not None:
        secrets["Authorization"] = f"Bearer {options.token}"
    elif parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        secrets["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return secrets


def _client(options: HttpOptions) -> httpx.Client:
    import httpx

    context = options.ssl_context()
    try:
        return httpx.Client(
            headers={
                "User-Agent": f"userprofile-assets/{_version()}",
                "Accept": "*/*",
                # Length, hash and offsets are those of the stored bytes.
                "Accept-Encoding": "identity",
            },
            timeout=httpx.Timeout(options.read_timeout, connect=_CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=options.connections + 1),
            follow_redirects=False,
            verify=True if context is None else context,
            proxy=options.proxy,
        )
    except OSError as error:
        # ssl.SSLError is one, too. Only what the environment names is read here.
        raise SettingsError(
            f"the certificates cannot be loaded ({error.strerror or error})",
            where="SSL_CERT_FILE or SSL_CERT_DIR, of the environment",
            remedy="let it name a PEM file or a directory of them, or unset it; for the server of "
            "the log alone there is USERPROFILE_LOG_CA",
        ) from error
    except (ValueError, ImportError, httpx.InvalidURL) as error:
        # The messages quote the URL with its password. ImportError: SOCKS needs another package.
        reason = "SOCKS is not supported" if isinstance(error, ImportError) else "it is no URL"
        raise SettingsError(
            f"the proxy cannot be used ({reason})",
            where="USERPROFILE_LOG_PROXY (or HTTPS_PROXY, HTTP_PROXY, ALL_PROXY)",
            remedy="write it as http://host:port or http://user:password@host:port",
        ) from None


def _version() -> str:
    try:
        return version("userprofile-assets")
    except PackageNotFoundError:
        return "0"  # a source tree on the path, not installed
