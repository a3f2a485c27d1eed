"""What the data map holds, made from settings, `sql/` and its YAML files.

Belongs here: one function for each kind of dataset. Does not belong here: keeping the result
(`index_file.py`), what runs left behind.

To add a kind, write a function of `Known` that returns datasets and put it into `CONTRIBUTORS`. The
sources of its columns are its edges.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from userprofile_assets.catalog.api_datasets import api_datasets
from userprofile_assets.catalog.ingest_specs import (
    LOG_SOURCE,
    RAW_LOG,
    USER_INFO,
    USER_SOURCE,
    ingest_specs,
)
from userprofile_assets.catalog.model import DEFAULT_OWNER, Column, Dataset, DatasetKind
from userprofile_assets.serving.results import COMMENTS, RESULTS, spark_table

if TYPE_CHECKING:
    from userprofile_assets.catalog.source_files import SourceFile
    from userprofile_assets.quality.table_file import ColumnDoc, TableDoc
    from userprofile_assets.settings import Settings
    from userprofile_assets.warehouse.graph import Warehouse
    from userprofile_assets.warehouse.table_model import Column as TableColumn
    from userprofile_assets.warehouse.table_model import TableDefinition

LINE = "line"
"""The one field of the log as a source."""

DESCRIPTIONS = {
    LOG_SOURCE: "The website's access log, a file over HTTP (USERPROFILE_LOG_URL).",
    USER_SOURCE: "The users' table in MySQL (USERPROFILE_MYSQL_URL, USER_TABLE).",
    RAW_LOG: "One day's access log, byte for byte as the web server gave it.",
    USER_INFO: "The user table as it was when the run read it, one delimited text a day.",
}
_KINDS: dict[str, DatasetKind] = {"view": "view", "lookup": "lookup"}


@dataclass(frozen=True, kw_only=True)
class Known:
    """What contributions are made from.

    Args:
        settings: The settings.
        warehouse: The tables of `sql/`.
        docs: What the YAML files say, by table.
        sources: What the last run saw of each source, by its name.
    """

    settings: Settings
    warehouse: Warehouse
    docs: Mapping[str, TableDoc]
    sources: Mapping[str, SourceFile]


Contributor = Callable[[Known], list[Dataset]]


def sources(known: Known) -> list[Dataset]:
    """Return the log file and the users' table, with the columns that a run saw there."""
    fields: dict[str, Sequence[str]] = {
        LOG_SOURCE: (LINE,),
        USER_SOURCE: known.settings.user_columns,
    }
    found = []
    for name, declared in fields.items():
        seen = known.sources.get(name)
        columns = tuple(
            Column(column.name, column.type, column.comment)
            for column in (seen.columns if seen else ())
        )
        # Before the first run the settings alone tell what is there.
        there = {column.name.lower() for column in columns}
        columns += tuple(Column(field) for field in declared if field.lower() not in there)
        found.append(
            Dataset(
                name=name,
                kind="source",
                group="sources",
                description=DESCRIPTIONS[name],
                owner=DEFAULT_OWNER,
                columns=columns,
            )
        )
    return found


def objects(known: Known) -> list[Dataset]:
    """Return what the ingest assets write, field by field."""
    found = []
    for spec in ingest_specs(known.settings).values():
        seen = known.sources.get(spec.source)
        # MySQL compares names of columns without regard to case.
        there = {column.name.lower(): column.name for column in (seen.columns if seen else ())}
        is_log = spec.source == LOG_SOURCE
        fields = [
            (name, LINE if is_log else there.get(name.lower(), name)) for name in spec.columns
        ]
        found.append(
            Dataset(
                name=spec.name,
                kind="object",
                group="ingest",
                description=f"{DESCRIPTIONS[spec.name]}\n{spec.object_template}",
                owner=DEFAULT_OWNER,
                columns=tuple(
                    Column(name, "string", sources=((spec.source, source),))
                    for name, source in fields
                ),
                dependencies=(spec.source,),
            )
        )
    return found


def tables(known: Known) -> list[Dataset]:
    """Return the tables and views of `sql/`."""
    return [
        _table(table, known.warehouse.dependencies(table.table), known.docs.get(table.table))
        for table in known.warehouse.tables
    ]


def serving(known: Known) -> list[Dataset]:
    """Return the tables of the serving database whose table of Spark is there."""
    of_spark = {dataset.name: dataset for dataset in tables(known)}
    return [
        _served(result, columns, of_spark[spark_table(result)])
        for result, columns in RESULTS.items()
        if spark_table(result) in of_spark
    ]


def api(known: Known) -> list[Dataset]:
    """Return what the API answers with."""
    return api_datasets(serving(known))


CONTRIBUTORS: tuple[Contributor, ...] = (sources, objects, tables, serving, api)


def all_datasets(known: Known) -> list[Dataset]:
    """Return what all of them contribute."""
    return [dataset for contribute in CONTRIBUTORS for dataset in contribute(known)]


def _table(table: TableDefinition, dependencies: list[str], doc: TableDoc | None) -> Dataset:
    documented = {} if doc is None else doc.columns
    columns = [
        _column(column, table, documented.get(column.name), partition=False)
        for column in table.columns
    ]
    columns += [
        _column(column, table, documented.get(column.name), partition=True)
        for column in table.partition_columns
    ]
    return Dataset(
        name=table.table,
        kind=_KINDS.get(table.kind, "table"),
        group=table.layer,
        description=(doc and doc.description) or table.description,
        owner=(doc and doc.owner) or DEFAULT_OWNER,
        tags=doc.tags if doc else (),
        file=f"sql/{table.file.name}",
        columns=tuple(columns),
        dependencies=tuple(sorted(dependencies)),
    )


def _served(result: str, columns: Mapping[str, str], source: Dataset) -> Dataset:
    of_spark = {column.name.lower(): column for column in source.columns}
    served = []
    for name, kind in columns.items():
        column = of_spark.get(name)
        if column is None:
            served.append(Column(name, kind, COMMENTS.get(name)))
        else:
            sources = ((source.name, column.name),)
            served.append(column._replace(name=name, type=kind, sources=sources))
    return Dataset(
        name=result,
        kind="serving",
        group="serving",
        description=f"{source.description}\nPublished to the serving database, a day at once.",
        owner=source.owner,
        tags=source.tags,
        columns=tuple(served),
        dependencies=(source.name,),
    )


def _column(
    column: TableColumn, table: TableDefinition, doc: ColumnDoc | None, *, partition: bool
) -> Column:
    return Column(
        name=column.name,
        type=column.type,
        comment=(doc and doc.comment) or column.comment,
        pii=bool(doc and doc.pii),
        tags=tuple(doc.tags) if doc else (),
        partition=partition,
        sources=tuple(table.column_lineage.get(column.name, ())),
    )
