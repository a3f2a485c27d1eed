"""How a table in Spark's catalogue differs from the file of `sql/` that describes it.

`CREATE TABLE IF NOT EXISTS` never alters a table that is there, so without this comparison the
first version of a file would win silently for ever.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from userprofile_assets.warehouse.executor import Executor
    from userprofile_assets.warehouse.table_model import TableDefinition

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
    """What differs: things that change what rows mean, the table's location, and comments."""

    blocking: tuple[Difference, ...]
    location: Difference | None
    comments: tuple[Difference, ...]


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
    columns = found["columns"]
    wanted = [*table.columns, *table.partition_columns]
    blocking = [
        _difference(
            "columns",
            ", ".join(f"{column['name']} {simple_string(column['type'])}" for column in columns),
            ", ".join(f"{c.name} {_WITH_LENGTH.sub('string', c.type)}" for c in wanted),
        ),
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
        for have, want in zip(columns, wanted, strict=False)
        if have["name"] == want.name
    ]
    comments.append(
        _difference("comment of the table", found.get("comment", ""), table.comment or "")
    )
    return Comparison(
        blocking=tuple(d for d in blocking if d),
        location=_location(found["location"], table.location) if table.location else None,
        comments=tuple(d for d in comments if d),
    )


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


def same_place(one: str, other: str) -> bool:
    """Tell whether two locations are one place: `file:/a` is `file:///a/`."""
    return _normal(one) == _normal(other)


def _normal(location: str) -> tuple[str, str, str]:
    # No URL parser here: Spark shows paths as they are, `#`, `?` and `%` included.
    scheme, _, rest = location.partition(":")
    authority, path = "", rest
    if rest.startswith("//"):
        authority, _, path = rest[2:].partition("/")
    return scheme, authority, "/" + path.strip("/")


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
