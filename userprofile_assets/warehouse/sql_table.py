"""One file of `sql/` on its way to a definition, parsed as far as what is known of it does not do.

Belongs here: when sqlglot is asked, and when not. Does not belong here: what it says (`ddl.py`,
`lineage.py`), the other tables (`graph.py`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from userprofile_assets.warehouse.known_tables import KnownTable, schema_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from userprofile_assets.warehouse.ddl import ParsedTable
    from userprofile_assets.warehouse.known_tables import KnownTables
    from userprofile_assets.warehouse.table_model import SqlFile, TableDefinition


class SqlTable:
    """One file, parsed as far as what is known of it does not do.

    Args:
        file: The file.
        variables: Values by name.
        known: What was found before, or None.
    """

    def __init__(
        self, file: SqlFile, variables: Mapping[str, str], known: KnownTables | None
    ) -> None:
        self._file = file
        self._variables = variables
        self._known = known
        self._tree: ParsedTable | None = None
        self._before = None if known is None else known.find(file)
        if self._before is None:
            self.definition = self._parse().definition
            self.reads: Mapping[str, int | None] = _reads(self._parse())
        else:
            self.definition = self._before.definition
            self.reads = self._before.reads

    def with_lineage(self, tables: Mapping[str, TableDefinition]) -> TableDefinition:
        """Return the definition with its column lineage.

        Args:
            tables: Every table it reads, by name.
        """
        schema = "" if self._known is None else schema_of(tables)
        if self._before is not None and self._before.schema == schema:
            done = self._before.definition
        else:
            parsed = self._parse()
            table = replace(parsed.definition, reads=tuple(self.reads))
            done = _with_lineage(table, parsed.query, tables)
        self.keep(done, schema=schema)
        return done

    def keep(self, done: TableDefinition, *, schema: str) -> None:
        """Let it be known the next time."""
        if self._known is not None:
            self._known.keep(KnownTable(definition=done, reads=self.reads, schema=schema))

    def _parse(self) -> ParsedTable:
        if self._tree is None:
            from userprofile_assets.warehouse.ddl import (  # noqa: PLC0415 - sqlglot: 100 ms
                parse_table,
            )

            self._tree = parse_table(self._file, self._variables)
            if self._known is not None:
                self._known.parsed.append(self._file.table)
        return self._tree


def _reads(table: ParsedTable) -> dict[str, int | None]:
    if table.query is None:
        return {}
    from userprofile_assets.warehouse.lineage import tables_read  # noqa: PLC0415 - 40 ms

    return tables_read(table.query)


def _with_lineage(
    table: TableDefinition, query: object, tables: Mapping[str, TableDefinition]
) -> TableDefinition:
    """Return the definition with its column lineage, and the types of a view's columns."""
    from userprofile_assets.warehouse.lineage import follow_columns  # noqa: PLC0415 - 40 ms

    found = follow_columns(query, table, tables)
    columns = tuple(
        replace(column, type=column.type or found.types.get(column.name, ""))
        for column in table.columns
    )
    return replace(table, columns=columns, column_lineage=found.sources)
