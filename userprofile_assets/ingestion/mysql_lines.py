r"""The line of a row as MySQL itself makes it, and the little that is left to do to it here.

Belongs here: the SQL text of each column type, the marks between fields, the escapes. Does not
belong here: how lines come over the wire (`mysql_packets.py`), which rows (`table_select.py`).
docs/text-format.md describes the result for people.

The server joins a row to one value with marks that are no bytes of UTF-8, so that no value can hold
them: 0xFF between fields, 0xFE for NULL, 0xFD at the end of a row, 0xFC for a date that is refused.
Escaping is done on whole batches by `bytes.replace`, at the speed of memory and only where the
character occurs; with REPLACE in SQL an export took about twice as long in a trial. Every way to
read from MySQL uses these lines, so all give the same bytes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from userprofile_assets.errors import SourceError
from userprofile_assets.ingestion.text_dialect import NULL as NULL_TEXT
from userprofile_assets.ingestion.text_dialect import escapes

if TYPE_CHECKING:
    from collections.abc import Sequence

BETWEEN = 0xFF
NULL = 0xFE
END = 0xFD
REFUSED = 0xFC

BinaryForm = Literal["hex", "base64"]
ZeroDates = Literal["null", "keep", "error"]

_BINARY = re.compile(
    r"(tiny|medium|long)?blob|(var)?binary|geometry|point|linestring|polygon|multi.*|geomcollection"
    r"|geometrycollection|vector"
)
_DATES = frozenset({"date", "datetime", "timestamp"})
# `+ 0` gives the number: BIT is sent as bytes, and ZEROFILL pads a number for display.
_NUMBERS = re.compile(r"bit\b.*|.* zerofill")
_TEXTS = re.compile(r"(var)?char|(tiny|medium|long)?text|enum|set")


def quote_name(name: str) -> str:
    """Quote a name for SQL that SQLAlchemy is given as it is.

    Its own quoting doubles percent signs for the driver, as it then does with the whole SQL. MySQL
    takes backticks in every SQL mode, ANSI_QUOTES included.
    """
    return f"`{name.replace('`', '``')}`"


def line_sql(
    columns: Sequence[tuple[str, str]], *, binary: BinaryForm, zero_dates: ZeroDates
) -> str:
    """Return the SQL expression whose value is the line of a row.

    It is NULL, as a whole, when the server could not make a field: a value that grows beyond
    max_allowed_packet becomes NULL with a warning only, so fields are joined by CONCAT, which
    spreads that, and not by CONCAT_WS, which hides it.

    Args:
        columns: Quoted name and type, as `information_schema.columns.column_type` writes it.
        binary: Text form of BINARY, BLOB and spatial types.
        zero_dates: What becomes of a date whose month or day is 0.
    """
    fields = [_field_sql(name, kind.lower(), binary, zero_dates) for name, kind in columns]
    return f"CONCAT({f', CHAR({BETWEEN}), '.join(fields)}, CHAR({END}))"


def _field_sql(name: str, kind: str, binary: BinaryForm, zero_dates: ZeroDates) -> str:
    base = re.split(r"[ (]", kind, maxsplit=1)[0]
    if _NUMBERS.fullmatch(kind):
        text = f"CAST({name} + 0 AS CHAR)"
    elif _BINARY.fullmatch(base):
        # MySQL's base64 breaks lines after 76 characters.
        text = (
            f"LOWER(HEX({name}))"
            if binary == "hex"
            else f"REPLACE(TO_BASE64({name}), CHAR(10), '')"
        )
    elif _TEXTS.fullmatch(base):
        text = f"CONVERT({name} USING utf8mb4)"
    else:
        text = f"CAST({name} AS CHAR)"
    text = f"CAST({text} AS BINARY)"
    if base in _DATES and zero_dates != "keep":
        mark = NULL if zero_dates == "null" else REFUSED
        text = f"IF(MONTH({name}) = 0 OR DAYOFMONTH({name}) = 0, CHAR({mark}), {text})"
    return f"IF({name} IS NULL, CHAR({NULL}), {text})"


class LineDecoder:
    r"""Turns batches of marked lines into the delimited text of docs/text-format.md.

    Args:
        columns: Names of the columns, for errors and for their number.
        delimiter: What stands between fields; see `text_dialect.check_delimiter`.
    """

    def __init__(self, columns: Sequence[str], delimiter: str) -> None:
        self._columns = columns
        self._escapes = [
            (special.encode(), escape.encode()) for special, escape in escapes(delimiter)
        ]
        self._marks = bytes.maketrans(bytes([BETWEEN, END]), delimiter.encode() + b"\n")

    def decode(self, lines: bytes, rows: int) -> bytes:
        """Return the text of `rows` lines.

        Raises:
            SourceError: A text is not valid UTF-8, or a date is refused by USER_ZERO_DATES.
        """
        if bytes([REFUSED]) in lines:
            self._refuse_date(lines)
        fields = rows * (len(self._columns) - 1)
        if lines.count(bytes([BETWEEN])) != fields or lines.count(bytes([END])) != rows:
            raise self._no_utf8("a byte that UTF-8 does not have")
        for special, escape in self._escapes:
            if special in lines:
                lines = lines.replace(special, escape)
        lines = lines.translate(self._marks)
        if bytes([NULL]) in lines:
            lines = lines.replace(bytes([NULL]), NULL_TEXT.encode())
        try:
            lines.decode("utf-8")
        except UnicodeDecodeError as error:
            raise self._no_utf8(error.reason) from None
        return lines

    def _refuse_date(self, lines: bytes) -> None:
        before = lines[: lines.index(REFUSED)]
        column = before[before.rfind(END) + 1 :].count(bytes([BETWEEN]))
        raise SourceError(
            "a date has the month or the day 0",
            where=f"column {self._columns[column]}",
            remedy="correct the value, or set USERPROFILE_USER_ZERO_DATES to null or keep",
        )

    def _no_utf8(self, reason: str) -> SourceError:
        return SourceError(
            f"a text is not in the encoding that the server says ({reason})",
            where=f"columns {', '.join(self._columns)}",
            remedy="correct the value at the source; CONVERT(column USING utf8mb4) shows it",
        )


def too_long() -> SourceError:
    """Return the error for a row whose line is NULL."""
    return SourceError(
        "a row is longer than the server may send",
        where="max_allowed_packet of the server",
        remedy="raise max_allowed_packet, or leave the long column out of USERPROFILE_USER_COLUMNS",
    )
