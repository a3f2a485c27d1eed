from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from userprofile_assets_tests.support.missing import missing_part

CHECKOUT = Path(__file__).resolve().parents[2]
LEFT_OUT = (".git", ".venv", ".userprofile", ".ruff_cache", ".mypy_cache", "__pycache__", "build",
            "dist", "*.egg-info")  # fmt: skip
ASSETS = {
    "user_log_httpfile",
    "ods_user_info_d_mysql",
    "raw_log_oss",
    "user_info_oss",
    "ods_raw_log_d_spark",
    "ods_user_info_d_spark",
}
PROGRAM = """
import json
import userprofile_assets
from userprofile_assets.definitions import defs
from userprofile_assets.project_files import dagster_yaml, sql_directory
keys = [key.to_user_string() for key in defs.resolve_all_asset_keys()]
print(json.dumps([userprofile_assets.__file__, str(sql_directory()), str(dagster_yaml()), keys]))
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of the checkout, since building leaves directories behind."""
    try:
        major = int(version("setuptools").partition(".")[0])
    except PackageNotFoundError:
        major = 0
    if major < 77:
        missing_part("setuptools 77 or newer", "pip install -U setuptools")
    copy = tmp_path_factory.mktemp("tree") / "checkout"
    shutil.copytree(CHECKOUT, copy, ignore=shutil.ignore_patterns(*LEFT_OUT))
    return copy


@pytest.fixture(scope="module")
def wheel(tree):
    # What an earlier build left, of a table whose file is gone since.
    stale = tree / "build/lib/userprofile_assets/_project/sql/ods/gone.sql"
    stale.parent.mkdir(parents=True)
    stale.touch()
    return build(tree, "--wheel", outdir=tree.parent / "wheel")


def build(tree, *options, outdir):
    """Build without the network and return the wheel."""
    run("-m", "build", "--no-isolation", "--outdir", outdir, *options, tree, cwd=tree)
    (built,) = outdir.glob("*.whl")
    return built


def run(*arguments, cwd, **variables):
    keep = {
        name: value for name, value in os.environ.items() if not name.startswith("USERPROFILE_")
    }
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd, env=keep | variables, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def names(built):
    with zipfile.ZipFile(built) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def test_an_installed_wheel_loads_its_definitions_from_its_own_sql(wheel, tmp_path):
    site = tmp_path / "site"
    run("-m", "pip", "install", "--quiet", "--no-deps", "--target", site, wheel, cwd=tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    path = os.pathsep.join(p for p in (str(site), os.environ.get("PYTHONPATH", "")) if p)
    shown = run("-c", PROGRAM, cwd=elsewhere, PYTHONPATH=path)
    module, sql, settings, keys = json.loads(shown.splitlines()[-1])
    package = site / "userprofile_assets"
    assert Path(module) == package / "__init__.py"
    assert Path(sql) == package / "_project/sql"
    assert Path(settings) == package / "_project/dagster.yaml"
    assert set(keys) >= ASSETS


def test_the_wheel_has_the_files_of_the_checkout_and_none_that_are_gone(wheel):
    packed = {name for name in names(wheel) if "/_project/" in name}
    wanted = {f"userprofile_assets/_project/{p}" for p in ("dagster.yaml", *sql_files())}
    assert packed == wanted


def test_a_wheel_from_the_sdist_is_the_same(tree, wheel):
    outdir = tree.parent / "from_sdist"
    built = build(tree, outdir=outdir)
    assert names(built) == names(wheel)
    (archive,) = outdir.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        inside = {name.partition("/")[2] for name in packed.getnames()}
    assert {"setup.py", "dagster.yaml", *sql_files()} <= inside


def test_a_checkout_uses_the_files_at_its_top():
    program = "from userprofile_assets.project_files import sql_directory as d; print(d())"
    assert run("-c", program, cwd=CHECKOUT).strip() == str(CHECKOUT / "sql")


def sql_files():
    files = [*CHECKOUT.glob("sql/**/*.sql"), *CHECKOUT.glob("sql/**/*.yml")]
    return {path.relative_to(CHECKOUT).as_posix() for path in files}
