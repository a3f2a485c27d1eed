"""Put the tables of `sql/` in order, each with what it depends on.

Belongs here: the rules between files, and between a table's LOCATION and what ingest assets write.
Does not belong here: Dagster's assets (`assets/warehouse.py`), running anything.

Nobody writes an edge down. A table depends on the tables in the FROM and JOIN of its INSERT, of its
view or of the keys it looks up; a table over an object depends on the ingest asset that writes to
the LOCATION of its partition.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

from userprofile_assets.errors import SqlFileError
from userprofile_assets.redaction import redact_url
from userprofile_assets.warehouse.graph_rules import check_locations, check_lookup
from userprofile_assets.warehouse.places import same_place
from userprofile_assets.warehouse.sql_files import read_sql_files
from userprofile_assets.warehouse.sql_table import SqlTable
from userprofile_assets.warehouse.variables import BIZDATE, expand

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from userprofile_assets.warehouse.graph_rules import LookupColumns
    from userprofile_assets.warehouse.known_tables import KnownTables
    from userprofile_assets.warehouse.sql_files import Logic
    from userprofile_assets.warehouse.table_model import ColumnSources, SqlFile, TableDefinition

_BINARY_FORMATS = {"parquet", "orc", "avro"}


@dataclass(frozen=True, kw_only=True)
class ObjectSource:
    """What an ingest asset writes, as far as a table over it must know.

    Args:
        asset: Name of the asset.
        directory: Directory of a day's object under the root of the storage, with `${bizdate}`.
        columns: The fields of a line, in order.
        columns_setting: Environment variable that chooses them, for the error when a table has
            others; None when they are fixed.
        spark_uri: How Spark names that root; may hold variables of the files.
    """

    asset: str
    directory: str
    columns: tuple[str, ...]
    columns_setting: str | None = None
    spark_uri: str = "${spark_uri}"

    def location(self, variables: Mapping[str, str]) -> str:
        """Return where Spark finds a day, with `${bizdate}` in it."""
        template = f"{self.spark_uri}/{self.directory}"
        return expand(template, variables, keep=(BIZDATE,), where=self.asset)


@dataclass(frozen=True)
class Warehouse:
    """The tables in an order in which they can be made, and their edges."""

    tables: tuple[TableDefinition, ...]
    edges: Mapping[str, tuple[str, ...]]

    def table(self, name: str) -> TableDefinition:
        """Return the table of a name; KeyError if there is none."""
        for table in self.tables:
            if table.table == name:
                return table
        raise KeyError(name)

    def dependencies(self, table: str) -> list[str]:
        """Return the assets that a table is made from: tables or ingest assets, sorted."""
        return list(self.edges[table])

    def stored_upstream(self, table: str) -> tuple[str, ...]:
        """Return the tables with rows of their own that a table is made from, sorted.

        A view has none: what it reads stands for it.
        """
        known = {one.table: one for one in self.tables}
        found: set[str] = set()
        waiting, seen = list(self.edges[table]), {table}
        while waiting:
            name = waiting.pop()
            if name in seen or name not in known:
                continue
            seen.add(name)
            if known[name].kind == "view":
                waiting.extend(self.edges[name])
            else:
                found.add(name)
        return tuple(sorted(found))

    def column_lineage(self, table: str) -> Mapping[str, ColumnSources]:
        """Return for each column of a table the (asset, column) pairs it comes from."""
        return self.table(table).column_lineage


def build_graph(
    files: Path | Sequence[SqlFile],
    variables: Mapping[str, str],
    produced: Sequence[ObjectSource],
    *,
    logic: Logic = "standard",
    lookups: Mapping[str, LookupColumns] | None = None,
    known: KnownTables | None = None,
) -> Warehouse:
    """Read the files and derive order, dependencies and column lineage.

    Args:
        files: The directory `sql/`, or files that were read from it.
        variables: Values by name, without `bizdate`: it is left in places where it stands.
        produced: What the ingest assets write.
        logic: Which of a table's files is read from a directory.
        lookups: By the name of a lookup, its columns in order: name and type.
        known: What was found before, for these variables and this logic; it is given what is found
            now.

    Raises:
        SqlFileError: A file is wrong by itself (see `sql_files`, `statements`, `ddl`), reads a
            table or an object that nothing produces, reads in a circle, has another table's
            LOCATION, names no lookup there is, or its columns do not match what it reads. Names
            the file relative to `sql/`, the line, and what to do.
    """
    if isinstance(files, Path):
        files = read_sql_files(files, logic)
    parsed = {file.table: SqlTable(file, variables, known) for file in files}
    _check_names(parsed, produced)
    definitions = [table.definition for table in parsed.values()]
    check_locations(definitions, {s.asset: s.location(variables) for s in produced})
    for definition in definitions:
        if definition.kind == "lookup":
            check_lookup(definition, lookups or {})
    reads = {name: table.reads for name, table in parsed.items()}
    for name, found in reads.items():
        _check_produced(parsed[name].definition, found, known=parsed.keys())
    order = _order(parsed, reads)
    done: dict[str, TableDefinition] = {}
    edges: dict[str, tuple[str, ...]] = {}
    for name in order:
        table = replace(parsed[name].definition, reads=tuple(reads[name]))
        if table.kind == "external":
            source = _source(table, {s.location(variables): s for s in produced})
            edges[name] = (source.asset,)
            done[name] = replace(table, column_lineage=_object_lineage(table, source))
            parsed[name].keep(done[name], schema="")
        else:
            edges[name] = table.reads
            done[name] = parsed[name].with_lineage({read: done[read] for read in table.reads})
    return Warehouse(tuple(done.values()), edges)


def _check_names(parsed: Mapping[str, SqlTable], produced: Sequence[ObjectSource]) -> None:
    for source in produced:
        if source.asset in parsed:
            raise SqlFileError(
                f"the table has the name of the ingest asset {source.asset}",
                where=parsed[source.asset].definition.file.name,
                remedy="give the table another name",
            )


def _check_produced(
    table: TableDefinition, reads: Mapping[str, int | None], known: Collection[str]
) -> None:
    names = sorted(known)
    for read, line in reads.items():
        if read not in names:
            near = difflib.get_close_matches(read, names, n=3)
            hint = f"did you mean {' or '.join(near)}? Otherwise " if near else ""
            raise SqlFileError(
                f"{table.table} reads {read}, which no file of sql/ produces",
                where=table.file.at(line),
                remedy=f"{hint}add <layer>/{read}.sql; the tables there are: {', '.join(names)}",
            )


def _order(
    parsed: Mapping[str, SqlTable], reads: Mapping[str, Mapping[str, int | None]]
) -> list[str]:
    """Return the names so that a table comes after what it reads; ties by name."""
    sorter = TopologicalSorter({name: sorted(found) for name, found in sorted(reads.items())})
    try:
        sorter.prepare()
    except CycleError as error:
        # Each is read by the next, the first is repeated at the end; begin with the first name.
        circle = error.args[1][:-1]
        start = circle.index(min(circle))
        circle = [*circle[start:], *circle[:start]]
        reader, read = circle[0], circle[-1]
        raise SqlFileError(
            f"the tables read each other in a circle: {' -> '.join([*circle, reader])}",
            where=parsed[reader].definition.file.at(reads[reader][read]),
            remedy="take one of the reads out, or split a table in two",
        ) from None
    order: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        order.extend(ready)
        sorter.done(*ready)
    return order


def _source(table: TableDefinition, produced: Mapping[str, ObjectSource]) -> ObjectSource:
    """Return the ingest asset that writes to the LOCATION of a table's partition."""
    wanted = table.partition_location or ""
    for location, source in produced.items():
        if same_place(location, wanted):
            return source
    written = "; ".join(f"{s.asset}: {redact_url(place)}" for place, s in produced.items())
    raise SqlFileError(
        f"no ingest asset writes to the partition's LOCATION {redact_url(wanted)}",
        where=_at(table, "add_partition"),
        remedy=f"write the LOCATION of one of these: {written or '(there is none)'}",
    )


def _object_lineage(table: TableDefinition, source: ObjectSource) -> dict[str, ColumnSources]:
    """Pair the table's columns with the fields of the object's lines, by position."""
    columns = [column.name for column in table.columns]
    if len(columns) != len(source.columns):
        setting = f"set {source.columns_setting}, or " if source.columns_setting else ""
        raise SqlFileError(
            f"{table.table} has {len(columns)} columns ({', '.join(columns)}), but {source.asset} "
            f"writes {len(source.columns)} ({', '.join(source.columns)})",
            where=_at(table, "create"),
            remedy=f"{setting}change the columns of CREATE TABLE, so that both lists agree in "
            "number and order",
        )
    if table.format.removeprefix("hive ") in _BINARY_FORMATS:
        raise SqlFileError(
            f"{table.table} is a {table.format} table over the text that {source.asset} writes",
            where=_at(table, "create"),
            remedy="add USING text or STORED AS TEXTFILE: without either Spark 4 makes a Parquet "
            "table",
        )
    return {
        column: ((source.asset, field),)
        for column, field in zip(columns, source.columns, strict=True)
    }


def _at(table: TableDefinition, kind: str) -> str:
    line = next((s.line for s in table.statements if s.kind == kind), None)
    return table.file.at(line)
