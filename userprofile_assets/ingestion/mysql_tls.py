"""TLS of connections to MySQL and MariaDB: four modes, and no silent clear text.

Belongs here: which mode applies, and what a driver has to be told so that it keeps it. Does not
belong here: opening connections (`table_engine.py`), what a failed handshake means
(`table_errors.py`).

The drivers' own options are not used, because they mean less than they say:

- PyMySQL 1.2 without an option tries TLS, verifies nothing, and goes on in clear text if the
  server, or somebody in between, offers none; with `ssl_ca` alone it encrypts and verifies nothing.
  A context of ours makes it refuse before it sends a user name (1.1 went on in clear text).
- SQLAlchemy turns `ssl_ca` and its like in a URL into a dictionary with which PyMySQL ignores
  the others, so such options are refused.
- mysqlclient with MariaDB's library takes REQUIRED for a wish: it logs in over clear text when the
  server offers no TLS. Its VERIFY_CA checks the host name too. So it gets neither of them.
- asyncmy starts TLS whatever the server says, so a context is enough.
"""

from __future__ import annotations

import ipaddress
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from userprofile_assets.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    import sqlalchemy

TlsMode = Literal["disabled", "required", "verify_ca", "verify_identity"]
MODES: tuple[TlsMode, ...] = get_args(TlsMode)

TLS_VARIABLE = "USERPROFILE_MYSQL_TLS"
CA_VARIABLE = "USERPROFILE_MYSQL_CA"
_URL_VARIABLE = "USERPROFILE_MYSQL_URL"

# Options of a URL's query that would decide about TLS behind the settings' back.
_REFUSED_PREFIX = "ssl"


def is_local(host: str | None) -> bool:
    """Tell whether a host is this machine by its name alone: loopback, or none at all."""
    if not host or host.lower().rstrip(".") == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False  # also for names that happen to resolve to loopback: DNS may be forged
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _url_is_local(url: sqlalchemy.URL) -> bool:
    """Tell whether the driver will connect to this machine; the query overrides the rest."""
    if url.query.get("unix_socket"):
        return True
    host = url.query.get("host", url.host)
    if not host and {"read_default_file", "read_default_group"} & url.query.keys():
        return False  # the file may name another host
    return isinstance(host, str | None) and is_local(host)


def tls_mode(url: sqlalchemy.URL, mode: str | None = None, ca: str | None = None) -> TlsMode:
    """Return the mode that applies to a URL of MySQL or MariaDB.

    Args:
        url: Where to connect.
        mode: USERPROFILE_MYSQL_TLS, or None. Then it is `verify_identity` for another host, and
            also on this machine when an authority is given; otherwise `disabled`.
        ca: USERPROFILE_MYSQL_CA, or None.

    Raises:
        SettingsError: There is no such mode, it contradicts the authority, or the URL has options
            of its own about TLS.
    """
    own = sorted(name for name in url.query if name.lower().startswith(_REFUSED_PREFIX))
    if own:
        raise SettingsError(
            f"the URL sets {', '.join(own)}, which drivers understand in different ways",
            where=_URL_VARIABLE,
            remedy=f"set {TLS_VARIABLE} and {CA_VARIABLE} instead",
        )
    if not mode:
        return "disabled" if _url_is_local(url) and not ca else "verify_identity"
    if mode not in MODES:
        raise SettingsError(
            f"{mode!r} is no mode", where=TLS_VARIABLE, remedy=f"use one of {', '.join(MODES)}"
        )
    if ca and mode in {"disabled", "required"}:
        raise SettingsError(
            f"{mode} verifies nothing, so the authority would be ignored",
            where=CA_VARIABLE,
            remedy=f"set {TLS_VARIABLE} to verify_ca or verify_identity, or remove {CA_VARIABLE}",
        )
    return mode


def tls_context(mode: TlsMode, ca: str | None = None) -> ssl.SSLContext:
    """Make the context of a mode other than `disabled`.

    Args:
        mode: `required` encrypts and verifies nothing: a man in the middle can read everything,
            the password included. `verify_ca` accepts every certificate of the authority,
            `verify_identity` only one for the host that was asked for.
        ca: Path of the authority's certificate (PEM); None: the authorities of the system.

    Raises:
        SettingsError: The authority's file cannot be read or holds no certificate.
    """
    if mode == "required":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    try:
        context = ssl.create_default_context(cafile=str(Path(ca).expanduser()) if ca else None)
    except OSError as error:  # an SSLError, of a file without a certificate, is one too
        raise SettingsError(
            f"it cannot be used ({error.strerror or error})",
            where=f"{CA_VARIABLE}={ca}",
            remedy="give the path of the authority's certificate in PEM",
        ) from error
    # From Python 3.13 on certificates have to keep RFC 5280 to the letter; those that MySQL makes
    # at its first start do not (they lack key identifiers).
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.check_hostname = mode == "verify_identity"
    return context


def _pymysql(mode: TlsMode, ca: str | None) -> dict[str, Any]:
    if mode == "disabled":
        return {"ssl_disabled": True}
    import pymysql

    if pymysql.VERSION < (1, 2):
        raise SettingsError(
            f"PyMySQL {pymysql.__version__} goes on in clear text when a server offers no TLS",
            where=TLS_VARIABLE,
            remedy="pip install --upgrade 'pymysql[rsa]'",
        )
    return {"ssl": tls_context(mode, ca)}


def _asyncmy(mode: TlsMode, ca: str | None) -> dict[str, Any]:
    return {} if mode == "disabled" else {"ssl": tls_context(mode, ca)}


def _mysqlclient(mode: TlsMode, ca: str | None) -> dict[str, Any]:
    # Any `ssl` at all turns TLS on in MariaDB's library, also beside ssl_mode=DISABLED.
    if mode == "disabled":
        return {"ssl_mode": "DISABLED"}
    tls_context(mode, ca)  # the library's own message about a bad file names neither file nor cause
    authority = {"ssl": {"ca": str(Path(ca).expanduser())}} if ca else {}
    return {"ssl_mode": mode.upper(), **authority}


_ALL = frozenset(MODES)

# Driver (SQLAlchemy's name, or the module's) -> the modes that it keeps, and its arguments.
_DRIVERS: dict[str, tuple[frozenset[str], Callable[[TlsMode, str | None], dict[str, Any]]]] = {
    "pymysql": (_ALL, _pymysql),
    "asyncmy": (_ALL, _asyncmy),
    "mysqldb": (frozenset({"disabled", "verify_identity"}), _mysqlclient),
}


def keeps(driver: str, mode: TlsMode) -> bool:
    """Tell whether a driver can be made to keep a mode exactly; another driver has to serve else.

    An unknown driver only keeps `disabled`: nothing is known about its fallbacks.
    """
    modes, _ = _DRIVERS.get(driver.lower(), (frozenset({"disabled"}), None))
    return mode in modes


def tls_arguments(driver: str, mode: TlsMode, ca: str | None = None) -> dict[str, Any]:
    """Return the arguments of a driver's connect() that make it keep a mode.

    Args:
        driver: `pymysql`, `asyncmy` or `mysqldb` (mysqlclient).
        mode: From `tls_mode`.
        ca: Path of the authority's certificate (PEM), or None for those of the system.

    Raises:
        SettingsError: The driver does not keep this mode, or the authority cannot be used.
    """
    if not keeps(driver, mode):
        raise SettingsError(
            f"the driver {driver} does not keep {mode}: it might send the password in clear text "
            "or check something else",
            where=TLS_VARIABLE,
            remedy=f"write mysql+pymysql://... in {_URL_VARIABLE}, or use verify_identity"
            + ("" if driver.lower() in _DRIVERS else " with a driver that is known"),
        )
    _, arguments = _DRIVERS.get(driver.lower(), (None, None))
    return arguments(mode, ca) if arguments else {}
