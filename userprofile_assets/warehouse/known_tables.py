"""What was found about tables before, so that an unchanged file is not parsed again.

Belongs here: keeping definitions in a JSON file, and telling when one still holds. Does not belong
here: finding them (`graph.py`).

Parsing a file and following its columns takes tens of milliseconds, reading it back a tenth of
one. An entry holds for the text of its file, the variables and the program that wrote it; its
lineage also for the columns of the tables it reads.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from userprofile_assets.warehouse.table_model import Column, Statement, TableDefinition

if TYPE_CHECKING:
    from collections.abc import Mapping

    from userprofile_assets.warehouse.table_model import SqlFile


@dataclass(frozen=True, kw_only=True)
class KnownTable:
    """What the graph found about one table.

    Args:
        definition: The whole definition, lineage included.
        reads: The tables it reads, each with the line that first names it.
        schema: `schema_of` the tables it read.
    """

    definition: TableDefinition
    reads: Mapping[str, int | None]
    schema: str


@dataclass
class KnownTables:
    """The known tables, by name.

    Args:
        context: What all of them depend on: variables, logic, version of the program.
        parsed: Names of the tables whose file was parsed, for whoever wants to tell.
    """

    context: str
    parsed: list[str] = field(default_factory=list)
    _before: dict[str, dict[str, Any]] = field(default_factory=dict)
    _now: dict[str, dict[str, Any]] = field(default_factory=dict)

    def find(self, file: SqlFile) -> KnownTable | None:
        """Return what is known of a file, or None if it has changed."""
        entry = self._before.get(file.table)
        if entry is None or entry["key"] != self._key(file):
            return None
        try:
            return _from_json(entry, file)
        except (KeyError, TypeError, ValueError, AttributeError):
            return None

    def keep(self, table: KnownTable) -> None:
        """Remember a table for the next time."""
        definition = table.definition
        self._now[definition.table] = {
            "key": self._key(definition.file),
            **_to_json(table),
        }

    def dump(self) -> bytes:
        """Return all that was kept, as JSON."""
        return json.dumps({"tables": self._now}, ensure_ascii=False).encode("utf-8")

    @classmethod
    def load(cls, data: bytes, context: str) -> KnownTables:
        """Read what `dump` wrote; of anything else nothing is known."""
        try:
            before = json.loads(data)["tables"]
        except (ValueError, KeyError, TypeError, RecursionError):
            before = {}
        if not isinstance(before, dict) or not all(
            isinstance(entry, dict) and "key" in entry for entry in before.values()
        ):
            before = {}
        return cls(context, _before=before)

    def _key(self, file: SqlFile) -> str:
        text = "\0".join((self.context, file.name, file.text))
        return hashlib.sha256(text.encode("utf-8")).hexdigest()


def schema_of(tables: Mapping[str, TableDefinition]) -> str:
    """Return a digest of the columns of some tables: what lineage depends on besides the file."""
    columns = {
        name: [(c.name, c.type) for c in (*table.columns, *table.partition_columns)]
        for name, table in sorted(tables.items())
    }
    return hashlib.sha256(json.dumps(columns).encode("utf-8")).hexdigest()


_OWN = {"file", "description", "columns", "partition_columns", "statements", "column_lineage"}
_PLAIN = tuple(f.name for f in fields(TableDefinition) if f.name not in _OWN)


def _to_json(table: KnownTable) -> dict[str, Any]:
    definition = table.definition
    return {
        "schema": table.schema,
        "lines": dict(table.reads),
        "plain": {name: getattr(definition, name) for name in _PLAIN},
        "columns": [[c.name, c.type, c.comment] for c in definition.columns],
        "partition_columns": [[c.name, c.type, c.comment] for c in definition.partition_columns],
        "statements": [[s.kind, s.text, s.line, s.target] for s in definition.statements],
        "lineage": definition.column_lineage,
    }


def _from_json(entry: dict[str, Any], file: SqlFile) -> KnownTable:
    definition = TableDefinition(
        file=file,
        description=file.description,
        columns=tuple(Column(*column) for column in entry["columns"]),
        partition_columns=tuple(Column(*column) for column in entry["partition_columns"]),
        statements=tuple(
            Statement(kind, text, line, file.name, target and (target[0], target[1]))
            for kind, text, line, target in entry["statements"]
        ),
        column_lineage={
            column: tuple((asset, name) for asset, name in sources)
            for column, sources in entry["lineage"].items()
        },
        **entry["plain"],
    )
    return KnownTable(
        definition=replace(definition, reads=tuple(definition.reads)),
        reads=entry["lines"],
        schema=entry["schema"],
    )
