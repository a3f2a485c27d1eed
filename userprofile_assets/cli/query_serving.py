"""`userprofile query --on serving`: one statement that reads the serving database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console

from userprofile_assets.cli.arguments import check_statement
from userprofile_assets.cli.print_rows import print_rows
from userprofile_assets.serving.ad_hoc import ad_hoc_query

if TYPE_CHECKING:
    from userprofile_assets.settings import Settings

SECONDS = 30.0
ROWS = 1_000_000


def run_serving_query(
    settings: Settings,
    sql: str,
    *,
    output: str,
    limit: int,
    seconds: float | None = None,
    rows: int | None = None,
) -> int:
    """Run a statement, print its rows, and return the exit code: 1 if not all were read.

    Args:
        settings: The settings.
        sql: One statement.
        output: `table`, `csv` or `json`.
        limit: Most rows of `table`.
        seconds: After which it is cancelled.
        rows: Most rows that are read.

    Raises:
        QueryRefusedError: The statement is no UTF-8.
        UserProfileError: See `ad_hoc_query`.
    """
    check_statement(sql)
    most = rows or ROWS
    url = settings.serving_url
    with ad_hoc_query(
        url.get_secret_value() if url else None,
        settings.home,
        sql,
        seconds=seconds or SECONDS,
        rows=most,
        tls=settings.serving_tls,
        ca=str(settings.serving_ca) if settings.serving_ca else None,
    ) as found:
        print_rows(output, found.names, found, limit=limit)
        if found.cut:
            Console(stderr=True).print(
                f"The result was cut after {most:,} rows; --rows raises that.",
                style="yellow",
                highlight=False,
            )
        return 1 if found.cut else 0
