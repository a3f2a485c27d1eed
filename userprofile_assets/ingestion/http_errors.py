"""What an HTTP answer or a failed transfer means: an error of this project, permanent or transient.

Belongs here: status codes, what httpx raises, Retry-After, what the HTTP client may log. Does not
belong here: sending (`http_session.py`), waiting and trying again (`retry.py`).
"""

from __future__ import annotations

import logging
import socket
import ssl
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from userprofile_assets.errors import SourceError, SourceMissingError, SourceUnavailableError
from userprofile_assets.redaction import redact_text, redact_url

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

LATER = "look at the server; the copy can be started again at any time"
CORRECT_URL = "set USERPROFILE_LOG_URL to the address where the log really is"

_MISSING = {404, 410}
_MAY_GO_AWAY = {408, 425, 429}  # besides 5xx

# Reasons of OpenSSL that say: this is no TLS server, or none that a client of today may talk to.
_NO_TLS = {
    "HTTP_REQUEST",
    "TLSV1_ALERT_PROTOCOL_VERSION",
    "UNSUPPORTED_PROTOCOL",
    "WRONG_VERSION_NUMBER",
}


class SourceBusyError(SourceUnavailableError):
    """The server asks to come back later.

    Args:
        what: As for every error.
        where: As for every error.
        retry_after: Seconds that the server asks to wait; None when it does not say.
    """

    def __init__(self, what: str, *, where: str, retry_after: float | None) -> None:
        super().__init__(what, where=where, remedy=LATER)
        self.retry_after = retry_after


class SourceTooSlowError(SourceUnavailableError):
    """The server sends, but less than the minimum rate."""


class SourceChangedError(SourceUnavailableError):
    """The transfer cannot go on where it broke off; it has to begin from zero."""


def check_status(response: httpx.Response, *, name: str, whole: bool = True) -> None:
    """Raise unless the status is 200 or 203 (`whole`), or any 2xx.

    Raises:
        SourceMissingError: 404 or 410.
        SourceBusyError: 408, 425, 429, 5xx.
        SourceError: Everything else.
    """
    status = response.status_code
    if status in {200, 203} or (not whole and response.is_success):
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
        remedy = (
            "give credentials that may read the log: USERPROFILE_LOG_TOKEN, a user or a signature "
            "in USERPROFILE_LOG_URL, or USERPROFILE_LOG_HEADERS"
        )
    elif status == 407:
        remedy = "give USERPROFILE_LOG_PROXY a user and password: http://user:password@host:port"
    elif status == 405:
        remedy = "check USERPROFILE_LOG_METHOD"
    else:
        remedy = (
            "check USERPROFILE_LOG_URL and USERPROFILE_LOG_PARAMETERS; "
            "the request must be answered 200 with the whole log"
        )
    raise SourceError(answer, where=name, remedy=remedy)


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
    moment = parse_http_date(text)
    return None if moment is None else max(0.0, (moment - now).total_seconds())


def parse_http_date(text: str) -> datetime | None:
    """Read a date of HTTP; None when it is none."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


@contextmanager
def named_failures(name: str, *, proxied: bool = False) -> Iterator[None]:
    """Turn what httpx raises into errors of this project.

    Args:
        name: The URL without secrets.
        proxied: Whether USERPROFILE_LOG_PROXY stands between.
    """
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
    except UnicodeError:
        # httpx also looks at where an answer redirects to, before it is asked for that.
        raise SourceError(
            "redirected to an address that cannot be parsed", where=name, remedy=CORRECT_URL
        ) from None
    except (httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
        raise SourceError(
            f"the request cannot be sent ({redact_text(str(error))})",
            where=name,
            remedy="correct USERPROFILE_LOG_URL",
        ) from error
    except httpx.TransportError as error:
        raise _transport_error(error, name=name, proxied=proxied) from error


def _transport_error(
    error: httpx.TransportError, *, name: str, proxied: bool
) -> SourceError | SourceUnavailableError:
    import httpx

    reason = redact_text(str(error)) or type(error).__name__
    causes = list(_causes(error))
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return SourceError(
            f"the server's certificate does not verify ({reason})",
            where=name,
            remedy="set USERPROFILE_LOG_CA to the authority that signed it, or correct the host "
            "name in USERPROFILE_LOG_URL",
        )
    if any(isinstance(cause, ssl.SSLError) and cause.reason in _NO_TLS for cause in causes):
        return SourceError(
            f"the server does not speak TLS as this client does ({reason})",
            where=name,
            remedy="check scheme and port in USERPROFILE_LOG_URL",
        )
    if isinstance(error, httpx.ProxyError) and _is_refusal(reason):
        return SourceError(
            f"the proxy refuses ({reason})",
            where=name,
            remedy="check USERPROFILE_LOG_PROXY, its user and its password",
        )
    failed = f"the transfer failed ({type(error).__name__}: {reason})"
    remedy = f"{LATER}. The proxy of USERPROFILE_LOG_PROXY may be it, too" if proxied else LATER
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        # Transient: at night the name server is as often the culprit as a wrong name.
        failed = f"the name of the host cannot be resolved ({type(error).__name__}: {reason})"
        remedy = "check the host in USERPROFILE_LOG_URL, and the name server of this machine"
    elif isinstance(error, httpx.ReadTimeout):
        remedy = f"{LATER}, or raise USERPROFILE_LOG_READ_TIMEOUT_SECONDS if it is that slow"
    return SourceUnavailableError(failed, where=name, remedy=remedy)


def _is_refusal(reason: str) -> bool:
    """Tell whether a proxy's own answer to CONNECT is one that stays: `407 Proxy ...`."""
    status = reason[:3]
    return status.isdigit() and status.startswith("4") and int(status) not in _MAY_GO_AWAY


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


class _RedactUrls(logging.Filter):
    """httpx logs every URL in full at INFO, with password and signature."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                redact_url(str(arg)) if "://" in str(arg) else arg for arg in record.args
            )
        return True


class _HideHeaders(logging.Filter):
    """httpcore logs the headers of each answer at DEBUG: Set-Cookie, a signed Location."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "return_value=(b'HTTP" not in record.getMessage()


_URLS, _HEADERS = _RedactUrls(), _HideHeaders()


def redact_what_is_logged() -> None:
    """Keep secrets out of what httpx and httpcore log; calling it again changes nothing."""
    logging.getLogger("httpx").addFilter(_URLS)
    for part in ("connection", "http11", "proxy"):
        logging.getLogger(f"httpcore.{part}").addFilter(_HEADERS)
