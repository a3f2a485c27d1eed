"""Give each side of a measurement a project of its own: home, settings, sources, history.

Belongs here: the temporary directory and the environment of child processes. Nothing is written to
the checkout, and no setting or history of whoever measures is used.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import Measured, run
from benchmarks.rounds import tell
from userprofile_assets.demo.sources import ensure_log, ensure_users
from userprofile_assets.settings import PREFIX
from userprofile_assets.warehouse.class_archive import archive_path, make_archive
from userprofile_assets.warehouse.java import find_java

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FIRST_DAY = date(2024, 8, 1)
TIMEZONE = "Asia/Shanghai"
LINES = 20_000
USERS = 5_000
SEED = 1

_CHECKOUT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Setup:
    """What a measurement is given.

    Args:
        root: Temporary directory of this measurement.
        archives: Where the class archive is kept, for all measurements of a call.
        quick: Whether to use small sizes, only to see that the measurement works.
        asked_rounds: Rounds that were asked for on the command line.
        single: Whether `range` also makes its days by runs of their own.
        rows: Rows of the table that `export` reads; None is the usual number.
        mebibytes: Size of the log that `download` copies; None is the usual one.
    """

    root: Path
    archives: Path
    quick: bool
    asked_rounds: int | None
    single: bool = False
    rows: int | None = None
    mebibytes: int | None = None

    def rounds(self, usual: int = 3) -> int:
        """Return how many rounds to run: what was asked for, else 1 if quick, else `usual`."""
        return self.asked_rounds or (1 if self.quick else usual)

    def link_archive(self, project: Project) -> None:
        """Put the class archive into a project's home; it is made on the first call."""
        java = find_java()
        made = archive_path(self.archives, java)
        if not made.is_file():
            tell("making the class archive")
            make_archive(self.archives, java)
        target = archive_path(project.home, java)
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            os.link(made, target)


@dataclass
class Project:
    """A home with embedded sources, and the environment in which its commands run.

    Args:
        directory: The project's working directory; its home is inside.
        settings: `USERPROFILE_*` variables without the prefix.
    """

    directory: Path
    settings: dict[str, str] = field(default_factory=dict)
    # Counts the runs, also those of several threads.
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True)
        self.env = clean_environment()
        own = {
            "HOME": str(self.home),
            "START_DATE": FIRST_DAY.isoformat(),
            "TIMEZONE": TIMEZONE,
            "DEMO_LINES": str(LINES),
            "DEMO_USERS": str(USERS),
            "DEMO_SEED": str(SEED),
        }
        for name, value in (own | self.settings).items():
            self.env[PREFIX + name] = value
        # It prints the directory that it has given the project's dagster.yaml.
        made = self.python("-m", "userprofile_assets.cli.dagster_home")
        self.env["DAGSTER_HOME"] = made.stdout.strip()

    @property
    def home(self) -> Path:
        """USERPROFILE_HOME."""
        return self.directory / "home"

    @property
    def storage(self) -> Path:
        """The local object storage."""
        return self.home / "storage"

    def python(self, *arguments: str | Path) -> Measured:
        """Run this Python with some arguments in the project.

        Raises:
            MeasurementError: It failed.
        """
        return run(
            [sys.executable, *arguments],
            env=self.env,
            cwd=self.directory,
            log=self.directory / "output" / f"{next(self._numbers):03d}",
        )

    def materialize(self, select: str, *partition: str) -> Measured:
        """Materialize assets by Dagster's own command.

        Args:
            select: The assets, such as `*`.
            partition: The option and its value, such as `--partition`, `2024-08-01`.

        Raises:
            MeasurementError: The run failed.
        """
        return self.python(*materialize_arguments(select, *partition))

    def make_sources(self, days: Iterable[date], *, lines: int = LINES) -> None:
        """Make the embedded sources of some days, so that making them is not measured."""
        for day in days:
            ensure_log(self.home, day, lines=lines, users=USERS, seed=SEED, timezone=TIMEZONE)
        ensure_users(self.home, users=USERS, seed=SEED)


def materialize_arguments(select: str, *partition: str) -> list[str]:
    """Return what stands behind `python` to materialize assets by Dagster's own command."""
    return [
        *("-m", "dagster", "asset", "materialize", "-m", "userprofile_assets.definitions"),
        *("--select", select, *partition),
    ]


def day_of(number: int) -> date:
    """Return a day by its number; 0 is the first partition."""
    return FIRST_DAY + timedelta(days=number)


def clean_environment() -> dict[str, str]:
    """Return the environment without settings, history or Spark options of whoever measures."""
    dropped = (PREFIX, "DAGSTER_", "SPARK_", "PYSPARK_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    # Measures the checkout that these benchmarks are in, whatever is installed.
    env["PYTHONPATH"] = str(_CHECKOUT)
    return env
