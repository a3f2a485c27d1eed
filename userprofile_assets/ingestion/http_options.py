"""How an HTTP source is asked: method, credentials, proxy, certificates, limits.

Belongs here: the options, and what is wrong with them before anything is sent. Does not belong
here: sending (`http_session.py`).
"""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from userprofile_assets.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

DEADLINE_SETTING = "USERPROFILE_LOG_DEADLINE_SECONDS"

# RFC 9110, 5.1 and 5.5: a name is a token, a value has no control characters.
_HEADER_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")
# RFC 6750, 2.1.
_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")
# RFC 3986, 3.4.
_PARAMETERS = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?]|%[0-9A-Fa-f]{2})*")
_HOST = re.compile(r"(?P<host>[^:\[\]/@\s]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>\d{1,5}))?")

# What the copy sets by itself; another value would break ranges, lengths or the connection.
_OWN_HEADERS = {
    "accept-encoding",
    "connection",
    "content-length",
    "if-match",
    "if-none-match",
    "if-range",
    "proxy-authorization",
    "range",
    "transfer-encoding",
}


@dataclass(frozen=True, kw_only=True)
class HttpOptions:
    """How the log is asked for. What may be a secret is not part of the repr."""

    method: Literal["GET", "POST"] = "GET"

    parameters: str = field(default="", repr=False)
    """`a=1&b=2`, percent-encoded. GET: appended to the query. POST: sent as a form."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Further headers; sent to the origin of the first URL only, since each may be a secret."""

    token: str | None = field(default=None, repr=False)
    """Bearer token; sent to the origin of the first URL only."""

    sha256: str | None = field(default=None, repr=False)
    """Expected SHA-256 of the source's bytes: 64 hex digits, or the URL of a file with them."""

    allowed_hosts: tuple[str, ...] = ()
    """Hosts (`host`, `host:port`, `.domain`) that may be asked; empty: any."""

    proxy: str | None = field(default=None, repr=False)
    """URL of a proxy for everything; None: as HTTPS_PROXY, HTTP_PROXY and NO_PROXY say."""

    ca: str | None = None
    """PEM file of the only authorities that are believed; None: the public ones."""

    deadline_seconds: float = 7200
    """Seconds for all tries of one copy."""

    read_timeout: float = 60
    """Most seconds without a single byte, and for the head of an answer."""

    min_rate: int = 1024
    """Fewest bytes a second, over `min_rate_window`; 0: any rate will do."""

    min_rate_window: float = 60
    """Seconds of waiting for the server over which the rate is judged."""

    connections: int = 4
    """Most range requests at once; 1: never more than one stream."""

    def check(self, url: str) -> None:
        """Refuse what cannot work or would be unsafe, before anything is sent.

        Args:
            url: The log's URL, with its credentials.

        Raises:
            SettingsError: Names the setting; never shows its value.
        """
        if not _PARAMETERS.fullmatch(self.parameters):
            raise _wrong("PARAMETERS", "has characters that must be percent-encoded", "a=1&b=%E7")
        names = {name.lower() for name in self.headers}
        for name, value in self.headers.items():
            if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
                raise _wrong(
                    "HEADERS",
                    "has a name or value that HTTP does not allow",
                    '{"X-Api-Key": "..."}',
                )
        if taken := sorted(names & _OWN_HEADERS):
            raise SettingsError(
                f"the header {taken[0]!r} is set by the copy itself",
                where="USERPROFILE_LOG_HEADERS",
                remedy="leave it out",
            )
        if self.token is not None and not _TOKEN.fullmatch(self.token):
            raise _wrong("TOKEN", "is no bearer token (RFC 6750)", "the token alone")
        ways = [
            "a token in USERPROFILE_LOG_TOKEN" if self.token is not None else "",
            "a user in USERPROFILE_LOG_URL" if _has_user(url) else "",
            "Authorization in USERPROFILE_LOG_HEADERS" if "authorization" in names else "",
        ]
        given = [way for way in ways if way]
        if len(given) > 1:
            raise SettingsError(
                f"there are two credentials for one request: {' and '.join(given)}",
                where="log source",
                remedy="keep one of them",
            )
        for host in self.allowed_hosts:
            if not _HOST.fullmatch(host):
                raise _wrong(
                    "ALLOWED_HOSTS", f"holds {host!r}, which is no host", "a.example,b:8080"
                )

    def may_ask(self, url: str) -> bool:
        """Tell whether `allowed_hosts` lets this URL be asked."""
        if not self.allowed_hosts:
            return True
        host, port = _host_and_port(url)
        for allowed in self.allowed_hosts:
            match = _HOST.fullmatch(allowed.lower())
            if match is None:
                continue
            name = match["host"].strip("[]")
            named = host == name or (name.startswith(".") and host.endswith(name))
            if named and match["port"] in {None, str(port)}:
                return True
        return False

    def ssl_context(self) -> ssl.SSLContext | None:
        """Return the context that believes `ca` only; None when the public authorities hold.

        Raises:
            SettingsError: The file is missing or holds no certificate.
        """
        if self.ca is None:
            return None
        try:
            return ssl.create_default_context(cafile=self.ca)
        except (OSError, ValueError) as error:
            # An ssl.SSLError is an OSError too; what it says of a file that is no PEM is no help.
            reason: str | None = "no certificate can be read from it"
            if isinstance(error, OSError) and not isinstance(error, ssl.SSLError):
                reason = error.strerror
            raise SettingsError(
                f"the certificates cannot be loaded ({reason})",
                where=f"USERPROFILE_LOG_CA={self.ca}",
                remedy="name a PEM file with the certificate of the authority",
            ) from error


def origin_of(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port, by which two URLs belong to the same server or do not."""
    host, port = _host_and_port(url)
    return urlsplit(url).scheme.lower(), host, port


def _host_and_port(url: str) -> tuple[str, int | None]:
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme.lower())
    return (parts.hostname or "").rstrip("."), port


def _has_user(url: str) -> bool:
    try:
        return urlsplit(url).username is not None
    except ValueError:
        return False


def _wrong(setting: str, problem: str, example: str) -> SettingsError:
    return SettingsError(
        f"USERPROFILE_LOG_{setting} {problem}", where="settings", remedy=f"write it as {example}"
    )
