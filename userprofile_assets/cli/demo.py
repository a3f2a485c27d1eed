"""`userprofile demo`: some days through real Dagster on real Spark, told step by step."""

from __future__ import annotations

import os
import shutil
import sys
import time
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from userprofile_assets.bizdate import (
    parse_day,
    to_bizdate,
    to_partition_key,
    yesterday,
)
from userprofile_assets.cli.arguments import read_day
from userprofile_assets.cli.print_rows import print_table
from userprofile_assets.cli.spark import background_engine, uses_local_spark
from userprofile_assets.demo.sources import ensure_log, ensure_users
from userprofile_assets.errors import SettingsError, UserProfileError
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


def run_demo(
    settings: Settings, *, day: str | None, days: int, serve: bool, make_archive: bool
) -> int:
    """Make some days, print what was done and where to look at it, and return the exit code.

    Args:
        settings: The settings.
        day: The last business date; yesterday if None.
        days: How many, the last one included.
        serve: Whether to start API, dashboard and Dagster UI in the background.
        make_archive: Whether to make the class archive where it is missing.
    """
    # Before anything here changes it: what runs in the background gets it as it was.
    environment = dict(os.environ)
    console = Console()
    started = time.monotonic()
    keys = demo_keys(console, settings, day=day, days=days)
    what = keys[0] if len(keys) == 1 else f"{len(keys)} days, {keys[0]} to {keys[-1]}"
    title = f"[bold]User profile analysis, {what}[/bold]"
    console.print(f"{title} (in {settings.home})", highlight=False)
    find_java()
    _make_sources(console, settings, keys)
    if make_archive and uses_local_spark(settings):
        _make_archive(console, settings)
    if not _make_days(console, settings, keys):
        return 1
    services = None
    if serve:
        with _step(console, "Starting API, dashboard and Dagster UI"):
            from userprofile_assets.cli.demo_serving import print_addresses, start_services

            services = start_services(console, settings, environment)
    console.print(f"\n{time.monotonic() - started:.1f} s in all.", highlight=False)
    if services is not None:
        print_addresses(console, settings, services)
    _print_more(console, served=services is not None)
    return 0


def demo_keys(console: Console, settings: Settings, *, day: str | None, days: int) -> list[str]:
    """Return the partition keys of the days, in order.

    Raises:
        SettingsError: The last day is before START_DATE, or is not over yet.
    """
    last = read_day(day, closed_in=settings.timezone) if day else yesterday(settings.timezone)
    _check_not_before_start(to_partition_key(last), settings)
    keys = [to_partition_key(last - timedelta(days=ago)) for ago in reversed(range(days))]
    kept = [key for key in keys if key >= settings.start_date]
    if len(kept) < len(keys):
        console.print(
            f"Days before {settings.start_date} (USERPROFILE_START_DATE) are left out.",
            highlight=False,
        )
    return kept


def _make_days(console: Console, settings: Settings, keys: Sequence[str]) -> bool:
    """Make what is missing, show what there is, and return whether all of it is good."""
    with background_engine(settings, "demo") as background:
        with _step(console, "Loading Dagster and the assets"):
            from userprofile_assets.cli.demo_days import plan_runs
            from userprofile_assets.cli.demo_run import DemoRun

            run = DemoRun(settings, keys)
        with _step(console, "Starting Spark"):
            engine = background.get(console.print)
        runs = plan_runs(run.days.missing(engine))
        if not runs:
            which = "this day" if len(keys) == 1 else "these days"
            console.print(f"Everything of {which} is good already; nothing to do.")
        succeeded = True
        for planned in runs:
            text = "Materializing" if len(runs) == 1 else f"Materializing {_span(planned.keys)}"
            with _step(console, text) as show:
                succeeded &= run.materialize(planned, show)
        _print_assets(console, run.rows())
        if not succeeded:
            for failure in run.failures():
                console.print(failure, style="red", markup=False, highlight=False)
            console.print("The run failed. `userprofile doctor` tests the parts one by one.")
            return False
        _look(console, engine, to_bizdate(keys[-1]))
    return True


def _span(keys: Sequence[str]) -> str:
    return keys[0] if len(keys) == 1 else f"{keys[0]} to {keys[-1]}"


def _print_more(console: Console, *, served: bool) -> None:
    command = _own_command()
    console.print("How to go on:")
    if not served:
        console.print("  make ui: API, dashboard and Dagster UI on these days")
    for line in (
        f'{command} query "SELECT ...": any statement on these tables',
        f"{command} doctor: every setting and connection",
    ):
        console.print(f"  {line}", highlight=False, soft_wrap=True)


def _own_command() -> str:
    """Return how this command can be called from here: by name, or by path if not on PATH."""
    program = Path(sys.argv[0])
    if shutil.which(program.name):
        return program.name
    return os.path.relpath(program)


def _check_not_before_start(key: str, settings: Settings) -> None:
    """Refuse a day that is no partition; Dagster would, after Spark has started."""
    if key < settings.start_date:
        raise SettingsError(
            f"{key} is before the first day, {settings.start_date}",
            where="--dt",
            remedy="choose a later day, or set USERPROFILE_START_DATE",
        )


def _make_sources(console: Console, settings: Settings, keys: Sequence[str]) -> None:
    """Make the embedded sources of the days, where they are the ones in use."""
    if settings.log_url is None:
        with _step(console, f"Log of {_span(keys)}"):
            for key in keys:
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
