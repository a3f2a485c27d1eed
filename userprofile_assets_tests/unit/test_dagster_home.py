"""Where Dagster's history is to be, when it cannot be there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from userprofile_assets.cli.dagster_home import prepare_dagster_home
from userprofile_assets.errors import StorageError
from userprofile_assets.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
REMEDY = "What to do: make USERPROFILE_HOME a directory that this user may write to"


@pytest.fixture
def no_directory(tmp_path):
    file = tmp_path / "file"
    file.write_text("no directory")
    return file


def command(**environment):
    return subprocess.run(
        [sys.executable, "-m", "userprofile_assets.cli.dagster_home"],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_home_that_cannot_be_made_is_named_with_its_setting(no_directory):
    with pytest.raises(StorageError) as raised:
        prepare_dagster_home(Settings(home=no_directory / "home"))
    assert str(raised.value) == (
        f"{no_directory}/home/dagster: Dagster's history cannot be prepared there "
        f"(Not a directory)\n{REMEDY}"
    )
    assert "DAGSTER_HOME" not in os.environ


def test_a_file_that_cannot_be_written_is_told_in_the_same_way(tmp_path):
    (tmp_path / "dagster" / "dagster.yaml").mkdir(parents=True)
    with pytest.raises(StorageError, match=r"\(Is a directory\)"):
        prepare_dagster_home(Settings(home=tmp_path))


def test_the_command_ends_without_a_traceback(no_directory):
    done = command(USERPROFILE_HOME=str(no_directory / "home"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ")
    assert REMEDY in done.stderr.replace("\n", " ").replace("  ", " ")
    assert "Traceback" not in done.stderr


def test_a_wrong_setting_ends_the_command_with_2():
    done = command(USERPROFILE_HOMES="x")
    assert (done.returncode, done.stdout) == (2, "")
    assert "the nearest one is USERPROFILE_HOME" in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr
