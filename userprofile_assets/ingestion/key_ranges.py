"""Ranges of a split key with about the same number of rows each (MySQL, MariaDB).

Belongs here: which columns can be split, where the boundaries lie, the conditions. Does not belong
here: who reads the ranges (`table_slices.py`).

A boundary is a value of the key at a quantile of the rows, so skew between the values does not
matter; many rows of one value stay together. The server compares, in the column's own collation:
`a` and `A` are one value where it says so. A boundary comes and goes as digits or as hex in the
column's own character set, so nothing is converted on the way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from userprofile_assets.errors import SourceError
from userprofile_assets.ingestion.mysql_lines import quote_name
from userprofile_assets.ingestion.table_errors import database_name
from userprofile_assets.ingestion.table_options import no_slices
from userprofile_assets.ingestion.table_rows import reading_errors
from userprofile_assets.table_names import split_name

if TYPE_CHECKING:
    import sqlalchemy

    from userprofile_assets.ingestion.table_options import TableOptions
    from userprofile_assets.ingestion.table_select import TableSelect

_NUMBERS = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint", "decimal"})
_TEXTS = frozenset({"char", "varchar"})
_BYTES = frozenset({"binary", "varbinary"})

_DIGITS = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_HEX = re.compile(r"([0-9A-F]{2})*")
_CHARSET = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, kw_only=True)
class SplitKey:
    """A column whose values can be boundaries.

    Attributes:
        name: Quoted.
        kind: How its values are written.
        charset: Character set of a text.
    """

    name: str
    kind: Literal["number", "text", "bytes"]
    charset: str | None

    @property
    def value(self) -> str:
        """SQL whose value `literal` takes."""
        return f"CAST({self.name} AS CHAR)" if self.kind == "number" else f"HEX({self.name})"

    def literal(self, value: str) -> str:
        """Write a boundary as SQL.

        Raises:
            ValueError: It is not what `value` gives.
        """
        allowed = _DIGITS if self.kind == "number" else _HEX
        if not allowed.fullmatch(value):
            raise ValueError(f"{value!r} is no value of the key {self.name}")
        if self.kind == "number":
            return value
        # Not `X'..' COLLATE ..`: beside a column a literal is compared in the column's collation.
        return f"_{self.charset} X'{value}'" if self.kind == "text" else f"X'{value}'"


def split_key_of(
    engine: sqlalchemy.Engine,
    connection: sqlalchemy.Connection,
    options: TableOptions,
    table: str,
) -> SplitKey:
    """Look at the split key of a table.

    Raises:
        SettingsError: Its type has no order that ranges can be made of.
    """
    import sqlalchemy

    schema, name = split_name(table)
    with reading_errors(engine, options, "reading the split key"):
        found = connection.execute(
            sqlalchemy.text(
                "SELECT data_type, character_set_name FROM information_schema.columns "
                "WHERE table_schema = COALESCE(:schema, DATABASE()) AND table_name = :name "
                "AND column_name = :key"
            ),
            {"schema": schema, "name": name, "key": options.split_key},
        ).first()
    kind, charset = ("", None) if found is None else (str(found[0]).lower(), found[1])
    key = quote_name(options.split_key or "")
    if kind in _NUMBERS:
        return SplitKey(name=key, kind="number", charset=None)
    if kind in _BYTES:
        return SplitKey(name=key, kind="bytes", charset=None)
    if kind in _TEXTS and charset and _CHARSET.fullmatch(charset):
        return SplitKey(name=key, kind="text", charset=charset)
    raise no_slices(
        f"table {table} cannot be divided by the column {options.split_key}, whose type is {kind}",
        remedy="name an integer, (VAR)CHAR or (VAR)BINARY column in USERPROFILE_USER_SPLIT_KEY, "
        "or set it to 1",
    )


@dataclass(frozen=True, kw_only=True)
class KeyRanges:
    """How a table is divided.

    Attributes:
        rows: Its rows, under the condition, in the snapshot of the connection that was asked.
        conditions: One for each range, in order; at least one, at most as many as slices. Every
            row is in exactly one; None is in place of the only range.
    """

    rows: int
    conditions: tuple[str | None, ...]


def key_ranges(
    engine: sqlalchemy.Engine,
    connection: sqlalchemy.Connection,
    options: TableOptions,
    select: TableSelect,
    table: str,
) -> KeyRanges:
    """Divide a table; reads its key twice from beginning to end, by the key's index if it has one.

    Raises:
        SettingsError: The key cannot be split.
        SourceError: The database refuses.
        SourceUnavailableError: The connection broke off.
    """
    import sqlalchemy

    key = split_key_of(engine, connection, options, table)
    column: sqlalchemy.ColumnElement[str] = sqlalchemy.literal_column(key.value)
    count = select.of(
        table,
        sqlalchemy.func.count(),
        sqlalchemy.func.count(sqlalchemy.literal_column(key.name)),
    )
    found: list[str] = []
    with reading_errors(engine, options, "dividing the rows"):
        rows, with_key = connection.execute(count).one()
        step = max(1, -(-with_key // options.slices))
        behind, offset = f"{key.name} IS NOT NULL", 0
        while len(found) < options.slices:
            # First the least value, then each begins behind the last: all together read the index
            # once. `>` is the server's, so no boundary repeats or goes back in any collation.
            query = select.in_order(select.of(table, column, within=behind))
            value = connection.scalar(query.limit(1).offset(offset))
            if value is None:
                break
            found.append(_literal(engine, key, value))
            behind, offset = f"{key.name} > {found[-1]}", step - 1
    return KeyRanges(rows=rows, conditions=_conditions(key.name, found[1:]))


def _literal(engine: sqlalchemy.Engine, key: SplitKey, value: object) -> str:
    try:
        return key.literal(str(value))
    except ValueError as error:
        raise SourceError(
            str(error), where=database_name(engine), remedy="set USERPROFILE_USER_SLICES to 1"
        ) from error


def _conditions(name: str, bounds: list[str]) -> tuple[str | None, ...]:
    if not bounds:
        return (None,)
    between = [f"{name} >= {low} AND {name} < {high}" for low, high in pairwise(bounds)]
    # Rows without a key come first in MySQL's order.
    return (f"{name} < {bounds[0]} OR {name} IS NULL", *between, f"{name} >= {bounds[-1]}")
