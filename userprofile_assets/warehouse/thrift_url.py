"""The address of a HiveServer2: `thrift://user:password@host:port/database?transport=https`.

Belongs here: reading the URL. Does not belong here: connecting (`thrift_transport.py`).

The URL as a whole is a secret: besides the password, a gateway may take its token as part of
`path`. Only `ThriftUrl.address` is shown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args
from urllib.parse import parse_qs, unquote, urlsplit

from userprofile_assets.errors import SettingsError

Transport = Literal["binary", "tls", "http", "https"]
Auth = Literal["plain", "nosasl"]

_OPTIONS = {"transport": get_args(Transport), "auth": get_args(Auth), "path": None}
_PORTS = {"binary": 10000, "tls": 10000, "http": 80, "https": 443}
_FORM = (
    "write it as thrift://user:password@host:port/database, with "
    "?transport=binary (the default), tls, http or https, &path=cliservice for the two HTTP ones, "
    "and &auth=nosasl for a server without SASL"
)


@dataclass(frozen=True, kw_only=True)
class ThriftUrl:
    """Where a HiveServer2 is and how it is spoken to.

    Args:
        host: Its name; `tls` and `https` check it against the certificate.
        port: 10000 unless the URL says so; 80 and 443 for the transports over HTTP.
        database: The session's first database.
        user: Whom to log in as; a server without authentication still asks for a name.
        password: Password or token, if any.
        transport: `binary` or `tls` are Thrift over TCP, `http` and `https` over HTTP.
        path: Path of the transports over HTTP, without a slash in front.
        auth: `plain` is SASL PLAIN, over HTTP Basic; `nosasl` is neither.
    """

    host: str
    port: int
    database: str = "default"
    user: str = "userprofile"
    password: str | None = field(default=None, repr=False)
    transport: Transport = "binary"
    path: str = field(default="cliservice", repr=False)
    auth: Auth = "plain"

    @property
    def address(self) -> str:
        """The URL without anything that may be secret."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"thrift://{host}:{self.port}/{self.database}"


def parse_thrift_url(url: str) -> ThriftUrl:
    """Read a URL.

    Raises:
        SettingsError: It has another form; the message shows nothing of it.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
        given = parse_qs(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError as error:
        raise _wrong("it cannot be read as a URL") from error
    if parts.scheme != "thrift" or not parts.hostname:
        raise _wrong("it has no host, or another scheme than thrift")
    options = {name: _one(name, values) for name, values in given.items()}
    transport = options.get("transport", "binary")
    return ThriftUrl(
        host=parts.hostname,
        port=port or _PORTS[transport],
        database=unquote(parts.path.strip("/")) or "default",
        user=unquote(parts.username or "") or "userprofile",
        password=unquote(parts.password) if parts.password else None,
        transport=transport,  # type: ignore[arg-type] # `_one` has looked at it
        path=options.get("path", "cliservice").strip("/"),
        auth=options.get("auth", "plain"),  # type: ignore[arg-type] # as above
    )


def _one(name: str, values: list[str]) -> str:
    if name not in _OPTIONS:
        raise _wrong(f"{name} is no option of it")
    allowed = _OPTIONS[name]
    if len(values) != 1 or (allowed is not None and values[0] not in allowed):
        raise _wrong(f"its option {name} has to be one of: {', '.join(allowed or ('a path',))}")
    return values[0]


def _wrong(what: str) -> SettingsError:
    return SettingsError(
        f"the address of a Thrift server is of no use: {what}",
        where="USERPROFILE_SPARK_REMOTE",
        remedy=_FORM,
    )
