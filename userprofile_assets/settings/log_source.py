"""The settings of the access log: where it is, how it is asked for, what is done to its bytes."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from userprofile_assets.settings.fields import SettingsGroup, setting
from userprofile_assets.settings.values import (
    AbsoluteFile,
    JsonOfStrings,
    KeyOfDay,
    check_address,
    split_url,
)

_setting = partial(setting, "log source")


class LogSourceSettings(SettingsGroup):
    """URL, request, limits and form of the log, and the key of its object."""

    log_url: SecretStr | None = _setting(
        None,
        "Where the access log is: `http://`, `https://` or `file://`. `${bizdate}` in it means a "
        "file per day. Unset: the embedded demo source.",
    )
    log_format: Literal["auto", "combined", "common", "tutorial"] = _setting(
        "auto",
        "Format of the lines. `combined` and `common` are those of nginx and Apache, `tutorial` is "
        "eight fields separated by `##@@`. `auto`: each line is recognised. Lines of another "
        "format are quarantined.",
    )
    log_day_filter: Literal["business_date", "keep"] = _setting(
        "business_date",
        "Lines whose time is not of the business date, in TIMEZONE. `business_date`: they are only "
        "counted. `keep`: every line belongs to the day of its file, as a file without days needs.",
    )
    log_compression: Literal["none", "gzip", "bzip2", "zip"] = _setting(
        "none", "How the file is compressed; it is stored decompressed."
    )
    log_skip_header: bool = _setting(
        False,  # noqa: FBT003 - the default value of the setting
        "Whether the first line is a header that is left out.",
    )
    log_encoding: str | None = _setting(
        None,
        "Encoding of the file, such as `gbk`; it is stored as UTF-8, and a byte that does not fit "
        "is an error. Unset: the bytes are copied as they are.",
    )
    log_max_bytes: Annotated[int, Field(gt=0)] = _setting(
        100 * 1024**3,
        "Most bytes that one log may have, decompressed. Stops an endless answer and a "
        "decompression bomb.",
    )
    log_max_ratio: Annotated[int, Field(gt=0)] = _setting(
        200,
        "Most bytes that one compressed byte may become, looked at from 10 MiB on.",
    )
    log_method: Literal["GET", "POST"] = _setting("GET", "How an HTTP server is asked for the log.")
    log_parameters: SecretStr | None = _setting(
        None,
        "Parameters of the request, percent-encoded: `a=1&day=${bizdate}`. GET appends them to the "
        "query, POST sends them as a form. `${bizdate}` is replaced.",
    )
    log_headers: JsonOfStrings = _setting(
        None,
        "Further headers as a JSON object of strings; sent to the host of LOG_URL only.",
    )
    log_token: SecretStr | None = _setting(None, "Bearer token; sent to the host of LOG_URL only.")
    log_sha256: SecretStr | None = _setting(
        None,
        "Expected SHA-256 of the file as 64 hex digits, or the URL of a file that holds it. "
        "`${bizdate}` is replaced.",
    )
    log_allowed_hosts: Annotated[tuple[str, ...], NoDecode] = _setting(
        (),
        "Hosts that may be asked, redirects included, separated by commas: `host`, `host:port`, "
        "`.domain`. Unset: any.",
    )
    log_proxy: SecretStr | None = _setting(
        None,
        "URL of a proxy. Unset: as HTTPS_PROXY, HTTP_PROXY and NO_PROXY say.",
    )
    log_ca: AbsoluteFile = _setting(
        None,
        "PEM file of the certificate authority of the log's server. Unset: the public ones.",
    )
    log_deadline_seconds: Annotated[float, Field(gt=0)] = _setting(
        7200.0, "Seconds for all tries of one log together."
    )
    log_read_timeout_seconds: Annotated[float, Field(gt=0)] = _setting(
        60.0, "Most seconds without a single byte of the answer."
    )
    log_min_rate: Annotated[int, Field(ge=0)] = _setting(
        1024,
        "Fewest bytes a second, over a minute, before a slow transfer is given up and tried "
        "again. `0`: any rate will do.",
    )
    log_connections: Annotated[int, Field(ge=1, le=64)] = _setting(
        4,
        "Most range requests at once for a large file of a server that is slow on one connection. "
        "`1`: never more than one.",
    )
    log_object: KeyOfDay = _setting(
        "ods_raw_log_d/log_${bizdate}/log_${bizdate}.txt",
        "Key of the log's object under STORAGE_URI.",
    )

    @field_validator("log_url")
    @classmethod
    def _is_log_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            parts = split_url(value.get_secret_value())
            if parts.scheme not in {"http", "https", "file"}:
                raise ValueError("write an http://, https:// or file:// URL")
            if parts.scheme != "file":
                check_address(parts)
        return value

    @field_validator("log_encoding")
    @classmethod
    def _is_encoding(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                "".encode(value)
            except LookupError:
                raise ValueError("no such encoding") from None
        return value

    @field_validator("log_allowed_hosts", mode="before")
    @classmethod
    def _split_hosts(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value
