"""Where Dagster keeps its history, prepared with the project's dagster.yaml.

`python -m userprofile_assets.cli.dagster_home` prepares it and prints its path; `make ui` uses
that, so that the UI opens the history that `userprofile demo` wrote.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from userprofile_assets.cli.exit_codes import exit_on_error
from userprofile_assets.errors import StorageError
from userprofile_assets.locks import exclusive_lock
from userprofile_assets.project_files import dagster_yaml
from userprofile_assets.settings import Settings

# Only in the copy: it is of use beside `userprofile up`, and makes no difference elsewhere.
_LAUNCHER = """
run_launcher:
  module: userprofile_assets.run_launcher
  class: ForkingRunLauncher
"""
_ONE_RUN, _TWO_RUNS = "default_limit: 1", "default_limit: 2"


def prepare_dagster_home(settings: Settings) -> Path:
    """Return the Dagster home: DAGSTER_HOME if set, else `dagster` under HOME.

    The one under HOME gets the project's dagster.yaml each time; the user's own is left alone. With
    a Spark server two runs of a pool go on at a time, since both can have a session there; without
    one the second would only wait for the embedded metastore. It also names the launcher of
    `userprofile up`.

    Raises:
        StorageError: It cannot be made or written to.
    """
    if os.environ.get("DAGSTER_HOME"):
        return Path(os.environ["DAGSTER_HOME"])
    home = settings.home / "dagster"
    text = dagster_yaml().read_text(encoding="utf-8")
    if settings.spark_remote is not None:
        text = text.replace(_ONE_RUN, _TWO_RUNS)
    try:
        home.mkdir(parents=True, exist_ok=True)
        (home / "dagster.yaml").write_text(text + _LAUNCHER, encoding="utf-8")
    except OSError as error:
        raise StorageError(
            f"Dagster's history cannot be prepared there ({error.strerror})",
            where=str(home),
            remedy="make USERPROFILE_HOME a directory that this user may write to",
        ) from error
    os.environ["DAGSTER_HOME"] = str(home)
    _make_history(settings, home)
    return home


def _make_history(settings: Settings, home: Path) -> None:
    """Make Dagster's databases, one process at a time.

    Two processes that open a new home at once can both write a version into `alembic_version`,
    after which no run starts (seen with Dagster 1.13.27 in one of four tries).
    """
    # Written when they are whole, and not seen by looking for them: they exist before that.
    done = home / "history.made"
    if done.is_file():
        return
    import dagster as dg

    lock = settings.home / "locks" / "dagster_home.lock"
    with (
        exclusive_lock(lock, purpose="make Dagster's history", timeout=60),
        dg.DagsterInstance.get() as instance,
    ):
        instance.get_runs_count()
        done.touch()


def main() -> None:
    """Prepare it and print its path."""
    with exit_on_error():
        sys.stdout.write(f"{prepare_dagster_home(Settings.load())}\n")


if __name__ == "__main__":
    main()
