"""`userprofile query`: one statement on Spark."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from rich.console import Console
from rich.status import Status

from userprofile_assets.cli.arguments import check_statement
from userprofile_assets.cli.print_rows import print_rows
from userprofile_assets.cli.spark import background_engine, command_executor
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
        QueryRefusedError: The statement is no UTF-8.
        SparkError: Spark refused the statement.
        SparkTimeoutError: It took longer than USERPROFILE_SPARK_STATEMENT_SECONDS, the taking of
            its rows included.
        SparkUnavailableError: Spark does not answer.
    """
    check_statement(sql)
    with background_engine(settings, "query") as background, ExitStack() as stack:
        with Status("Starting Spark", console=Console(stderr=True)) as status:
            executor = command_executor(settings, background)
            status.update("Running the statement")
            # Tried once: it may be an INSERT, which must not run twice.
            running = executor.stream(sql, where="the statement", attempts=1)
            try:
                names, rows = stack.enter_context(running)
            except SparkError as error:
                raise SparkError(
                    error.what,
                    where="the statement",
                    remedy=error.remedy
                    or "`SHOW TABLES` and `DESCRIBE TABLE name` tell what is there",
                ) from error
        print_rows(output, names, rows, limit=limit)
