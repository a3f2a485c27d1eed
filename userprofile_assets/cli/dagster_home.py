"""Where Dagster keeps its history, prepared with the project's dagster.yaml.

`python -m userprofile_assets.cli.dagster_home` prepares it and prints its path; `make ui` uses
that, so that the UI opens the history that `userprofile demo` wrote.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

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
    return home


if __name__ == "__main__":
    sys.stdout.write(f"{prepare_dagster_home(Settings.load())}\n")
