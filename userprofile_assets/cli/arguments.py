"""Arguments that the type of an option cannot check: a day, a statement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from userprofile_assets.bizdate import check_closed, parse_day
from userprofile_assets.errors import PermanentError, QueryRefusedError, SettingsError

if TYPE_CHECKING:
    from datetime import date


def read_day(text: str, *, closed_in: str | None = None) -> date:
    """Read the value of `--dt`.

    Args:
        text: The value.
        closed_in: The time zone in which the day must be over; None: it need not be.

    Raises:
        SettingsError: It is no day, or not over yet.
    """
    try:
        day = parse_day(text)
        if closed_in is not None:
            check_closed(day, timezone=closed_in)
    except PermanentError as error:
        raise SettingsError(error.what, where="--dt", remedy=error.remedy) from None
    return day


def check_statement(sql: str) -> None:
    """Refuse a statement with a byte that Python could not read from the command line.

    Raises:
        QueryRefusedError: There is one.
    """
    try:
        sql.encode()
    except UnicodeEncodeError as error:
        raise QueryRefusedError(
            f"it holds a byte that is no UTF-8, at character {error.start + 1}",
            where="the statement",
            remedy=f"write it in UTF-8; a single byte is X'{ord(sql[error.start]) & 0xFF:02X}'",
        ) from None
