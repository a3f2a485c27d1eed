"""Where Dagster keeps its history, prepared with the project's dagster.yaml.

`python -m userprofile_assets.cli.dagster_home` prepares it and prints its path; `make ui` uses
that, so that the UI opens the history that `userprofile demo` wrote.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from userprofile_assets.locks import exclusive_lock
from userprofile_assets.project_files import dagster_yaml
from userprofile_assets.settings import Settings


def prepare_dagster_home(settings: Settings) -> Path:
    """Return the Dagster home: DAGSTER_HOME if set, else `dagster` under HOME.

    The one under HOME gets the project's dagster.yaml each time; the user's own is left alone.
    """
    if os.environ.get("DAGSTER_HOME"):
        return Path(os.environ["DAGSTER_HOME"])
    home = settings.home / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(dagster_yaml(), home / "dagster.yaml")
    os.environ["DAGSTER_HOME"] = str(home)
    _make_history(settings, home)
    return home


def _make_history(settings: Settings, home: Path) -> None:
    """Make Dagster's databases, one process at a time.

    Two processes that open a new home at once can both write a version into `alembic_version`,
    after which no run starts (seen with Dagster 1.13.27 in one of four tries).
    """
    if (home / "history" / "runs.db").is_file():
        return
    import dagster as dg

    lock = settings.home / "locks" / "dagster_home.lock"
    with (
        exclusive_lock(lock, purpose="make Dagster's history", timeout=60),
        dg.DagsterInstance.get() as instance,
    ):
        instance.get_runs_count()


if __name__ == "__main__":
    sys.stdout.write(f"{prepare_dagster_home(Settings.load())}\n")
