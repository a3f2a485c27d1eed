"""Take secrets out of texts that people and logs will see.

Belongs here: URLs. A URL can carry a password in its user part and a signature in its query, so
both go; scheme, host, port, path stay, which is what somebody at night needs.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

# A user part ends at the last @ before the path; a password may hold an @ itself.
_USER_PART = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)[^/\s'\"<>]*@")
# SQLAlchemy takes `/`, `?` and `#` in a password as they are, where other URLs end their user part.
_DATABASE_USER = re.compile(
    r"(?P<scheme>(?:mysql|mariadb|postgresql|oracle|mssql)(?:\+\w+)?://)[^\s'\"<>]*@"
)
_QUERY = re.compile(r"(?P<base>[A-Za-z][A-Za-z0-9+.-]*://[^\s?#'\"<>]*)[?#][^\s'\"<>]*")


def redact_url(url: str) -> str:
    """Return `url` without user, password, query and fragment.

    `https://u:p@host/a?sig=1` becomes `https://host/a?...`; the dots stand for a query. Of a text
    that is no URL with `://` nothing is shown if an @ in it may end a password.
    """
    url = without_database_user(url)
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "(a URL that cannot be parsed)"
    if not parts.netloc and "@" in parts.path and parts.scheme != "file":
        return "(a URL that cannot be parsed)"
    netloc = f"[{host}]{port}" if ":" in host else f"{host}{port}"
    # Not urlunsplit: it drops the slashes of an empty host, as in sqlite:///a.
    slashes = "//" if "://" in url or parts.scheme == "file" else ""
    shown = f"{parts.scheme}:{slashes}{netloc}{parts.path}" if parts.scheme else parts.path
    return f"{shown}?..." if parts.query else shown


def without_database_user(url: str) -> str:
    """Return the URL of a database without user and password; any other URL as it is."""
    return _DATABASE_USER.sub(r"\g<scheme>", url)


def redact_text(text: str) -> str:
    """Cut user part, query and fragment out of every URL in a longer text.

    For what a library says, such as `404 for url 'https://host/a?sig=1'`.
    """
    for user_part in (_DATABASE_USER, _USER_PART):
        text = user_part.sub(r"\g<scheme>***@", text)
    return _QUERY.sub(r"\g<base>?...", text)
