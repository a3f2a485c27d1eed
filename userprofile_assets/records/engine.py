"""How the database of SERVING_URL is reached, for all that reach it.

Belongs here: the engine, and errors that name its settings. Does not belong here: what is read or
written, and what each kind of database is told first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from userprofile_assets.errors import SettingsError
from userprofile_assets.ingestion.table_engine import engine_for

if TYPE_CHECKING:
    import sqlalchemy


def serving_engine(
    url: str,
    *,
    tls: str | None,
    ca: str | None,
    read_timeout: int,
    writable: bool = False,
    pool_size: int = 0,
) -> sqlalchemy.Engine:
    """Return an engine; connects to nothing yet.

    Args:
        url: The URL with its secrets.
        tls: USERPROFILE_SERVING_TLS, or None for its default.
        ca: USERPROFILE_SERVING_CA, or None.
        read_timeout: Seconds to wait for an answer of MySQL.
        writable: See `engine_for`.
        pool_size: See `engine_for`.

    Raises:
        SettingsError: It is no URL, its driver is missing, or it cannot keep the mode of TLS.
    """
    try:
        return engine_for(
            url, tls=tls, ca=ca, read_timeout=read_timeout, writable=writable, pool_size=pool_size
        )
    except SettingsError as error:
        # The three settings of this database are named as those of the users' one.
        raise SettingsError(
            error.what,
            where=error.where and error.where.replace("MYSQL_", "SERVING_"),
            remedy=error.remedy and error.remedy.replace("MYSQL_", "SERVING_"),
        ) from None
