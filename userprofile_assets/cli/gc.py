"""`userprofile gc`: remove what no day shows any more.

Belongs here: the command, what it prints. Does not belong here: what may be removed
(`gc_table.py`).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from rich.console import Console

from userprofile_assets.build import build_resources
from userprofile_assets.catalog.sql_tables import load_warehouse
from userprofile_assets.cli.gc_table import Collected, Keeping, TableCollector
from userprofile_assets.cli.spark import background_engine, command_executor

if TYPE_CHECKING:
    from userprofile_assets.resources.oss import OssResource
    from userprofile_assets.settings import Settings

_UNITS = ("B", "kB", "MB", "GB", "TB")


def run_gc(
    settings: Settings,
    *,
    keep: int | None,
    older_than: float,
    unshown: bool = False,
    dry_run: bool,
) -> None:
    """Remove run directories that nothing needs, table by table, and say which.

    Args:
        settings: The settings.
        keep: Directories that each day keeps, the one it shows included; None: KEEP_RUNS.
        older_than: Hours in which nothing may have been written to a day that is looked at.
        unshown: Remove the days too that have rows but no partition in the catalogue.
        dry_run: Say it only.

    Raises:
        SparkError: Spark refused.
        StorageError: The storage refused.
    """
    console = Console()
    oss: OssResource = build_resources(settings)["oss"].process_config_and_initialize()
    store = oss.store()
    keeping = Keeping(
        runs=settings.keep_runs if keep is None else keep,
        untouched_since=datetime.now(UTC) - timedelta(hours=older_than),
        unshown=not unshown,
    )
    tables = [t for t in load_warehouse(settings).tables if t.kind in {"filled", "lookup"}]
    removed = 0
    with background_engine(settings, "gc") as background:
        executor = command_executor(settings, background)
        for table in tables:
            collector = TableCollector(
                executor, store, table, spark_uri=settings.effective_spark_uri, keeping=keeping
            )
            collected = collector.collect(dry_run=dry_run)
            removed += collected.bytes
            for line in report(collected, dry_run=dry_run):
                console.print(line, markup=False, highlight=False, soft_wrap=True)
    done = "would be removed" if dry_run else "removed"
    console.print(f"{size_text(removed)} {done} in all", highlight=False)


def report(collected: Collected, *, dry_run: bool) -> list[str]:
    """Return the lines to print about one table."""
    would = "would remove" if dry_run else "removed"
    lines = [
        f"{collected.table}: {would} {item.path} ({item.reason}; {item.objects} objects, "
        f"{size_text(item.bytes)})"
        for item in collected.removed
    ]
    drop = "would drop" if dry_run else "dropped"
    lines += [f"{collected.table}: {drop} table {name}" for name in collected.dropped]
    lines += [f"{collected.table}: {sentence}" for sentence in collected.told]
    if collected.unshown:
        lines.append(f"{collected.table}: {_kept_text(collected.unshown)}")
    return lines or [f"{collected.table}: nothing to remove"]


def _kept_text(days: list[str]) -> str:
    """Say which days are kept though nothing shows them; `days` is sorted."""
    if len(days) == 1:
        which, them = f"1 day has rows but no partition in this catalogue ({days[0]})", "it"
    else:
        which = (
            f"{len(days)} days have rows but no partition in this catalogue "
            f"({days[0]} to {days[-1]})"
        )
        them = "them"
    return (
        f"{which}, so left alone; materialize {them} again, or `userprofile gc --unshown` "
        f"removes {them}"
    )


def size_text(size: int) -> str:
    """Write a number of bytes for people."""
    amount = float(size)
    for unit in _UNITS:
        if amount < 1000 or unit == _UNITS[-1]:
            break
        amount /= 1000
    return f"{size} B" if unit == "B" else f"{amount:.1f} {unit}"
