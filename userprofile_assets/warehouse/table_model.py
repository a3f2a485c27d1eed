"""What is known about a table without asking Spark: columns, places, statements, lineage.

Belongs here: plain frozen values that the Dagster layer and the runner read. Does not belong here:
making them from SQL (`ddl.py`, `graph.py`) or comparing them with a live table.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from userprofile_assets.warehouse.variables import render

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

StatementKind = Literal["create", "view", "add_partition", "insert", "keys", "other"]

TableKind = Literal["external", "filled", "view", "lookup"]
"""What makes a table's rows: an object that an ingest asset writes, an INSERT, nothing of its own,
or knowledge that the driver looks up for the rows of a SELECT."""

ColumnSources = tuple[tuple[str, str], ...]
"""Where a column's values come from: (asset, column) pairs, sorted; empty for a constant."""


@dataclass(frozen=True)
class SqlFile:
    """One file `sql/<layer>/<table>.sql`.

    Args:
        path: Absolute path of the file.
        layer: Name of its directory, such as `ods`.
        table: Its name without `.sql` or `.tutorial.sql`, which is the table and the asset.
        text: The content, lines ended by LF whatever the disk holds.
        description: Its first comment block without comment marks.
    """

    path: Path
    layer: str
    table: str
    text: str = field(repr=False)
    description: str

    @property
    def name(self) -> str:
        """The path relative to `sql/`, as errors show it."""
        return f"{self.layer}/{self.path.name}"

    def at(self, line: int | None = None) -> str:
        """Name a place in this file for an error: `ods/orders.sql:12`."""
        return self.name if line is None else f"{self.name}:{line}"


@dataclass(frozen=True)
class Column:
    """A column as the CREATE declares it; `type` is written as Spark's simpleString.

    A view declares no types: theirs follow from its SELECT, and are empty where that is not known.
    """

    name: str
    type: str
    comment: str | None = None


@dataclass(frozen=True)
class Statement:
    """One statement of a file: the author's own characters, variables not yet replaced.

    Args:
        kind: What it does to the table of its file.
        text: The statement without its semicolon and without comments around it.
        line: Line of the file where it starts, from 1.
        file: Path of the file relative to `sql/`.
        target: Where in `text` the name of the table stands that an INSERT writes to: begin and
            end.
    """

    kind: StatementKind
    text: str
    line: int
    file: str
    target: tuple[int, int] | None = None

    def render(self, variables: Mapping[str, str]) -> str:
        """Return the statement for Spark, with every variable replaced (see `variables.render`).

        Raises:
            SqlFileError: A variable is unknown or stands outside of quotes; names file and line.
        """
        return render(self.text, variables, where=self.file, first_line=self.line)

    def into(self, table: str) -> Statement:
        """Return the same INSERT into another table; nothing but that name is changed."""
        if self.target is None:
            raise ValueError(f"{self.file}:{self.line} is no INSERT")
        begin, end = self.target
        text = f"{self.text[:begin]}{table}{self.text[end:]}"
        return replace(self, text=text, target=(begin, begin + len(table)))


@dataclass(frozen=True, kw_only=True)
class TableDefinition:
    """A table as its file defines it.

    Args:
        table: Name of the table and of the asset.
        kind: What makes its rows.
        layer: Group of the asset, such as `ods`.
        file: The file all of this is from.
        description: The file's header comment.
        comment: The table's own COMMENT.
        columns: Columns without the partition columns, in order.
        partition_columns: Columns of PARTITIONED BY; of a view its last column, `dt`.
        is_external: Whether Spark leaves the data alone when the table is dropped. That holds for
            every table with a LOCATION, with or without the word EXTERNAL.
        format: `text`, `parquet`, ... for USING; `hive text`, `hive parquet`, ... for STORED AS.
        options: OPTIONS of USING, or the SerDe's properties under Hive's names (`field.delim`,
            `escape.delim`, `line.delim`, `serialization.null.format`).
        properties: TBLPROPERTIES.
        location: LOCATION of the table.
        partition_location: LOCATION of a day's partition with `${bizdate}` left in it; None for a
            table that is not external.
        lookup: Name of the knowledge that fills a table of kind `lookup`.
        statements: The file's statements in order.
        reads: Tables that the INSERT, the view or the keys' SELECT reads, sorted.
        column_lineage: Where each of `columns` comes from, in their order.
        code_version: First 12 hex digits of the SHA-256 of the file's text.
    """

    table: str
    kind: TableKind
    layer: str
    file: SqlFile
    description: str
    comment: str | None
    columns: tuple[Column, ...]
    partition_columns: tuple[Column, ...]
    is_external: bool
    format: str
    options: Mapping[str, str]
    properties: Mapping[str, str]
    location: str | None
    partition_location: str | None
    lookup: str | None = None
    statements: tuple[Statement, ...]
    reads: tuple[str, ...] = ()
    column_lineage: Mapping[str, ColumnSources] = field(default_factory=dict)
    code_version: str

    def statement(self, kind: StatementKind) -> Statement | None:
        """Return the file's statement of a kind; there is at most one, save for `other`."""
        return next((s for s in self.statements if s.kind == kind), None)
