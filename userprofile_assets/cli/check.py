"""`userprofile check`: try the quality rules on a day without a run.

Belongs here: the command. Does not belong here: how results are printed (`check_output.py`), rules
(`quality/`).
"""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from rich.console import Console
from rich.status import Status

from userprofile_assets.bizdate import to_bizdate, to_partition_key
from userprofile_assets.build import build_resources
from userprofile_assets.catalog.ingest_specs import ingest_specs
from userprofile_assets.catalog.sql_tables import load_warehouse
from userprofile_assets.catalog.table_docs import read_docs
from userprofile_assets.cli.arguments import read_day
from userprofile_assets.cli.check_output import print_json, print_results
from userprofile_assets.cli.spark import background_engine, command_executor, tell
from userprofile_assets.errors import (
    NotInCatalogError,
    SparkError,
)
from userprofile_assets.project_files import sql_directory
from userprofile_assets.quality.facts import facts_of_days
from userprofile_assets.quality.history import NoHistory, RecordsHistory
from userprofile_assets.quality.run import check_days
from userprofile_assets.quality.yaml_nodes import nearest
from userprofile_assets.records.database import default_path, open_records
from userprofile_assets.records.last_results import CHECK_RUN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from userprofile_assets.quality.facts import DayFacts
    from userprofile_assets.quality.rule import RuleResult
    from userprofile_assets.quality.table_file import TableDoc
    from userprofile_assets.resources.oss import OssResource
    from userprofile_assets.settings import Settings
    from userprofile_assets.warehouse.graph import Warehouse
    from userprofile_assets.warehouse.table_model import TableDefinition


def run_check(
    settings: Settings, tables: Sequence[str], *, day: str, output: str, keep: bool
) -> int:
    """Check a day of some tables and print what the rules say.

    Args:
        settings: The settings.
        tables: The tables; none: all that have rules.
        day: The business date.
        output: `table` or `json`.
        keep: Whether the results go into the history, as a run's do.

    Returns:
        The exit code: 1 if a strong rule refuses the day.

    Raises:
        SettingsError: The day cannot be read.
        NotInCatalogError: There is no such table.
        QualityFileError: A file of rules cannot be used.
        SparkError: A table was never made, or Spark does not start.
    """
    bizdate = to_bizdate(read_day(day))
    warehouse = load_warehouse(settings)
    docs = read_docs(sql_directory(), warehouse, settings.logic)
    wanted = _wanted(tables, docs)
    with _history(settings, keep=keep) as history:
        results = _check(settings, warehouse, [docs[table] for table in wanted], bizdate, history)
        if keep and isinstance(history, RecordsHistory):
            history.save(results, f"{CHECK_RUN}{uuid.uuid4().hex[:12]}")
    if output == "json":
        print_json(results)
    else:
        print_results(Console(), results, to_partition_key(bizdate))
    return int(any(result.blocks for result in results))


def _wanted(tables: Sequence[str], docs: dict[str, TableDoc]) -> list[str]:
    for table in tables:
        if table not in docs:
            raise NotInCatalogError(
                f"there is no table {table!r}{nearest(table, docs)}",
                where="check",
                remedy="`userprofile catalog` lists the tables",
            )
        if not docs[table].rules:
            tell(f"{table} has no rules")
    chosen = tables or list(docs)
    # In the order of the graph, each once.
    return [table for table, doc in docs.items() if table in chosen and doc.rules]


def _check(
    settings: Settings,
    warehouse: Warehouse,
    docs: Sequence[TableDoc],
    bizdate: str,
    history: NoHistory | RecordsHistory,
) -> list[RuleResult]:
    if not docs:
        return []
    results: list[RuleResult] = []
    with (
        background_engine(settings, "check") as background,
        Status("Starting Spark", console=Console(stderr=True)) as status,
    ):
        executor = command_executor(settings, background)
        for doc in docs:
            status.update(f"Checking {doc.table}")
            if not executor.engine.table_exists(doc.table):
                raise SparkError(
                    "the table is not there yet",
                    where=doc.table,
                    remedy="materialize it in Dagster, or run `userprofile demo`",
                )
            results += check_days(
                doc,
                [bizdate],
                query=partial(executor.run, where=doc.table),
                history=history,
                facts=_facts(settings, warehouse, warehouse.table(doc.table), bizdate),
            )
    return results


def _facts(
    settings: Settings, warehouse: Warehouse, table: TableDefinition, bizdate: str
) -> dict[str, DayFacts]:
    if table.kind != "external":
        return {}
    (producer,) = warehouse.dependencies(table.table)
    oss: OssResource = build_resources(settings)["oss"].process_config_and_initialize()
    publisher = oss.publisher(lambda _: None)
    return facts_of_days(publisher, ingest_specs(settings)[producer].key_of, [bizdate])


@contextmanager
def _history(settings: Settings, *, keep: bool) -> Iterator[NoHistory | RecordsHistory]:
    """Give the history; without --keep nothing is made only to be read."""
    url = settings.serving_url.get_secret_value() if settings.serving_url else None
    if not keep and not url and not default_path(settings.home).exists():
        yield NoHistory()
        return
    tls = settings.serving_tls
    ca = str(settings.serving_ca) if settings.serving_ca else None
    with open_records(url, settings.home, tls=tls, ca=ca) as records:
        yield RecordsHistory(records, tell)
