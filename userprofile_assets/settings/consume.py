"""The settings of what people use: the database of results and records, and the API on it."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from userprofile_assets.settings.fields import SettingsGroup, setting
from userprofile_assets.settings.values import AbsoluteFile

_setting = partial(setting, "consume")


class ConsumeSettings(SettingsGroup):
    """Where the SQL database is and how it is reached; where the API answers, and how often."""

    serving_url: SecretStr | None = _setting(
        None,
        "SQLAlchemy URL of the database that results are published to, with the records: results "
        "of the quality rules, partitions, columns of the sources, keys of the API. Unset: SQLite "
        "under HOME. For MySQL or MariaDB `mysql+pymysql://user:password@host/database`.",
    )
    serving_tls: Literal["disabled", "required", "verify_ca", "verify_identity"] | None = _setting(
        None, "TLS to that database, as MYSQL_TLS is to the users'."
    )
    serving_ca: AbsoluteFile = _setting(
        None, "Authority of that server's certificate (PEM). Unset: those of the system."
    )
    serving_days: Annotated[int, Field(ge=1)] = _setting(
        400, "Days that the database keeps of what is published; older ones are removed."
    )
    api_host: str = _setting(
        "127.0.0.1",
        "Address that `userprofile serve` listens on. Another one than loopback needs a key "
        "(`userprofile keys create`).",
    )
    api_port: Annotated[int, Field(ge=1, le=65535)] = _setting(8000, "Port of the API.")
    api_rate: Annotated[int, Field(ge=1)] = _setting(
        1200, "Requests a minute that a key may make, unless it has a limit of its own."
    )
    api_query_seconds: Annotated[float, Field(gt=0)] = _setting(
        10, "Seconds after which a query of the API is cancelled."
    )
