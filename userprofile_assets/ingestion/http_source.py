"""One HTTP GET as a stream of bytes, with the answers and failures named.

Belongs here: the request, redirects, which status means what, what httpx may log. Does not belong
here: counting and hashing the bytes (`log_source.py`), retrying (`retry.py`).
"""

from __future__ import annotations

import logging
import ssl
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from userprofile_assets.errors import SourceError, SourceMissingError, SourceUnavailableError
from userprofile_assets.redaction import redact_text, redact_url

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

MOST_REDIRECTS = 5

_CONNECT_SECONDS = 10.0
_READ_SECONDS = 60.0  # between two packets, not for the whole log

_MISSING = {404, 410}
_MAY_GO_AWAY = {408, 425, 429}  # besides 5xx
_WHOLE_BODY = {200, 203}

# Codings by which a server hands over other bytes than the file's own.
_COMPRESSING = {"gzip", "x-gzip", "deflate", "compress", "x-compress", "br", "zstd"}


class SourceBusyError(SourceUnavailableError):
    """The server asks to come back later.

    Args:
        what: As for every error.
        where: As for every error.
        retry_after: Seconds that the server asks to wait; None when it does not say.
    """

    def __init__(self, what: str, *, where: str, retry_after: float | None) -> None:
        super().__init__(what, where=where, remedy=_LATER)
        self.retry_after = retry_after


@dataclass(frozen=True, kw_only=True)
class HttpAnswer:
    """A successful answer whose body is still to be read."""

    length: int | None
    """Content-Length; None when the server does not say how long the body is."""

    facts: dict[str, Any]
    """etag, last_modified, content_type, content_encoding: each only when the server says so."""

    chunks: Iterator[bytes]
    """The body as it was sent; content codings are not undone."""

    @property
    def is_compressed(self) -> bool:
        """Whether the server compressed the body although identity was asked for."""
        codings = str(self.facts.get("content_encoding", "")).lower().split(",")
        return any(coding.strip() in _COMPRESSING for coding in codings)


_LATER = "look at the server; the copy can be started again at any time and begins from zero"


@contextmanager
def open_http(url: str, *, name: str) -> Iterator[HttpAnswer]:
    """GET `url` and give the answer, whose body is read while the context is open.

    User and password of the URL are sent as Basic credentials to its own host only. Proxies and
    certificates are taken from the usual environment variables (HTTPS_PROXY, SSL_CERT_FILE).

    Args:
        url: `http://` or `https://`.
        name: The URL without secrets, for errors.

    Raises:
        SourceMissingError: 404 or 410.
        SourceError: Another answer that will not change by itself, a redirect that is refused, a
            certificate that does not verify.
        SourceUnavailableError: 408, 425, 429, 5xx, no connection, or the body broke off.
    """
    import httpx

    _redact_what_httpx_logs()
    with _named_failures(name):
        client = httpx.Client(
            headers={
                "User-Agent": f"userprofile-assets/{_version()}",
                "Accept": "*/*",
                # Length, hash and offsets are those of the stored bytes.
                "Accept-Encoding": "identity",
            },
            timeout=httpx.Timeout(
                connect=_CONNECT_SECONDS,
                read=_READ_SECONDS,
                write=_READ_SECONDS,
                pool=_CONNECT_SECONDS,
            ),
            follow_redirects=False,
        )
    with client:
        with _named_failures(name):
            response = _get(client, url, name=name)
        with closing(response):
            _check_status(response, name=name)
            yield HttpAnswer(
                length=_content_length(response),
                facts=_facts(response),
                chunks=_body(response, name=name),
            )


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
            remedy="set USERPROFILE_LOG_URL to the address where the log really is",
        )


def parse_retry_after(value: str | None, *, now: datetime) -> float | None:
    """Read a Retry-After header (RFC 9110, 10.2.3): seconds or a date.

    Returns:
        Seconds from `now` on, at least 0; None when there is none or it cannot be read.
    """
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())


def _get(client: httpx.Client, url: str, *, name: str) -> httpx.Response:
    request = client.build_request("GET", url)
    for _ in range(MOST_REDIRECTS + 1):
        response = client.send(request, stream=True)
        following = response.next_request
        if following is None:
            return response
        response.close()
        check_redirect(str(request.url), str(following.url), name=name)
        # httpx has dropped the credentials if the host is another one.
        request = following
    raise SourceError(
        f"redirected more than {MOST_REDIRECTS} times",
        where=name,
        remedy="set USERPROFILE_LOG_URL to the address where the log really is",
    )


def _check_status(response: httpx.Response, *, name: str) -> None:
    status = response.status_code
    if status in _WHOLE_BODY:
        return
    answer = f"the server answered {status} {response.reason_phrase}".rstrip()
    if status in _MISSING:
        raise SourceMissingError(
            answer,
            where=name,
            remedy="check USERPROFILE_LOG_URL, and whether that day's log has been written",
        )
    if status in _MAY_GO_AWAY or status >= 500:
        asked = parse_retry_after(response.headers.get("retry-after"), now=datetime.now(UTC))
        raise SourceBusyError(answer, where=name, retry_after=asked)
    if status in {401, 403}:
        remedy = "give USERPROFILE_LOG_URL credentials or a signature that may read the log"
    else:
        remedy = "check USERPROFILE_LOG_URL; a plain GET must answer 200 with the whole log"
    raise SourceError(answer, where=name, remedy=remedy)


def _content_length(response: httpx.Response) -> int | None:
    text = response.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() else None


def _facts(response: httpx.Response) -> dict[str, Any]:
    headers = ("etag", "last-modified", "content-type", "content-encoding")
    return {
        header.replace("-", "_"): response.headers[header]
        for header in headers
        if header in response.headers
    }


def _body(response: httpx.Response, *, name: str) -> Iterator[bytes]:
    with _named_failures(name):
        yield from response.iter_raw()


@contextmanager
def _named_failures(name: str) -> Iterator[None]:
    """Turn what httpx raises into errors of this project."""
    import httpx

    try:
        yield
    except httpx.InvalidURL:
        # Its message may quote the part with the password, so it is not kept as the cause either.
        raise SourceError(
            "the URL cannot be parsed",
            where=name,
            remedy="correct USERPROFILE_LOG_URL; percent-encode special characters",
        ) from None
    except (httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
        raise SourceError(
            f"the request cannot be sent ({redact_text(str(error))})",
            where=name,
            remedy="correct USERPROFILE_LOG_URL",
        ) from error
    except httpx.TransportError as error:
        reason = redact_text(str(error)) or type(error).__name__
        if _is_bad_certificate(error):
            raise SourceError(
                f"the server's certificate does not verify ({reason})",
                where=name,
                remedy="set SSL_CERT_FILE to the CA that signed it, or correct the host name",
            ) from error
        raise SourceUnavailableError(
            f"the transfer failed ({type(error).__name__}: {reason})", where=name, remedy=_LATER
        ) from error


def _is_bad_certificate(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _version() -> str:
    try:
        return version("userprofile-assets")
    except PackageNotFoundError:
        return "0"  # a source tree on the path, not installed


class _RedactUrls(logging.Filter):
    """httpx logs every URL in full at INFO, with password and signature."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                redact_url(str(arg)) if "://" in str(arg) else arg for arg in record.args
            )
        return True


_FILTER = _RedactUrls()


def _redact_what_httpx_logs() -> None:
    logging.getLogger("httpx").addFilter(_FILTER)  # adding it again changes nothing
