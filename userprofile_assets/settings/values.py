"""Kinds of values that several settings have, each a type with its check; and the parts of a URL.

Does not belong here: a check of one setting alone, which stands below its field.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, SecretStr

from userprofile_assets.bizdate import has_bizdate, substitute
from userprofile_assets.errors import PermanentError
from userprofile_assets.json_objects import read_strings
from userprofile_assets.object_keys import check_key


def split_url(url: str) -> SplitResult:
    """Split a URL; the error of the standard library quotes the URL, which can hold a secret."""
    try:
        return urlsplit(url)
    except ValueError:
        raise ValueError("not a URL that can be parsed") from None


def check_address(parts: SplitResult) -> None:
    """Refuse a host or a port that no connection can be made to; no message shows them."""
    if not parts.hostname:
        raise ValueError("the URL names no host")
    try:
        parts.hostname.encode("idna")
    except UnicodeError:
        raise ValueError("the URL's host is no name of a host") from None
    try:
        _ = parts.port
    except ValueError:
        raise ValueError("the URL's port is no port") from None


def refuse_keys(parts: SplitResult) -> None:
    """Refuse a storage URL with a user part, a query or a fragment: it is shown as it is."""
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError(
            "keys belong into USERPROFILE_OSS_ACCESS_KEY_ID and USERPROFILE_OSS_ACCESS_KEY_SECRET, "
            "not into the URI"
        )


def _absolute(value: Path | None) -> Path | None:
    return None if value is None else value.expanduser().absolute()


def _json_of_strings(value: SecretStr | None) -> SecretStr | None:
    if value is not None:
        read_strings(value.get_secret_value())
    return value


def _key_of_day(value: str) -> str:
    try:
        check_key(substitute(value, "20240807"))
    except PermanentError as error:
        raise ValueError(error.what) from None
    directory = value.rpartition("/")[0]
    if not has_bizdate(directory):
        raise ValueError(
            "the directory needs ${bizdate}: a Spark partition is a directory of its own"
        )
    return value


AbsoluteFile = Annotated[Path | None, AfterValidator(_absolute)]
"""A file, `~` resolved; a relative path is one from the working directory of the start."""

JsonOfStrings = Annotated[SecretStr | None, AfterValidator(_json_of_strings)]
"""A JSON object of strings, kept as its text; no message shows any of it."""

KeyOfDay = Annotated[str, AfterValidator(_key_of_day)]
"""The key of an object with `${bizdate}` in its directory."""
