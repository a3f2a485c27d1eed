"""The settings of the database that results are served and records are kept in."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Literal

from pydantic import SecretStr

from userprofile_assets.settings.fields import SettingsGroup, setting

_setting = partial(setting, "consume")


class ConsumeSettings(SettingsGroup):
    """Where the SQL database is and how it is reached."""

    serving_url: SecretStr | None = _setting(
        None,
        "SQLAlchemy URL of the database of records: results of the quality rules, partitions, "
        "columns of the sources. Unset: SQLite under HOME. For MySQL or MariaDB "
        "`mysql+pymysql://user:password@host/database`.",
    )
    serving_tls: Literal["disabled", "required", "verify_ca", "verify_identity"] | None = _setting(
        None, "TLS to that database, as MYSQL_TLS is to the users'."
    )
    serving_ca: Path | None = _setting(
        None, "Authority of that server's certificate (PEM). Unset: those of the system."
    )
