r"""The text between a table, object storage and Spark: encoding rows, and reading one line back.

Belongs here: the escapes and the text form of each kind of value. Does not belong here: where the
rows come from (`table_rows.py`), the DDL that reads them (`sql/`). docs/text-format.md describes
the same for people.

One record a line, UTF-8, LF at the end, a one-character delimiter between fields, escaped by `\`.
It is what Hive's LazySimpleSerDe reads with `ESCAPED BY '\\' NULL DEFINED AS '\\N'`: NULL is
compared on the raw bytes, before unescaping, so the string `\N` (written `\\N`) stays a string. No
raw LF or CR is ever written inside a field, since Spark's line splitter ends a record at either.
U+FEFF is escaped because Hadoop's reader takes it for a byte order mark at the start of a file and
drops it.
"""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from userprofile_assets.errors import SettingsError, SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

NULL = "\\N"


def check_delimiter(delimiter: str) -> str:
    r"""Return `delimiter` if it can stand between fields.

    It is one byte for Hive, and none that already means something: `\` escapes, LF and CR end a
    record, `\n` and `\r` stand for them, `\N` is NULL. A digit in Hive's DDL is the number of a
    byte: `FIELDS TERMINATED BY '1'` splits at \x01.

    Raises:
        SettingsError: It cannot.
    """
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter in "\\\n\rNnr0123456789":
        raise SettingsError(
            f"{delimiter!r} cannot separate fields",
            where="USERPROFILE_FIELD_DELIMITER",
            remedy="write one ASCII character that is no backslash, digit, line end, N, n or r",
        )
    return delimiter


def escapes(delimiter: str) -> tuple[tuple[str, str], ...]:
    """Return each special character with its escape, to be replaced in this order.

    The backslash comes first: the others add backslashes of their own.
    """
    return (
        ("\\", "\\\\"),
        (delimiter, "\\" + delimiter),
        ("\n", "\\n"),
        ("\r", "\\r"),
        ("\ufeff", "\\\ufeff"),
    )


def encode_rows(
    rows: Iterable[Sequence[Any]], delimiter: str, *, columns: Sequence[str] = ()
) -> bytes:
    """Encode rows, each ending with LF.

    Works column by column: a batch of some thousand rows costs a few passes at C speed per column
    instead of a Python call per value.

    Args:
        rows: Rows of equal length, as the database's driver gave them.
        delimiter: What stands between fields; see `check_delimiter`.
        columns: Names of the columns, for errors only.

    Raises:
        SourceError: A value has no text form, or is no valid Unicode; names the column.
        ValueError: The rows are not equally long.
    """
    check_delimiter(delimiter)
    texts = [
        _column(values, delimiter, columns[index] if index < len(columns) else str(index + 1))
        for index, values in enumerate(zip(*rows, strict=True))
    ]
    if not texts:
        return b""
    lines = texts[0] if len(texts) == 1 else map(delimiter.join, zip(*texts, strict=True))
    return ("\n".join(lines) + "\n").encode("utf-8")


def decode_line(line: bytes, delimiter: str) -> list[str | None]:
    r"""Read one record back, by the rules of Hive's reader.

    The reference that tests and `doctor` compare with; slow, since it looks at every byte.

    Args:
        line: One record, with or without its LF.
        delimiter: What stands between fields.
    """
    separator = ord(check_delimiter(delimiter))
    fields: list[str | None] = []
    raw, text = bytearray(), bytearray()
    units = iter(line.removesuffix(b"\n"))
    for byte in units:
        if byte == separator:
            fields.append(_field(raw, text))
            raw, text = bytearray(), bytearray()
            continue
        raw.append(byte)
        escaped = next(units, None) if byte == ord("\\") else None
        if escaped is None:
            text.append(byte)
        else:
            raw.append(escaped)
            text.append({ord("n"): 10, ord("r"): 13}.get(escaped, escaped))
    fields.append(_field(raw, text))
    return fields


def _field(raw: bytearray, text: bytearray) -> str | None:
    return None if raw == NULL.encode() else text.decode("utf-8")


def _column(values: Sequence[Any], delimiter: str, name: str) -> Sequence[str]:
    """Return the fields of one column of a batch."""
    kinds = set(map(type, values))
    nulls = type(None) in kinds
    texts = [value for value in values if value is not None] if nulls else values
    kinds.discard(type(None))
    if kinds != {str}:
        texts = _to_texts(texts, kinds, name)
    texts = _escaped(texts, delimiter)
    _check_unicode(texts, name)
    if not nulls:
        return texts
    present = iter(texts)
    return [NULL if value is None else next(present) for value in values]


def _escaped(texts: Sequence[str], delimiter: str) -> Sequence[str]:
    """Escape the texts of a column; looks for each special character once per batch."""
    together = "".join(texts)
    for special, escape in escapes(delimiter):
        if special in together:
            texts = [text.replace(special, escape) for text in texts]
    return texts


def _check_unicode(texts: Sequence[str], name: str) -> None:
    """Refuse half of a surrogate pair, which no UTF-8 can hold."""
    together = "".join(texts)
    if together.isascii():
        return
    try:
        together.encode("utf-8")
    except UnicodeEncodeError as error:
        raise SourceError(
            f"a text is no valid Unicode ({error.reason})",
            where=f"column {name}",
            remedy="correct the value at the source; the format is UTF-8",
        ) from None


def _to_texts(values: Sequence[Any], kinds: set[type], name: str) -> Sequence[str]:
    unknown = sorted(kind.__qualname__ for kind in kinds - _TEXT.keys())
    if unknown:
        raise SourceError(
            f"a value of type {unknown[0]} has no text form",
            where=f"column {name}",
            remedy="leave the column out of USERPROFILE_USER_COLUMNS, or read a view that casts it",
        )
    try:
        if len(kinds) == 1:
            (kind,) = kinds
            return list(map(_TEXT[kind], values))
        return [_TEXT[type(value)](value) for value in values]
    except (TypeError, ValueError) as error:
        raise SourceError(
            f"a value cannot be written as text ({error})",
            where=f"column {name}",
            remedy="leave the column out of USERPROFILE_USER_COLUMNS, or read a view that casts it",
        ) from error


def _decimal(value: Decimal) -> str:
    return format(value, "f")


def _bool(value: bool) -> str:  # noqa: FBT001 - a value of a table
    return "1" if value else "0"


def _datetime(value: dt.datetime) -> str:
    """Write a moment without a zone; one with a zone is shown in UTC, as MySQL's TIMESTAMP is."""
    if value.tzinfo is not None:
        value = value.astimezone(dt.UTC).replace(tzinfo=None)
    return value.isoformat(sep=" ")


def _time(value: dt.time) -> str:
    if value.tzinfo is not None:
        raise ValueError("a time of day with a zone")
    return value.isoformat()


def _timedelta(value: dt.timedelta) -> str:
    """Write `[-]HH:MM:SS[.ffffff]`; the hours of MySQL's TIME go up to 838."""
    sign = "-" if value < dt.timedelta(0) else ""
    value = abs(value)
    minutes, seconds = divmod(value.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{value.microseconds:06d}" if value.microseconds else ""
    return f"{sign}{value.days * 24 + hours:02d}:{minutes:02d}:{seconds:02d}{fraction}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


_TEXT: dict[type, Callable[[Any], str]] = {
    str: str,
    int: str,
    bool: _bool,
    Decimal: _decimal,
    float: repr,
    dt.date: dt.date.isoformat,
    dt.datetime: _datetime,
    dt.time: _time,
    dt.timedelta: _timedelta,
    bytes: bytes.hex,
    bytearray: bytearray.hex,
    memoryview: memoryview.hex,
    dict: _json,
    list: _json,
}
