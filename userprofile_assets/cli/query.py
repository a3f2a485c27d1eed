"""`userprofile query`: one statement on Spark."""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING

from rich.console import Console
from rich.status import Status

from userprofile_assets.cli.print_rows import print_rows
from userprofile_assets.cli.spark import background_engine, tell
from userprofile_assets.errors import SparkError

if TYPE_CHECKING:
    from userprofile_assets.settings import Settings


def run_query(settings: Settings, sql: str, *, output: str, limit: int) -> None:
    """Run a statement and print its rows.

    Args:
        settings: The settings.
        sql: One statement.
        output: `table`, `csv` or `json`.
        limit: Most rows of `table`.

    Raises:
        SparkError: Spark refused the statement.
    """
    with background_engine(settings, "query") as background:
        with Status("Starting Spark", console=Console(stderr=True)) as status:
            engine = background.get(tell)
            status.update("Running the statement")
            try:
                names, rows = engine.stream(sql)
                head = list(islice(rows, 1))
            except SparkError as error:
                raise SparkError(
                    error.what,
                    where="the statement",
                    remedy=error.remedy
                    or "`SHOW TABLES` and `DESCRIBE TABLE name` tell what is there",
                ) from error
        print_rows(output, names, chain(head, rows), limit=limit)
