"""`userprofile demo`: one day through real Dagster on real Spark, told step by step."""

from __future__ import annotations

import os
import shutil
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from userprofile_assets.bizdate import (
    check_closed,
    parse_day,
    to_bizdate,
    to_partition_key,
    yesterday,
)
from userprofile_assets.cli.query import print_table
from userprofile_assets.cli.spark import background_engine, uses_local_spark
from userprofile_assets.demo.sources import ensure_log, ensure_users
from userprofile_assets.errors import PermanentError, UserProfileError
from userprofile_assets.warehouse.class_archive import archive_path, make_archive
from userprofile_assets.warehouse.java import find_java

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from userprofile_assets.cli.demo_run import AssetRow
    from userprofile_assets.settings import Settings
    from userprofile_assets.warehouse.engine import Engine

# The tutorial checks its tables by looking at them: facts of the page "Synchronize data". The last
# one is what it is all for.
_LOOK = {
    "ods_raw_log_d_spark": "*",
    "ods_user_info_d_spark": "*",
    "ads_user_info_1d_spark": "uid, region, device, pv, gender, age_range, zodiac",
}


def run_demo(settings: Settings, *, day: str | None, make_archive: bool) -> int:
    """Materialize a day, print what was done, and return the exit code.

    Args:
        settings: The settings.
        day: The business date; yesterday if None.
        make_archive: Whether to make the class archive where it is missing.
    """
    console = Console()
    started = time.monotonic()
    date = parse_day(day) if day else yesterday(settings.timezone)
    check_closed(date, timezone=settings.timezone)
    key = to_partition_key(date)
    _check_not_before_start(key, settings)
    title = f"[bold]User profile analysis, {key}[/bold]"
    console.print(f"{title} (in {settings.home})", highlight=False)
    find_java()
    _make_sources(console, settings, key)
    if make_archive and uses_local_spark(settings):
        _make_archive(console, settings)
    with background_engine(settings, "demo") as background:
        with _step(console, "Loading Dagster and the assets"):
            from userprofile_assets.cli.demo_run import DemoRun

            run = DemoRun(settings, key)
        with _step(console, "Starting Spark"):
            engine = background.get(console.print)
        missing = run.missing(engine)
        if missing:
            with _step(console, "Materializing") as show:
                succeeded = run.materialize(missing, lambda name: show(f"Materializing {name}"))
        else:
            console.print("Everything of this day is good already; nothing to do.")
            succeeded = True
        _print_assets(console, run.rows())
        if not succeeded:
            for failure in run.failures():
                console.print(failure, style="red", markup=False, highlight=False)
            console.print("The run failed. `userprofile doctor` tests the parts one by one.")
            return 1
        _look(console, engine, to_bizdate(date))
    console.print(f"\n{time.monotonic() - started:.1f} s in all. How to go on:", highlight=False)
    command = _own_command()
    console.print("  make ui: the same history in the Dagster UI, with schedule and backfills")
    console.print(f'  {command} query "SELECT ...": any statement on these tables', highlight=False)
    console.print(f"  {command} doctor: every setting and connection", highlight=False)
    return 0


def _own_command() -> str:
    """Return how this command can be called from here: by name, or by path if not on PATH."""
    program = Path(sys.argv[0])
    if shutil.which(program.name):
        return program.name
    return os.path.relpath(program)


def _check_not_before_start(key: str, settings: Settings) -> None:
    """Refuse a day that is no partition; Dagster would, after Spark has started."""
    if key < settings.start_date:
        raise PermanentError(
            f"{key} is before the first day, {settings.start_date}",
            where="business date",
            remedy="choose a later day, or set USERPROFILE_START_DATE",
        )


def _make_sources(console: Console, settings: Settings, key: str) -> None:
    """Make the embedded sources of the day, where they are the ones in use."""
    if settings.log_url is None:
        with _step(console, f"Log of {key}"):
            ensure_log(
                settings.home,
                parse_day(key),
                lines=settings.demo_lines,
                users=settings.demo_users,
                seed=settings.demo_seed,
                timezone=settings.timezone,
            )
    if settings.mysql_url is None:
        with _step(console, "User table"):
            ensure_users(settings.home, users=settings.demo_users, seed=settings.demo_seed)


def _make_archive(console: Console, settings: Settings) -> None:
    """Make the class archive if it is missing; the demo works without it."""
    java = find_java()
    if archive_path(settings.home, java).is_file():
        return
    try:
        with _step(console, "Class archive, so that Spark starts faster (once, a minute or two)"):
            make_archive(settings.home, java)
    except UserProfileError as error:
        console.print(str(error), style="yellow", markup=False, highlight=False)


@contextmanager
def _step(console: Console, text: str) -> Iterator[Callable[[str], None]]:
    """Show a step while it runs, and its seconds when it is done."""
    started = time.monotonic()
    with console.status(text) as status:
        yield status.update
    console.print(f"  {text}: {time.monotonic() - started:.1f} s", highlight=False)


def _print_assets(console: Console, rows: Sequence[AssetRow]) -> None:
    table = Table(show_edge=False, pad_edge=False, title_justify="left")
    table.add_column("asset")
    table.add_column("state")
    for name in ("rows", "bytes", "seconds"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(
            row.asset,
            row.state,
            "" if row.rows is None else f"{row.rows:,}",
            "" if row.bytes is None else f"{row.bytes:,}",
            "" if row.seconds is None else f"{row.seconds:.1f}",
        )
    console.print()
    console.print(table)


def _look(console: Console, engine: Engine, bizdate: str) -> None:
    """Run the tutorial's two verification queries, and one on the profiles."""
    for table, columns in _LOOK.items():
        sql = f"SELECT {columns} FROM {table} WHERE dt = '{bizdate}' LIMIT 5"  # noqa: S608 - a name of ours and eight digits
        console.print(f"\n[bold]{sql}[/bold]", highlight=False)
        names, rows = engine.stream(sql)
        print_table(console, names, rows, limit=5)
