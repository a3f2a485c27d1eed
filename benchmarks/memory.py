"""`memory`: peak memory of copying a large log and a large table, above that of tiny ones.

Only the ingest assets are selected, so there is no Spark. The tiny side imports and does the same
on a source of a few lines; what the large side needs above it is what the size costs.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.measure import MeasurementError
from benchmarks.project import FIRST_DAY, SEED, TIMEZONE, USERS, Project, Setup, clean_environment
from benchmarks.report import MEGABYTE, Report, figures, megabytes, verdict
from benchmarks.rounds import Series, alternate, tell
from userprofile_assets.demo.sources import ensure_users, write_log

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.measure import Measured

_GOAL_MEGABYTES = 300
_MEBIBYTE = 1024**2
_SAMPLE_LINES = 20_000
_TINY_ROWS = 100


def measure(setup: Setup) -> Report:
    """Measure both assets."""
    wanted = (200 if setup.quick else 2048) * _MEBIBYTE
    rows = 1_000_000 if setup.quick else 20_000_000
    served = setup.root / "served"
    served.mkdir()
    tell("making the log")
    sample = _write_log(served / "tiny.txt", _SAMPLE_LINES)
    # 1 % more lines than the sample's bytes per line ask for.
    size = _write_log(served / "large.txt", _SAMPLE_LINES * wanted * 101 // (sample * 100))
    tell("making the table")
    _write_log(served / "tiny.txt", _TINY_ROWS)
    with _http_server(served) as url:
        projects = {
            name: Project(
                setup.root / name,
                {"LOG_URL": f"{url}/{name}.txt", "DEMO_USERS": str(users)},
            )
            for name, users in (("large", rows), ("tiny", _TINY_ROWS))
        }
        for project in projects.values():
            users = int(project.settings["DEMO_USERS"])
            ensure_users(project.home, users=users, seed=SEED)
        report = Report("Memory of the ingest assets")
        for asset, source in (
            ("raw_log_oss", f"{size / 1024**3:.2f} GiB over HTTP"),
            ("user_info_oss", f"{rows:,} rows from SQLite"),
        ):
            _measure_asset(setup, projects, report, asset, source)
    return report


def _measure_asset(
    setup: Setup, projects: dict[str, Project], report: Report, asset: str, source: str
) -> None:
    names = f"{asset}, {source}", f"{asset}, {_TINY_ROWS} rows"
    sides = [partial(_copy, projects[name], asset) for name in ("large", "tiny")]
    # Peak memory needs no warm-up.
    series = alternate(dict(zip(names, sides, strict=True)), rounds=setup.rounds(), warm_up=False)
    large, tiny = (series[name] for name in names)
    above = _above(large, tiny)
    report.add(
        figures(series),
        f"{asset} above the tiny source: **{megabytes(above)} MB**; "
        f"{verdict(above / MEGABYTE, _GOAL_MEGABYTES, ' MB')}.",
    )


def _above(large: Series, tiny: Series) -> float:
    return large.peak_bytes - tiny.peak_bytes


def _copy(project: Project, asset: str, _round: int) -> Measured:
    measured = project.materialize(asset, "--partition", FIRST_DAY.isoformat())
    # A second object of a day keeps the first one; 2 GiB a round would fill a small disk.
    shutil.rmtree(project.storage)
    return measured


def _write_log(path: Path, lines: int) -> int:
    return write_log(path, FIRST_DAY, lines=lines, users=USERS, seed=SEED, timezone=TIMEZONE)


@contextmanager
def _http_server(directory: Path) -> Iterator[str]:
    """Serve a directory from a process of its own; gives the URL."""
    server = subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", "--bind", "127.0.0.1", "0"],
        cwd=directory,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert server.stdout is not None  # noqa: S101 - PIPE above
        # It says: Serving HTTP on 127.0.0.1 port 40123 and so on.
        words = server.stdout.readline().split()
        if len(words) < 6:
            raise MeasurementError(f"the HTTP server did not start: {' '.join(words)}")
        yield f"http://127.0.0.1:{words[5]}"
    finally:
        server.terminate()
        server.communicate()
