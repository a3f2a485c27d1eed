"""The settings of the users' table: where it is, which rows, the text of their values."""

from __future__ import annotations

import re
from functools import partial
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from userprofile_assets.settings.fields import SettingsGroup, setting
from userprofile_assets.settings.values import AbsoluteFile, KeyOfDay
from userprofile_assets.table_names import expand_tables

_setting = partial(setting, "user source")

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_$]{0,63}")


class UserSourceSettings(SettingsGroup):
    """Database, table, columns and values of the users, and the key of their object."""

    mysql_url: SecretStr | None = _setting(
        None,
        "The users' database as a SQLAlchemy URL: `mysql+pymysql://user:password@host/db`, or any "
        "other database whose driver is installed. Unset: the embedded demo source (SQLite).",
    )
    mysql_tls: Literal["disabled", "required", "verify_ca", "verify_identity"] | None = _setting(
        None,
        "`disabled`, `required` (encrypted, but anybody may be at the other end), `verify_ca` or "
        "`verify_identity`. Unset: `verify_identity` for another host, `disabled` on loopback and "
        "sockets. Clear text is never a silent fallback.",
    )
    mysql_ca: AbsoluteFile = _setting(
        None,
        "PEM file of the certificate authority of the MySQL server. Unset: those of the system.",
    )
    mysql_reader: Literal["auto", "fast", "general"] = _setting(
        "auto",
        "`fast` takes the rows from PyMySQL's connection in blocks, `general` asks the driver for "
        "each row; both give the same bytes. `auto`: fast where the driver is PyMySQL.",
    )
    mysql_replica_lag: Annotated[float, Field(ge=0)] | None = _setting(
        None,
        "Most seconds that a replica may be behind its primary when the copy begins; one that is "
        "further behind is waited for like a lost connection. Unset: not asked. Needs REPLICATION "
        "CLIENT (MariaDB: REPLICA MONITOR).",
    )
    user_table: str = _setting(
        "ods_user_info_d",
        "Table of the users, optionally `schema.table`. `users_[0-9]` stands for ten tables of "
        "the same columns, `db_[00-15].users_[0-3]` for sixty-four; all are read in one snapshot.",
    )
    user_query: str | None = _setting(
        None,
        "A SELECT that is read instead of the table. `${bizdate}` is replaced. It is code: set it "
        "only from trusted configuration.",
    )
    user_columns: Annotated[tuple[str, ...], NoDecode] = _setting(
        ("uid", "gender", "age_range", "zodiac"),
        "Columns to copy, separated by commas, in the order of the Spark table.",
    )
    user_where: str | None = _setting(
        None,
        "SQL condition on the rows, as in the tutorial's reader. `${bizdate}` is replaced. It is "
        "code: set it only from trusted configuration.",
    )
    user_split_key: str | None = _setting(
        "uid",
        "Column that orders the rows, so that the same table gives the same bytes. Empty: no "
        "order, for a large table without an index on it.",
    )
    user_slices: Annotated[int, Field(ge=1, le=16)] = _setting(
        1,
        "Connections that read ranges of `USERPROFILE_USER_SPLIT_KEY` at once (MySQL, MariaDB). "
        "The key is an integer or a string, and should have an index.",
    )
    user_slice_consistency: Literal["lock", "none"] = _setting(
        "lock",
        "With several slices: `lock` keeps writers off the table for the moment in which all "
        "connections open their snapshots, so that they see the same rows (needs LOCK TABLES). "
        "`none`: a row written in that moment can be missing or come twice.",
    )
    user_binary: Literal["hex", "base64"] = _setting(
        "hex", "Text form of BINARY, BLOB and spatial columns of MySQL."
    )
    user_zero_dates: Literal["null", "keep", "error"] = _setting(
        "null",
        "What becomes of a date of MySQL whose month or day is 0, such as `0000-00-00`.",
    )
    user_timestamp_zone: str = _setting(
        "+00:00",
        "Offset from UTC in which TIMESTAMP columns of MySQL are shown, from `-13:59` to `+14:00`; "
        "MariaDB knows `-12:59` to `+13:00`.",
    )
    user_object: KeyOfDay = _setting(
        "ods_user_info_d/user_${bizdate}/user_${bizdate}.txt",
        "Key of the users' object under STORAGE_URI.",
    )
    field_delimiter: str = _setting("|", "Character between two fields of the users' object.")

    @field_validator("user_table")
    @classmethod
    def _is_table(cls, value: str) -> str:
        expand_tables(value)
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

    @field_validator("user_timestamp_zone")
    @classmethod
    def _is_offset(cls, value: str) -> str:
        if not re.fullmatch(r"[+-](0[0-9]|1[0-4]):[0-5][0-9]", value):
            raise ValueError("write an offset such as +08:00")
        hours, minutes = value[1:].split(":")
        most = 14 * 60 if value[0] == "+" else 13 * 60 + 59
        if int(hours) * 60 + int(minutes) > most:
            raise ValueError("the servers know -13:59 to +14:00")
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
