"""Of which kind a table is, and what its kind asks of CREATE TABLE.

Belongs here: filled, external or lookup, and where its rows may lie. Does not belong here: the
statements themselves (`ddl.py`, `create_table.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from userprofile_assets.errors import SqlFileError
from userprofile_assets.warehouse.places import is_under
from userprofile_assets.warehouse.variables import expand

if TYPE_CHECKING:
    from collections.abc import Mapping

    from userprofile_assets.warehouse.create_table import CreateTable
    from userprofile_assets.warehouse.statements import ParsedStatement
    from userprofile_assets.warehouse.table_model import SqlFile, TableKind

LOOKUP_PROPERTY = "userprofile.lookup"
"""TBLPROPERTIES that names the knowledge which fills a table."""

_SPARK_URI = "spark_uri"


@dataclass(frozen=True, kw_only=True)
class Filling:
    """What of a file fills its table."""

    lookup: str | None
    partition: ParsedStatement | None
    insert: ParsedStatement | None
    keys: ParsedStatement | None


def kind_of(file: SqlFile, create: ParsedStatement, filling: Filling) -> TableKind:
    """Tell of which kind a table is: exactly one thing fills it.

    Raises:
        SqlFileError: Nothing does, or two things would.
    """
    if filling.insert is not None and filling.partition is not None:
        raise SqlFileError(
            "INSERT would write over the files that ADD PARTITION ... LOCATION puts the table on",
            where=file.at(filling.insert.statement.line),
            remedy="keep one of them: a table shows an object, or holds what a SELECT makes",
        )
    if filling.lookup is not None or filling.keys is not None:
        _check_lookup(file, create, filling)
        return "lookup"
    if filling.insert is not None:
        return "filled"
    if filling.partition is not None:
        return "external"
    raise SqlFileError(
        "nothing fills the table",
        where=file.at(create.statement.line),
        remedy="add ALTER TABLE ... ADD IF NOT EXISTS PARTITION ... LOCATION of what an "
        "ingest asset writes, or INSERT OVERWRITE TABLE ... SELECT",
    )


def _check_lookup(file: SqlFile, create: ParsedStatement, filling: Filling) -> None:
    other = filling.insert or filling.partition
    if other is not None:
        raise SqlFileError(
            "the table is filled by a lookup and by this",
            where=file.at(other.statement.line),
            remedy=f"take it out, or the SELECT of the keys and {LOOKUP_PROPERTY}",
        )
    if filling.keys is None:
        raise SqlFileError(
            f"nothing says for which rows {filling.lookup!r} is looked up",
            where=file.at(create.statement.line),
            remedy="add one SELECT, whose rows are the keys of a day",
        )
    if filling.lookup is None:
        raise SqlFileError(
            "a bare SELECT gives the keys of a lookup, and CREATE TABLE names none",
            where=file.at(filling.keys.statement.line),
            remedy=f"add TBLPROPERTIES ('{LOOKUP_PROPERTY}' = '...') to CREATE TABLE, or write "
            "INSERT OVERWRITE TABLE ... SELECT",
        )


def check_location(
    file: SqlFile, create: ParsedStatement, table: CreateTable, variables: Mapping[str, str]
) -> None:
    """Check that the days of a table can be found in the object storage.

    Raises:
        SqlFileError: The table has no LOCATION, or one that is not below `${spark_uri}`.
    """
    example = f"LOCATION '${{{_SPARK_URI}}}/{file.table}'"
    where = file.at(create.statement.line)
    if table.location is None:
        raise SqlFileError(
            "the table has no LOCATION, so no run can put a day beside the former one",
            where=where,
            remedy=f"add {example}",
        )
    if _SPARK_URI in variables:
        root = expand(f"${{{_SPARK_URI}}}", variables, where=where)
        if not is_under(table.location, root):
            raise SqlFileError(
                f"the table's LOCATION is not below ${{{_SPARK_URI}}}",
                where=where,
                remedy=f"write {example}: elsewhere neither a lookup can write its rows nor "
                "`userprofile gc` find what is to be removed",
            )


def check_lookup_format(file: SqlFile, create: ParsedStatement, table: CreateTable) -> None:
    """Check that a lookup's table has the format that the driver writes.

    Raises:
        SqlFileError: It has another.
    """
    if table.format != "parquet":
        raise SqlFileError(
            f"a lookup is written as Parquet, but the table is {table.format}",
            where=file.at(create.statement.line),
            remedy="write USING parquet",
        )
