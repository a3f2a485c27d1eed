"""All settings together: reading them, and what follows from several of them.

Does not belong here: a setting, or a check that needs one group only.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote

from pydantic import ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from userprofile_assets.errors import SettingsError
from userprofile_assets.settings.alerts import AlertSettings
from userprofile_assets.settings.consume import ConsumeSettings
from userprofile_assets.settings.demo import DemoSettings
from userprofile_assets.settings.dotenv_file import DOTENV, put_into_environment, read_dotenv
from userprofile_assets.settings.lineage_events import LineageEventSettings
from userprofile_assets.settings.log_source import LogSourceSettings
from userprofile_assets.settings.names import check_names, variable_of
from userprofile_assets.settings.process import ProcessSettings
from userprofile_assets.settings.run import RunSettings
from userprofile_assets.settings.spark import SparkSettings
from userprofile_assets.settings.storage import StorageSettings
from userprofile_assets.settings.user_source import UserSourceSettings


class Settings(
    # Read from below: pydantic takes the fields of the last base first, and the generated pages
    # show the groups in the order of the fields.
    DemoSettings,
    LineageEventSettings,
    AlertSettings,
    ConsumeSettings,
    ProcessSettings,
    SparkSettings,
    StorageSettings,
    UserSourceSettings,
    LogSourceSettings,
    RunSettings,
):
    """The settings of one process, read once and never changed afterwards.

    Use `Settings.load()`: it reports a malformed or unknown variable by its name. Secrets are
    `SecretStr`, so printing a Settings object shows none.
    """

    model_config = SettingsConfigDict(defer_build=False)

    # The last validator that runs before the types are looked at is the first to be called. Those
    # of the groups come before this one.
    @field_validator("*", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: object, info: ValidationInfo) -> object:
        """`NAME=` means: not set; for the split key, whose default is a column: none."""
        if value != "":
            return value
        if info.field_name is None or info.field_name == "user_split_key":
            return None
        return cls.model_fields[info.field_name].default

    @model_validator(mode="after")
    def _separate_objects(self) -> Settings:
        if self.log_object.rpartition("/")[0] == self.user_object.rpartition("/")[0]:
            raise ValueError(
                "USERPROFILE_LOG_OBJECT and USERPROFILE_USER_OBJECT need directories of their own"
            )
        return self

    @property
    def effective_storage_uri(self) -> str:
        """STORAGE_URI without a slash at the end, or the default under HOME."""
        return (self.storage_uri or (self.home / "storage").as_uri()).rstrip("/")

    @property
    def effective_spark_uri(self) -> str:
        """SPARK_URI without a slash at the end, or what follows from STORAGE_URI."""
        if self.spark_uri:
            return self.spark_uri.rstrip("/")
        storage = self.effective_storage_uri
        if storage.startswith("s3://"):
            return f"s3a://{storage[5:]}"
        # Spark takes a location as a path and not as a URL: `%20` in it is no blank.
        return unquote(storage)

    @classmethod
    def load(cls) -> Settings:
        """Read the settings from the environment and `.env`.

        Variables of `.env` are put into the process's environment where they are not set, since
        Dagster resolves an `EnvVar` there and child processes inherit it.

        Raises:
            SettingsError: A variable is malformed or unknown; names each one, and for an unknown
                one the nearest name that exists. Never shows a value of a secret.
        """
        from_file = read_dotenv(Path(DOTENV))
        check_names({*os.environ, *from_file}, known={variable_of(f) for f in cls.model_fields})
        put_into_environment(from_file)
        try:
            return cls()
        except ValidationError as error:
            raise SettingsError(_explain(error), remedy="see docs/configuration.md") from None


def _explain(error: ValidationError) -> str:
    lines = []
    for item in error.errors(include_url=False, include_input=False, include_context=False):
        message = item["msg"].removeprefix("Value error, ")
        names = [variable_of(str(part)) for part in item["loc"][:1]]
        line = f"{names[0]}: {message}" if names else message
        if line not in lines:
            lines.append(line)
    return "\n".join(lines)
