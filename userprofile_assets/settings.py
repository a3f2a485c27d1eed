"""Every setting of the project, once: its name, meaning and default.

Belongs here: the `USERPROFILE_*` environment variables, their checks, and what follows from
several of them. Does not belong here: connections (`resources/`), Dagster.

Each field is one variable: `log_url` is `USERPROFILE_LOG_URL`. A `.env` file in the working
directory is read as well; a variable of the process wins over it. docs/configuration.md and
.env.example are generated from this class by `python -m userprofile_assets.settings_page`.
"""

from __future__ import annotations

import difflib
import json
import os
import re
from io import StringIO
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, unquote, urlsplit
from zoneinfo import available_timezones

from dotenv import dotenv_values
from pydantic import (
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from userprofile_assets.bizdate import BIZDATE_VARIABLE, has_bizdate, parse_day, substitute
from userprofile_assets.errors import PermanentError, SettingsError
from userprofile_assets.object_keys import check_key
from userprofile_assets.table_names import expand_tables

PREFIX = "USERPROFILE_"
DOTENV = ".env"

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_$]{0,63}")
_DAYS = re.compile(r"[0-9]{1,6}")

# Stands for `${bizdate}` while python-dotenv resolves the other `${NAME}`s of a .env file.
_BIZDATE_MARK = "<userprofile-bizdate>"


def _setting(group: str, default: Any, meaning: str) -> Any:
    """Declare one setting; `group` orders docs/configuration.md."""
    return Field(default=default, description=meaning, json_schema_extra={"group": group})


class Settings(BaseSettings):
    """The settings of one process, read once and never changed afterwards.

    Use `Settings.load()`: it reports a malformed or unknown variable by its name. Secrets are
    `SecretStr`, so printing a Settings object shows none.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    # run
    home: Path = _setting(
        "run",
        Path(".userprofile"),
        "Directory of everything the embedded parts keep: demo sources, local storage, metastore, "
        "locks, Dagster's history. Relative to the working directory.",
    )
    start_date: str = _setting("run", "2024-08-01", "First daily partition, as `2024-08-07`.")
    timezone: str = _setting(
        "run",
        "Asia/Shanghai",
        "Time zone of the business date, of the schedule and of Spark's session.",
    )
    schedule_on: bool = _setting(
        "run",
        False,  # noqa: FBT003 - the default value of the setting
        "Whether the schedule at 00:30 starts switched on. The switch in the Dagster UI wins.",
    )
    backfill_days_per_run: int | Literal["all"] = _setting(
        "run",
        1,
        "Days that a backfill puts into one run. `1`: a bad day is a failed run of its own. "
        "`all`: one run for the whole range, also needed for `--partition-range`.",
    )
    # log source
    log_url: SecretStr | None = _setting(
        "log source",
        None,
        "Where the access log is: `http://`, `https://` or `file://`. `${bizdate}` in it means a "
        "file per day. Unset: the embedded demo source.",
    )
    log_compression: Literal["none", "gzip", "bzip2", "zip"] = _setting(
        "log source", "none", "How the file is compressed; it is stored decompressed."
    )
    log_skip_header: bool = _setting(
        "log source",
        False,  # noqa: FBT003 - the default value of the setting
        "Whether the first line is a header that is left out.",
    )
    log_encoding: str | None = _setting(
        "log source",
        None,
        "Encoding of the file, such as `gbk`; it is stored as UTF-8, and a byte that does not fit "
        "is an error. Unset: the bytes are copied as they are.",
    )
    log_max_bytes: Annotated[int, Field(gt=0)] = _setting(
        "log source",
        100 * 1024**3,
        "Most bytes that one log may have, decompressed. Stops an endless answer and a "
        "decompression bomb.",
    )
    log_max_ratio: Annotated[int, Field(gt=0)] = _setting(
        "log source",
        200,
        "Most bytes that one compressed byte may become, looked at from 10 MiB on.",
    )
    log_method: Literal["GET", "POST"] = _setting(
        "log source", "GET", "How an HTTP server is asked for the log."
    )
    log_parameters: SecretStr | None = _setting(
        "log source",
        None,
        "Parameters of the request, percent-encoded: `a=1&day=${bizdate}`. GET appends them to the "
        "query, POST sends them as a form. `${bizdate}` is replaced.",
    )
    log_headers: SecretStr | None = _setting(
        "log source",
        None,
        "Further headers as a JSON object of strings; sent to the host of LOG_URL only.",
    )
    log_token: SecretStr | None = _setting(
        "log source", None, "Bearer token; sent to the host of LOG_URL only."
    )
    log_sha256: str | None = _setting(
        "log source",
        None,
        "Expected SHA-256 of the file as 64 hex digits, or the URL of a file that holds it. "
        "`${bizdate}` is replaced.",
    )
    log_allowed_hosts: Annotated[tuple[str, ...], NoDecode] = _setting(
        "log source",
        (),
        "Hosts that may be asked, redirects included, separated by commas: `host`, `host:port`, "
        "`.domain`. Unset: any.",
    )
    log_proxy: SecretStr | None = _setting(
        "log source",
        None,
        "URL of a proxy. Unset: as HTTPS_PROXY, HTTP_PROXY and NO_PROXY say.",
    )
    log_ca: Path | None = _setting(
        "log source",
        None,
        "PEM file of the certificate authority of the log's server. Unset: the public ones.",
    )
    log_deadline_seconds: Annotated[float, Field(gt=0)] = _setting(
        "log source", 7200.0, "Seconds for all tries of one log together."
    )
    log_read_timeout_seconds: Annotated[float, Field(gt=0)] = _setting(
        "log source", 60.0, "Most seconds without a single byte of the answer."
    )
    log_min_rate: Annotated[int, Field(ge=0)] = _setting(
        "log source",
        1024,
        "Fewest bytes a second, over a minute, before a slow transfer is given up and tried "
        "again. `0`: any rate will do.",
    )
    log_connections: Annotated[int, Field(ge=1, le=64)] = _setting(
        "log source",
        4,
        "Most range requests at once for a large file of a server that is slow on one connection. "
        "`1`: never more than one.",
    )
    log_object: str = _setting(
        "log source",
        "ods_raw_log_d/log_${bizdate}/log_${bizdate}.txt",
        "Key of the log's object under STORAGE_URI.",
    )
    # user source
    mysql_url: SecretStr | None = _setting(
        "user source",
        None,
        "The users' database as a SQLAlchemy URL: `mysql+pymysql://user:password@host/db`, or any "
        "other database whose driver is installed. Unset: the embedded demo source (SQLite).",
    )
    mysql_tls: Literal["disabled", "required", "verify_ca", "verify_identity"] | None = _setting(
        "user source",
        None,
        "`disabled`, `required` (encrypted, but anybody may be at the other end), `verify_ca` or "
        "`verify_identity`. Unset: `verify_identity` for another host, `disabled` on loopback and "
        "sockets. Clear text is never a silent fallback.",
    )
    mysql_ca: Path | None = _setting(
        "user source",
        None,
        "PEM file of the certificate authority of the MySQL server. Unset: those of the system.",
    )
    mysql_reader: Literal["auto", "fast", "general"] = _setting(
        "user source",
        "auto",
        "`fast` takes the rows from PyMySQL's connection in blocks, `general` asks the driver for "
        "each row; both give the same bytes. `auto`: fast where the driver is PyMySQL.",
    )
    user_table: str = _setting(
        "user source",
        "ods_user_info_d",
        "Table of the users, optionally `schema.table`. `users_[0-9]` stands for ten tables of "
        "the same columns, `db_[00-15].users_[0-3]` for sixty-four; all are read in one snapshot.",
    )
    user_query: str | None = _setting(
        "user source",
        None,
        "A SELECT that is read instead of the table. `${bizdate}` is replaced. It is code: set it "
        "only from trusted configuration.",
    )
    user_columns: Annotated[tuple[str, ...], NoDecode] = _setting(
        "user source",
        ("uid", "gender", "age_range", "zodiac"),
        "Columns to copy, separated by commas, in the order of the Spark table.",
    )
    user_where: str | None = _setting(
        "user source",
        None,
        "SQL condition on the rows, as in the tutorial's reader. `${bizdate}` is replaced. It is "
        "code: set it only from trusted configuration.",
    )
    user_split_key: str | None = _setting(
        "user source",
        "uid",
        "Column that orders the rows, so that the same table gives the same bytes. Empty: no "
        "order, for a large table without an index on it.",
    )
    user_binary: Literal["hex", "base64"] = _setting(
        "user source", "hex", "Text form of BINARY, BLOB and spatial columns of MySQL."
    )
    user_zero_dates: Literal["null", "keep", "error"] = _setting(
        "user source",
        "null",
        "What becomes of a date of MySQL whose month or day is 0, such as `0000-00-00`.",
    )
    user_timestamp_zone: str = _setting(
        "user source", "+00:00", "Offset from UTC in which TIMESTAMP columns of MySQL are shown."
    )
    user_object: str = _setting(
        "user source",
        "ods_user_info_d/user_${bizdate}/user_${bizdate}.txt",
        "Key of the users' object under STORAGE_URI.",
    )
    field_delimiter: str = _setting(
        "user source", "|", "Character between two fields of the users' object."
    )
    # storage
    storage_uri: str | None = _setting(
        "storage",
        None,
        "Where objects are written: `file:///path` or `s3://bucket/prefix`. "
        "Unset: `storage` under HOME.",
    )
    spark_uri: str | None = _setting(
        "storage",
        None,
        "How Spark names the same place, for example `s3a://bucket/prefix`. "
        "Unset: STORAGE_URI, with `s3a://` for `s3://`.",
    )
    oss_endpoint: str | None = _setting(
        "storage", None, "Endpoint of an S3-compatible store. Unset: Amazon S3."
    )
    oss_region: str | None = _setting("storage", None, "Region that requests are signed for.")
    oss_profile: Literal["auto", "oss", "aws", "minio", "other"] = _setting(
        "storage",
        "auto",
        "What kind of store it is, which decides how requests look (docs/storage.md). `auto` goes "
        "by the endpoint's host.",
    )
    oss_addressing: Literal["auto", "virtual", "path", "cname"] = _setting(
        "storage",
        "auto",
        "Where the bucket's name goes: `virtual` (host name; Alibaba OSS accepts only this), "
        "`path` (MinIO), `cname` (nowhere: the endpoint is a custom domain of the bucket), `auto` "
        "(what the profile wants).",
    )
    oss_encryption: str | None = _setting(
        "storage",
        None,
        "Encryption on the server's side: `AES256`, `aws:kms`, on Alibaba OSS also `KMS`. Unset: "
        "what the bucket does by itself.",
    )
    oss_encryption_key_id: str | None = _setting(
        "storage", None, "Key of the key service for OSS_ENCRYPTION."
    )
    oss_parts_in_flight: Annotated[int, Field(ge=1, le=32)] = _setting(
        "storage", 4, "Parts of one upload that are sent at once."
    )
    oss_part_mib: Annotated[int, Field(ge=5, le=1024)] = _setting(
        "storage",
        16,
        "Size of a part in MiB. An upload takes (OSS_PARTS_IN_FLIGHT + 1) parts of memory.",
    )
    oss_access_key_id: SecretStr | None = _setting("storage", None, "Access key of the store.")
    oss_access_key_secret: SecretStr | None = _setting("storage", None, "Secret of that key.")
    oss_security_token: SecretStr | None = _setting(
        "storage", None, "Token of temporary (STS) credentials."
    )
    # Spark
    spark_master: str = _setting("Spark", "local[*]", "Spark master.")
    spark_conf: SecretStr | None = _setting(
        "Spark",
        None,
        "More Spark configuration as a JSON object of strings; it wins over what the project sets.",
    )
    spark_lock_seconds: Annotated[float, Field(ge=0)] = _setting(
        "Spark",
        600.0,
        "Seconds to wait for another process that has the embedded metastore open.",
    )
    # demo
    demo_lines: Annotated[int, Field(ge=1, le=100_000_000)] = _setting(
        "demo", 20_000, "Lines of one day of the embedded log."
    )
    demo_users: Annotated[int, Field(ge=1, le=100_000_000)] = _setting(
        "demo", 5_000, "Rows of the embedded user table."
    )
    demo_seed: int = _setting("demo", 1, "Seed of the embedded sources.")

    @field_validator("home", mode="after")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        try:
            return value.expanduser().absolute()
        except RuntimeError:
            raise ValueError("the home directory that ~ stands for is not known") from None

    @field_validator("start_date")
    @classmethod
    def _is_day(cls, value: str) -> str:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            raise ValueError("write it as 2024-08-07")
        try:
            parse_day(value)
        except PermanentError:
            raise ValueError("no calendar has this day") from None
        return value

    @field_validator("timezone")
    @classmethod
    def _is_timezone(cls, value: str) -> str:
        if value not in available_timezones():
            near = difflib.get_close_matches(value, available_timezones(), n=1)
            raise ValueError(f"no such time zone{f'; did you mean {near[0]}?' if near else ''}")
        return value

    @field_validator("backfill_days_per_run", mode="before")
    @classmethod
    def _at_least_one_day(cls, value: int | str) -> int | str:
        # By itself pydantic names the two types of the union, in two sentences.
        text = str(value).strip()
        if text == "all":
            return text
        if not _DAYS.fullmatch(text) or int(text) < 1:
            raise ValueError("write a number of days from 1 on, or all")
        return int(text)

    @field_validator("log_encoding")
    @classmethod
    def _is_encoding(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                "".encode(value)
            except LookupError:
                raise ValueError("no such encoding") from None
        return value

    @field_validator("user_columns", mode="before")
    @classmethod
    def _split_columns(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(","))
        return value

    @field_validator("user_columns")
    @classmethod
    def _are_identifiers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if not _IDENTIFIER.fullmatch(name):
                raise ValueError(f"{name!r} is not a column name")
        if len(set(value)) != len(value):
            raise ValueError("a column is named twice")
        return value

    @field_validator("user_split_key")
    @classmethod
    def _is_identifier(cls, value: str | None) -> str | None:
        if value is not None and not _IDENTIFIER.fullmatch(value):
            raise ValueError(f"{value!r} is not a column name")
        return value

    @field_validator("user_table")
    @classmethod
    def _is_table(cls, value: str) -> str:
        expand_tables(value)
        return value

    @field_validator("user_timestamp_zone")
    @classmethod
    def _is_offset(cls, value: str) -> str:
        if not re.fullmatch(r"[+-](0[0-9]|1[0-4]):[0-5][0-9]", value):
            raise ValueError("write an offset such as +08:00")
        return value

    @field_validator("log_allowed_hosts", mode="before")
    @classmethod
    def _split_hosts(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("log_headers")
    @classmethod
    def _is_headers(cls, value: SecretStr | None) -> SecretStr | None:
        return _json_of_strings(value)

    @field_validator("log_ca", "mysql_ca")
    @classmethod
    def _absolute_file(cls, value: Path | None) -> Path | None:
        return None if value is None else value.expanduser().absolute()

    @field_validator("log_object", "user_object")
    @classmethod
    def _is_key_of_a_day(cls, value: str) -> str:
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

    @field_validator("field_delimiter")
    @classmethod
    def _is_delimiter(cls, value: str) -> str:
        # Hive reads a digit as the number of a byte: TERMINATED BY '1' is \x01.
        if len(value) != 1 or value in "\\\n\rNnr" or not value.isascii() or value.isdigit():
            raise ValueError(
                "write one ASCII character that is no backslash, digit, N, n, r or line end"
            )
        return value

    @field_validator("log_url")
    @classmethod
    def _is_log_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            parts = _split(value.get_secret_value())
            if parts.scheme not in {"http", "https", "file"}:
                raise ValueError("write an http://, https:// or file:// URL")
            if parts.scheme != "file" and not parts.hostname:
                raise ValueError("the URL names no host")
        return value

    @field_validator("storage_uri")
    @classmethod
    def _is_storage_uri(cls, value: str | None) -> str | None:
        if value is not None:
            parts = _split(value)
            _refuse_keys(parts)
            is_file = parts.scheme == "file" and not parts.netloc and parts.path.strip("/")
            is_s3 = parts.scheme == "s3" and parts.netloc
            if not ((is_file and value.startswith("file:///")) or is_s3):
                raise ValueError("write file:///path or s3://bucket/prefix")
        return value

    @field_validator("spark_uri")
    @classmethod
    def _is_spark_uri(cls, value: str | None) -> str | None:
        if value is not None:
            parts = _split(value)
            _refuse_keys(parts)
            if not parts.scheme:
                raise ValueError("write it with its scheme, such as s3a://bucket/prefix")
        return value

    @field_validator("oss_endpoint")
    @classmethod
    def _is_endpoint(cls, value: str | None) -> str | None:
        if value is not None:
            parts = _split(value)
            _refuse_keys(parts)
            if parts.scheme not in {"http", "https"} or not parts.hostname:
                raise ValueError("write an http:// or https:// URL")
        return value

    @field_validator("spark_conf")
    @classmethod
    def _is_spark_conf(cls, value: SecretStr | None) -> SecretStr | None:
        return _json_of_strings(value)

    # The last validator that runs before the types are looked at is the first to be called.
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

    @model_validator(mode="after")
    def _whole_credentials(self) -> Settings:
        if (self.oss_access_key_id is None) != (self.oss_access_key_secret is None):
            raise ValueError(
                "USERPROFILE_OSS_ACCESS_KEY_ID and USERPROFILE_OSS_ACCESS_KEY_SECRET belong "
                "together: set both or none"
            )
        if self.oss_security_token is not None and self.oss_access_key_id is None:
            raise ValueError(
                "USERPROFILE_OSS_SECURITY_TOKEN needs USERPROFILE_OSS_ACCESS_KEY_ID and "
                "USERPROFILE_OSS_ACCESS_KEY_SECRET"
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
        from_file = _read_dotenv(Path(DOTENV))
        _check_names(
            {*os.environ, *from_file}, known={PREFIX + f.upper() for f in cls.model_fields}
        )
        _put_into_environment(from_file)
        try:
            return cls()
        except ValidationError as error:
            raise SettingsError(_explain(error), remedy="see docs/configuration.md") from None


def _read_dotenv(path: Path) -> dict[str, str | None]:
    """Return the variables of a .env file, `${NAME}` resolved, `${bizdate}` left as it is."""
    if not path.is_file():
        return {}
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise SettingsError(
            "the file cannot be read as UTF-8 text",
            where=str(path.absolute()),
            remedy="check its permissions and save it as UTF-8",
        ) from None
    values = dotenv_values(stream=StringIO(text.replace(BIZDATE_VARIABLE, _BIZDATE_MARK)))
    return {
        name: value and value.replace(_BIZDATE_MARK, BIZDATE_VARIABLE)
        for name, value in values.items()
    }


def _put_into_environment(values: dict[str, str | None]) -> None:
    """Set what is not set yet, and what `dagster dev` has set from the same file wrongly.

    It reads .env before this code runs, by python-dotenv, which makes an unknown `${bizdate}`
    nothing (dagster 1.13, `_core/secrets/env_file.py`): a file per day would become one file.
    """
    for name, value in values.items():
        if value is None:
            continue
        cut = value.replace(BIZDATE_VARIABLE, "") if has_bizdate(value) else None
        if name not in os.environ or os.environ[name] == cut:
            os.environ[name] = value


def _json_of_strings(value: SecretStr | None) -> SecretStr | None:
    """Refuse what is no JSON object of strings; no message shows any of it."""
    if value is not None:
        try:
            found = json.loads(value.get_secret_value())
        except ValueError:
            raise ValueError("not a JSON object") from None
        if not isinstance(found, dict) or not all(isinstance(v, str) for v in found.values()):
            raise ValueError("write a JSON object of strings")
    return value


def _split(url: str) -> SplitResult:
    """Split a URL; the error of the standard library quotes the URL, which can hold a secret."""
    try:
        return urlsplit(url)
    except ValueError:
        raise ValueError("not a URL that can be parsed") from None


def _refuse_keys(parts: SplitResult) -> None:
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError(
            "keys belong into USERPROFILE_OSS_ACCESS_KEY_ID and USERPROFILE_OSS_ACCESS_KEY_SECRET, "
            "not into the URI"
        )


def _check_names(names: set[str], *, known: set[str]) -> None:
    unknown = sorted(n for n in names if n.upper().startswith(PREFIX) and n not in known)
    if not unknown:
        return
    lines = []
    for name in unknown:
        near = difflib.get_close_matches(name.upper(), known, n=1, cutoff=0)
        lines.append(f"{name} is not a setting; the nearest one is {near[0]}")
    raise SettingsError("\n".join(lines), remedy="correct or unset it; see docs/configuration.md")


def _explain(error: ValidationError) -> str:
    lines = []
    for item in error.errors(include_url=False, include_input=False, include_context=False):
        message = item["msg"].removeprefix("Value error, ")
        names = [PREFIX + str(part).upper() for part in item["loc"][:1]]
        line = f"{names[0]}: {message}" if names else message
        if line not in lines:
            lines.append(line)
    return "\n".join(lines)
