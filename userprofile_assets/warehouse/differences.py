"""How a table in Spark's catalogue differs from the file of `sql/` that describes it.

`CREATE TABLE IF NOT EXISTS` never alters a table that is there, so without this comparison the
first version of a file would win silently for ever.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from userprofile_assets.warehouse.places import same_place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from userprofile_assets.warehouse.executor import Executor
    from userprofile_assets.warehouse.table_model import Column, TableDefinition

# The JSON shows char(3) and varchar(3) as string, so lengths cannot be compared.
_WITH_LENGTH = re.compile(r"\b(?:var)?char\(\d+\)")

# Spark leaves this one out when it has Hive's default.
_NOT_SHOWN = {"serialization.null.format": "\\N"}


@dataclass(frozen=True)
class Difference:
    """One thing that is not as the file says."""

    what: str
    in_spark: str
    in_file: str

    def __str__(self) -> str:
        return f"{self.what}: Spark has {self.in_spark}, the file says {self.in_file}"


@dataclass(frozen=True)
class Comparison:
    """What differs: things that change what rows mean, the table's location, and comments.

    `appended` are columns that the file has behind all those of the table, which are the same.
    """

    blocking: tuple[Difference, ...]
    location: Difference | None
    comments: tuple[Difference, ...]
    appended: tuple[Column, ...] = ()


def compare(executor: Executor, table: TableDefinition, *, where: str) -> Comparison:
    """Compare a table that exists with its definition.

    One statement: the first use of `catalog.listColumns` alone costs a cold session a second.

    Args:
        executor: Runs the statement.
        table: The definition.
        where: The table and its file, for errors.
    """
    rows = executor.run(f"DESCRIBE EXTENDED {table.table} AS JSON", where=where)
    found = json.loads(rows[0][0])
    if found.get("type") == "VIEW":
        view = Difference("kind", "a view", "a table")
        return Comparison(blocking=(view,), location=None, comments=())
    columns = found["columns"]
    wanted = [*table.columns, *table.partition_columns]
    in_spark = [f"{column['name']} {simple_string(column['type'])}" for column in columns]
    in_file = [f"{c.name} {_WITH_LENGTH.sub('string', c.type)}" for c in wanted]
    appended = _appended(in_spark, in_file, table)
    blocking = [
        None if appended else _difference("columns", ", ".join(in_spark), ", ".join(in_file)),
        _difference(
            "partition columns",
            ", ".join(found.get("partition_columns", [])),
            ", ".join(c.name for c in table.partition_columns),
        ),
        _difference("format", _format_of(found), table.format),
        *_options(found.get("storage_properties", {}), table.options),
    ]
    comments = [
        _difference(f"comment of {want.name}", have.get("comment", ""), want.comment or "")
        for have in columns
        for want in wanted
        if have["name"] == want.name
    ]
    comments.append(
        _difference("comment of the table", found.get("comment", ""), table.comment or "")
    )
    return Comparison(
        blocking=tuple(d for d in blocking if d),
        location=_location(found["location"], table.location) if table.location else None,
        comments=tuple(d for d in comments if d),
        appended=appended,
    )


def _appended(
    in_spark: list[str], in_file: list[str], table: TableDefinition
) -> tuple[Column, ...]:
    """Return the columns that the file only adds; Parquet reads them as NULL in older days."""
    days = len(table.partition_columns)
    had, have = in_spark[:-days], in_file[:-days]
    only_appended = (
        table.kind in {"filled", "lookup"}
        and table.format == "parquet"
        and in_spark[-days:] == in_file[-days:]
        and have[: len(had)] == had
    )
    return table.columns[len(had) :] if only_appended else ()


def simple_string(described: Mapping[str, Any]) -> str:
    """Return a type as Spark's simpleString, from the JSON of DESCRIBE ... AS JSON (Spark 4.3)."""
    match described["name"]:
        case "decimal":
            return f"decimal({described['precision']},{described['scale']})"
        case "array":
            return f"array<{simple_string(described['element_type'])}>"
        case "map":
            key, value = (simple_string(described[f"{part}_type"]) for part in ("key", "value"))
            return f"map<{key},{value}>"
        case "struct":
            fields = (f"{f['name']}:{simple_string(f['type'])}" for f in described["fields"])
            return f"struct<{','.join(fields)}>"
        case "timestamp_ltz":
            return "timestamp"
        case name:
            return str(name)


def _location(in_spark: str, in_file: str) -> Difference | None:
    if same_place(in_spark, in_file):
        return None
    return Difference("location", in_spark, in_file)


def _difference(what: str, in_spark: str, in_file: str) -> Difference | None:
    if in_spark == in_file:
        return None
    return Difference(what, in_spark or "none", in_file or "none")


def _format_of(found: Mapping[str, Any]) -> str:
    provider = str(found.get("provider", ""))
    if provider != "hive":
        return provider
    is_text = str(found.get("input_format", "")).endswith("TextInputFormat")
    return "hive text" if is_text else f"hive {found.get('input_format', '')}"


def _options(in_spark: Mapping[str, str], in_file: Mapping[str, str]) -> list[Difference | None]:
    return [
        _difference(f"option {key}", repr(in_spark.get(key, _NOT_SHOWN.get(key, ""))), repr(value))
        for key, value in in_file.items()
    ]
