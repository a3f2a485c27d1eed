"""`userprofile catalog ...`: the data map.

Belongs here: commands and their options. Does not belong here: what they print (`catalog_text.py`,
`catalog_json.py`).

Answers within a second: what is not needed is not imported, settings and SQLAlchemy included.
"""

from __future__ import annotations

import gc
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from userprofile_assets.catalog.model import Catalog
    from userprofile_assets.cli.plain_text import Look
    from userprofile_assets.settings import Settings

catalog_app = typer.Typer(
    invoke_without_command=True,
    help="The data map: sources, objects and tables, their columns, where each comes from.\n\n"
    "Without a command it lists all of them by layer. Neither Spark nor Dagster is started.",
)


class Format(StrEnum):
    """How an answer is printed."""

    TABLE = "table"
    JSON = "json"


class LineageFormat(StrEnum):
    """How lineage is printed."""

    TREE = "tree"
    JSON = "json"
    MERMAID = "mermaid"


Output = Annotated[Format, typer.Option("--format", help="`json` is described in docs/catalog.md.")]


@catalog_app.callback()
def catalog_list(context: typer.Context, output: Output = Format.TABLE) -> None:
    """List all datasets by layer, unless a command follows."""
    # Imports make objects that stay: looking for garbage among them is an eighth of the time.
    gc.set_threshold(100_000)
    if context.invoked_subcommand is not None:
        return
    from userprofile_assets.cli import catalog_json

    datasets = _open(_variables()).datasets
    if output is Format.JSON:
        catalog_json.write_list(catalog_json.summary(dataset) for dataset in datasets)
        return
    from userprofile_assets.cli.catalog_text import list_lines

    look = _look()
    _print(list_lines(datasets, look))


@catalog_app.command("search")
def catalog_search(
    words: Annotated[list[str], typer.Argument(help="Words that must all be found.")],
    output: Output = Format.TABLE,
    limit: Annotated[int, typer.Option(min=1, help="Most datasets that `table` shows.")] = 20,
) -> None:
    """Find datasets by names, columns, comments, descriptions, owners and tags.

    Every word must be found somewhere in a dataset; case does not matter, and a part of a word is
    enough. The best come first: names before columns, columns before comments.

    Example: `userprofile catalog search region page views`
    """
    from userprofile_assets.catalog.search import search
    from userprofile_assets.cli import catalog_json

    hits = search(_open(_variables()), words)
    if output is Format.JSON:
        catalog_json.write_list(catalog_json.hit(hit) for hit in hits)
        return
    from userprofile_assets.cli.catalog_text import hit_lines

    look = _look()
    _print(hit_lines(hits, limit, look))
    if not hits:
        _tell(f"nothing has {'all of these words' if len(words) > 1 else 'this word'}")
    elif len(hits) > limit:
        _tell(f"{limit} of {len(hits)} shown; see --limit and --format")


@catalog_app.command("show")
def catalog_show(
    table: Annotated[str, typer.Argument(help="Name of a table, an object or a source.")],
    output: Output = Format.TABLE,
    partitions: Annotated[
        int, typer.Option(min=0, metavar="N", help="Most days that are shown, the newest first.")
    ] = 7,
) -> None:
    """Show a dataset: columns, owner, what it is made from, its days and their quality.

    Rows, bytes, runs and the results of rules come from the database of the records
    (`USERPROFILE_SERVING_URL`); without it the rest is shown.

    Example: `userprofile catalog show ads_user_info_1d_spark`
    """
    from userprofile_assets.cli import catalog_json
    from userprofile_assets.cli.catalog_facts import facts_of

    variables = _variables()
    catalog = _open(variables)
    dataset = catalog.find(table)
    facts = facts_of(dataset, variables, days=partitions, log=_tell)
    if output is Format.JSON:
        catalog_json.write_object(catalog_json.details(catalog, dataset, facts))
        return
    from userprofile_assets.cli.catalog_text import dataset_lines

    _print(dataset_lines(catalog, dataset, facts, _look()))


@catalog_app.command("lineage")
def catalog_lineage(
    place: Annotated[
        str, typer.Argument(metavar="TABLE[.COLUMN]", help="A dataset, or one column of it.")
    ],
    *,
    up: Annotated[bool, typer.Option("--up", help="Only what it is made from.")] = False,
    down: Annotated[bool, typer.Option("--down", help="Only what is made from it.")] = False,
    depth: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Most steps; all if not given.")
    ] = None,
    output: Annotated[
        LineageFormat,
        typer.Option("--format", help="`mermaid` is a flowchart for Markdown."),
    ] = LineageFormat.TREE,
) -> None:
    """Show where a table or a column comes from, and what is made from it.

    Example: `userprofile catalog lineage ads_user_info_1d_spark.region --up`
    """
    from userprofile_assets.catalog.walk import walk

    catalog = _open(_variables())
    start = catalog.place(place)
    both = up == down
    walks = []
    if up or both:
        walks.append(walk(catalog, start, "up", depth=depth))
    if down or both:
        walks.append(walk(catalog, start, "down", depth=depth))
    if output is LineageFormat.JSON:
        from userprofile_assets.cli import catalog_json

        catalog_json.write_object(catalog_json.lineage(catalog, walks))
    elif output is LineageFormat.MERMAID:
        from userprofile_assets.catalog.mermaid import mermaid_lines

        _print(mermaid_lines(walks))
    else:
        from userprofile_assets.cli.catalog_text import lineage_lines

        _print(lineage_lines(walks, _look()))


@catalog_app.command("accept")
def catalog_accept(
    source: Annotated[str, typer.Argument(help="Name of a source.")],
) -> None:
    """Accept the columns that a source had when a run saw it last.

    A run whose source lacks a column, or has one of another type, is blocked until its columns are
    as they were, or are accepted.

    Example: `userprofile catalog accept ods_user_info_d_mysql`
    """
    from userprofile_assets.cli.catalog_accept import run_accept

    variables = _variables()
    _print([run_accept(_open(variables).find(source), variables)])


def _variables() -> dict[str, str]:
    from userprofile_assets.catalog.environment import set_variables

    return set_variables()


def _open(variables: Mapping[str, str]) -> Catalog:
    from userprofile_assets.catalog.open_catalog import open_catalog

    return open_catalog(variables, _load_settings, _tell)


def _load_settings() -> Settings:
    from userprofile_assets.settings import Settings

    return Settings.load()


def _look() -> Look:
    from rich.console import Console

    from userprofile_assets.cli.plain_text import Look

    return Look.of(Console())


def _print(lines: Iterable[str]) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)


def _tell(message: str) -> None:
    sys.stderr.write(f"{message}\n")
