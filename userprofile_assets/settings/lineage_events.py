"""The settings of OpenLineage events: where they go, under which namespace."""

from __future__ import annotations

from functools import partial
from typing import Literal, Self

from pydantic import SecretStr, field_validator, model_validator

from userprofile_assets.settings.fields import SettingsGroup, setting
from userprofile_assets.settings.values import AbsoluteFile, split_url

_setting = partial(setting, "OpenLineage")


class LineageEventSettings(SettingsGroup):
    """Transport, endpoint, key, file, namespace."""

    openlineage: Literal["off", "file", "http"] = _setting(
        "off", "Where OpenLineage events of each step go (docs/openlineage.md)."
    )
    openlineage_url: SecretStr | None = _setting(
        None,
        "Endpoint for `http`: `http://marquez:5000`, to which `/api/v1/lineage` is added, or a URL "
        "with a path of its own, which is used as it is.",
    )
    openlineage_api_key: SecretStr | None = _setting(
        None, "Key for `http`, sent as `Authorization: Bearer`."
    )
    openlineage_file: AbsoluteFile = _setting(
        None,
        "File for `file`, one event a line. Unset: `openlineage/events.ndjson` under HOME.",
    )
    openlineage_namespace: str = _setting("userprofile", "Namespace of the jobs.")

    @field_validator("openlineage_url")
    @classmethod
    def _is_openlineage_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            parts = split_url(value.get_secret_value())
            if parts.scheme not in {"http", "https"} or not parts.hostname:
                raise ValueError("write an http:// or https:// URL")
        return value

    @model_validator(mode="after")
    def _has_endpoint(self) -> Self:
        if self.openlineage == "http" and self.openlineage_url is None:
            raise ValueError(
                "USERPROFILE_OPENLINEAGE=http needs USERPROFILE_OPENLINEAGE_URL, such as "
                "http://marquez:5000"
            )
        return self
