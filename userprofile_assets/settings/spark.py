"""The settings of Spark: where it runs, its configuration, how long it may take."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from pydantic import Field, SecretStr, field_validator

from userprofile_assets.settings.fields import SettingsGroup, setting
from userprofile_assets.settings.values import AbsoluteFile, JsonOfStrings, split_url

_setting = partial(setting, "Spark")


class SparkSettings(SettingsGroup):
    """Master or server, configuration, time limits."""

    spark_master: str = _setting(
        "local[*]", "Spark master: `local[*]`, `spark://host:7077`, `yarn`, `k8s://...`."
    )
    spark_remote: SecretStr | None = _setting(
        None,
        "A Spark server that is used instead of SPARK_MASTER: "
        "`sc://host:15002/;token=...;use_ssl=true` (Spark Connect) or "
        "`thrift://user:password@host:10000/database` (Thrift server, Kyuubi). "
        "Unset: the server that `userprofile up` runs on this HOME, if it runs.",
    )
    spark_conf: JsonOfStrings = _setting(
        None,
        "More Spark configuration as a JSON object of strings; it wins over what the project sets.",
    )
    spark_lock_seconds: Annotated[float, Field(ge=0)] = _setting(
        600.0,
        "Seconds to wait for another process that has the embedded metastore open.",
    )
    spark_statement_seconds: Annotated[float, Field(ge=0)] = _setting(
        7200.0, "Seconds after which a statement is cancelled, on the server too; 0: never."
    )
    spark_ivy_settings: AbsoluteFile = _setting(
        None,
        "An ivysettings.xml for `userprofile spark jars`: a mirror or a proxy. Unset: Spark's own.",
    )

    @field_validator("spark_remote")
    @classmethod
    def _is_remote(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            parts = split_url(value.get_secret_value())
            if parts.scheme not in {"sc", "thrift"} or not parts.hostname:
                raise ValueError("write sc://host:15002/;token=... or thrift://host:10000/database")
        return value
