"""A scratch project and the processes that a user would start in it.

Belongs here: a directory with its own HOME, Dagster history and environment, child processes that
never outlive their test, waiting for a condition. Does not belong here: runs inside of the tests'
own process (`runs.py`).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import dagster as dg
import pytest

from userprofile_assets.ingestion.open_store import open_store
from userprofile_assets.ingestion.publish import Publisher
from userprofile_assets.locks import exclusive_lock
from userprofile_assets.settings import PREFIX
from userprofile_assets.warehouse import class_archive_training
from userprofile_assets.warehouse.class_archive import archive_path
from userprofile_assets.warehouse.java import find_java
from userprofile_assets_tests.support.cache import cache
from userprofile_assets_tests.support.missing import missing_part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from userprofile_assets.ingestion.manifest import Manifest

    Found = TypeVar("Found")

TRAINING = Path(class_archive_training.__file__)
CHECKOUT = Path(__file__).resolve().parents[2]
INGEST = ("raw_log_oss", "user_info_oss")
TABLES = ("ods_raw_log_d_spark", "ods_user_info_d_spark")
ASSETS = (*INGEST, *TABLES)
PROCESSED = (
    "dwd_log_line_spark",
    "dwd_log_value_di_spark",
    "dwd_log_quarantine_di_spark",
    "dim_user_agent_spark",
    "dim_ip_region_spark",
    "dwd_log_info_di_spark",
    "dws_user_info_all_di_spark",
    "ads_user_info_1d_spark",
    "ads_region_pv_1d_spark",
    "ads_city_registration_1d_spark",
    "ads_traffic_1d_spark",
)
SERVED = ("ads_user_info_1d", "ads_region_pv_1d", "ads_city_registration_1d", "ads_traffic_1d")
EVERY_ASSET = (*ASSETS, *PROCESSED, *SERVED)

DEMO_DAY = "2024-08-07"
FIRST = "group:ingest or group:ods"
"""Selects ASSETS: what most tests are about, in a third of the time of all."""
EVERYTHING = "*"

# Reached only by a process that hangs: two days of all tables take 75 s on two idle cores, and four
# times that where other tests keep them busy.
_SECONDS = 900.0
_LOOK_SECONDS = 0.05
_ARCHIVE_SECONDS = 900.0
_KEPT_ARCHIVES = 3

# What the user who runs the tests has set for Dagster, Spark or Python belongs to other projects.
_NOT_INHERITED = ("DAGSTER_HOME", "SPARK_HOME", "SPARK_CONF_DIR", "SPARK_REMOTE", "PYSPARK_PYTHON")
# They run side by side, and two that make the databases of a new home at once can both write a
# version into `alembic_version` (Dagster 1.13.27), after which the project cannot be loaded.
_SERVERS = ("dagster-webserver", "dagster-daemon")
_KEYS = {
    "raw_log_oss": "ods_raw_log_d/log_{0}/log_{0}.txt",
    "user_info_oss": "ods_user_info_d/user_{0}/user_{0}.txt",
}


def wait_until(condition: Callable[[], Found], what: str, *, seconds: float = _SECONDS) -> Found:
    """Look at a condition until it holds, and return what it returned.

    Args:
        condition: Holds when it returns something true.
        what: What is waited for, for the failure's message.
        seconds: After which the test fails.
    """
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"waited {seconds:.0f} s for: {what}")
        time.sleep(_LOOK_SECONDS)  # between two looks at a condition
    return found


@dataclass(frozen=True)
class Done:
    """A process that ended: its exit code, and what it printed.

    `logs` is what Dagster kept of a run's output. Dagster prints it by `tail -F`, which it ends
    with the run: on a busy machine the last lines are kept and not printed.
    """

    code: int
    stdout: str
    stderr: str
    logs: str = ""

    @property
    def output(self) -> str:
        """Everything it printed or kept, white space made single: lines are folded."""
        return " ".join(f"{self.stdout}\n{self.stderr}\n{self.logs}".split())


class Child:
    """A process in a group of its own, with whatever it starts; prints into two files."""

    def __init__(
        self, command: list[str], *, cwd: Path, environment: dict[str, str], prints: Path
    ) -> None:
        self.command = command
        self._stdout = prints.with_suffix(".out")
        self._stderr = prints.with_suffix(".err")
        with self._stdout.open("wb") as out, self._stderr.open("wb") as err:
            self._process = subprocess.Popen(
                command,
                cwd=cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        self.pid = self._process.pid

    def printed(self) -> str:
        """Return what it has printed so far."""
        return self._stdout.read_text(errors="replace") + self._stderr.read_text(errors="replace")

    def check_alive(self) -> None:
        """Fail the test if it has ended already."""
        code = self._process.poll()
        if code is not None:
            pytest.fail(f"{self.command} ended with {code}:\n{self.printed()[-3000:]}")

    def wait(self, seconds: float = _SECONDS) -> Done:
        """Wait for its end; fail the test if it takes too long."""
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.end()
            pytest.fail(f"{self.command} hangs:\n{self.printed()[-3000:]}")
        return Done(
            code,
            self._stdout.read_text(errors="replace"),
            self._stderr.read_text(errors="replace"),
        )

    def kill(self) -> None:
        """End this process alone with SIGKILL, as the kernel does when memory is short."""
        self._process.kill()
        code = self._process.wait()
        assert code == -signal.SIGKILL, f"it had ended with {code}:\n{self.printed()[-3000:]}"

    def end(self) -> None:
        """End the process and everything that it started."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()


class ScratchProject:
    """A project directory with an environment that only this project sees.

    Args:
        root: An empty directory, which is also the working directory of the processes.
        archive: A class archive, so that Spark starts faster.
    """

    def __init__(self, root: Path, archive: Path | None = None) -> None:
        self.root = root
        self.home = root / "home"
        self.dagster_home = root / "dagster"
        self.dagster_home.mkdir(parents=True)
        shutil.copyfile(CHECKOUT / "dagster.yaml", self.dagster_home / "dagster.yaml")
        if archive is not None:
            link_archive(archive, self.home)
        self._children: list[Child] = []
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(PREFIX) and name not in _NOT_INHERITED
        }
        path = [str(CHECKOUT), os.environ.get("PYTHONPATH", "")]
        self.environment |= {
            "PYTHONPATH": os.pathsep.join(filter(None, path)),
            "DAGSTER_HOME": str(self.dagster_home),
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
            # Rich folds what it prints to the width of the terminal.
            "COLUMNS": "200",
        }
        self.configure(HOME=self.home, START_DATE="2015-05-01", DEMO_LINES=200, DEMO_USERS=50)

    def configure(self, **settings: object) -> None:
        """Set settings for the processes that are started from now on; None takes one away."""
        for name, value in settings.items():
            if value is None:
                self.environment.pop(PREFIX + name, None)
            else:
                self.environment[PREFIX + name] = str(value)

    def start(self, program: str, *arguments: str, cwd: Path | None = None) -> Child:
        """Start a program of the environment that the tests run in, such as `dagster`."""
        if program == "userprofile":
            command = [sys.executable, "-m", "userprofile_assets.cli.main"]
        else:
            found = Path(sys.executable).with_name(program)
            if not found.is_file():
                missing_part(program, "make install-dev")
            command = [str(found)]
        if program in _SERVERS:
            self.instance.get_runs_count()
        child = Child(
            [*command, *arguments],
            cwd=cwd or self.root,
            environment=self.environment,
            prints=self.root / f"printed-{len(self._children)}",
        )
        self._children.append(child)
        return child

    def run(self, program: str, *arguments: str, cwd: Path | None = None) -> Done:
        """Run a program to its end."""
        return self.start(program, *arguments, cwd=cwd).wait()

    def start_day(self, day: str, *, select: str = FIRST) -> Child:
        """Start `dagster asset materialize` of one day, by default of ASSETS."""
        return self._start_materialize(select, "--partition", day)

    def materialize(self, day: str, *, select: str = FIRST) -> Done:
        """Materialize one day."""
        before = self.run_logs()
        done = self.start_day(day, select=select).wait()
        return replace(done, logs=self.logs_since(before))

    def materialize_range(self, first: str, last: str, *, select: str = FIRST) -> Done:
        """Materialize a range of days in one run."""
        before = self.run_logs()
        done = self._start_materialize(select, "--partition-range", f"{first}...{last}").wait()
        return replace(done, logs=self.logs_since(before))

    def run_logs(self) -> set[Path]:
        """Return the files in which Dagster has kept what runs printed to standard error."""
        return set((self.dagster_home / "storage").glob("*/compute_logs/*.err"))

    def logs_since(self, before: set[Path]) -> str:
        """Return what the runs printed whose files were not there before."""
        return "\n".join(path.read_text() for path in sorted(self.run_logs() - before))

    def _start_materialize(self, select: str, *days: str) -> Child:
        module = ("-m", "userprofile_assets.definitions")
        return self.start("dagster", "asset", "materialize", "--select", select, *module, *days)

    def query(self, sql: str) -> list[dict[str, Any]]:
        """Return the rows of a statement, from `userprofile query`."""
        done = self.run("userprofile", "query", sql, "--format", "json")
        assert done.code == 0, done.output
        rows: list[dict[str, Any]] = json.loads(done.stdout)
        return rows

    @cached_property
    def instance(self) -> dg.DagsterInstance:
        """The Dagster instance that the processes write their history to."""
        return dg.DagsterInstance.from_config(str(self.dagster_home))

    def materialized(self, asset: str) -> set[str]:
        """Return the partitions of an asset that the instance has as materialized."""
        return set(self.instance.get_materialized_partitions(dg.AssetKey(asset)))

    def has_started(self, asset: str, *, since: int) -> bool:
        """Tell whether a step has begun in a run other than the first `since` ones."""
        runs = self.instance.get_run_records()
        return any(
            entry.step_key == asset
            for record in runs[: len(runs) - since]
            for entry in self.instance.all_logs(
                record.dagster_run.run_id, of_type=dg.DagsterEventType.STEP_START
            )
        )

    def directory(self, asset: str, day: str) -> Path:
        """Return where the object of an ingest asset's day is."""
        return self.object(asset, day).parent

    def object(self, asset: str, day: str) -> Path:
        """Return the file that is the object of an ingest asset's day."""
        return self.home / "storage" / _KEYS[asset].format(day.replace("-", ""))

    def published(self, asset: str, day: str) -> tuple[Manifest, bytes]:
        """Return manifest and object of a day, which have to agree."""
        publisher = Publisher(
            store=open_store((self.home / "storage").as_uri()), locks=self.home / "locks"
        )
        manifest = publisher.verify(_KEYS[asset].format(day.replace("-", "")))
        content = self.object(asset, day).read_bytes()
        assert hashlib.sha256(content).hexdigest() == manifest.sha256
        return manifest, content

    def leftovers(self) -> list[str]:
        """Return what a publisher that was killed has left in storage."""
        names = ("_tmp*", "*pending*", "_former")
        return sorted(
            str(path.relative_to(self.home))
            for name in names
            for path in (self.home / "storage").rglob(name)
        )

    def close(self) -> None:
        """End all processes and close the history."""
        for child in self._children:
            child.end()
        if "instance" in self.__dict__:
            self.instance.dispose()


@contextmanager
def scratch_project(root: Path, archive: Path | None = None) -> Iterator[ScratchProject]:
    """Give a project in a directory; none of its processes outlives the block."""
    project = ScratchProject(root, archive)
    try:
        yield project
    finally:
        project.close()


def _given_archive() -> Path | None:
    """Return the file that CLASS_ARCHIVE names, if there is one."""
    given = Path(os.environ.get("CLASS_ARCHIVE", ""))
    return given if given.is_file() else None


def kept_archive() -> Path:
    """Return where the class archive for all test processes is; `class_archive` makes it.

    A JVM takes one only with the class path that it was made with, so the place of pyspark is part
    of the name.
    """
    if (given := _given_archive()) is not None:
        return given
    import pyspark

    made_of = b"".join((Path(pyspark.__file__).read_bytes(), TRAINING.read_bytes()))
    key = hashlib.sha256(pyspark.__file__.encode() + made_of).hexdigest()[:12]
    return cache() / "class-archives" / key / archive_path(Path(), find_java()).name


def link_archive(archive: Path, home: Path) -> None:
    """Put a class archive where a project with this home looks for it."""
    link = home / "spark" / archive.name
    link.parent.mkdir(parents=True)
    link.symlink_to(archive)


@pytest.fixture(scope="session")
def class_archive(java: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A class archive for all projects and servers of Spark: each Spark starts 4 s sooner.

    Made once for all processes and later runs, since it takes more than a minute. CLASS_ARCHIVE
    names one that was made by the environment of these tests.
    """
    if (given := _given_archive()) is not None:
        return given
    archive = kept_archive()
    kept = archive.parent
    kept.mkdir(parents=True, exist_ok=True)
    with exclusive_lock(kept / "lock", purpose="the class archive", timeout=_ARCHIVE_SECONDS):
        if not archive.is_file():
            with scratch_project(tmp_path_factory.mktemp("archive") / "project") as project:
                # A minute of two cores, so minutes where others have them.
                made = project.start("userprofile", "spark", "archive").wait(_ARCHIVE_SECONDS)
                assert made.code == 0, made.output
                shutil.move(archive_path(project.home, find_java()), archive)
        kept.touch()
    # 230 MB each: those of former checkouts go.
    others = sorted(kept.parent.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in others[_KEPT_ARCHIVES:]:
        shutil.rmtree(old, ignore_errors=True)
    return archive


@pytest.fixture
def project(class_archive: Path, tmp_path: Path) -> Iterator[ScratchProject]:
    """A project of the test's own."""
    with scratch_project(tmp_path / "project", class_archive) as made:
        yield made


@pytest.fixture(scope="session")
def demo_project(
    class_archive: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ScratchProject]:
    """A project of which tests leave two good days of the demo, DEMO_DAY and the one before."""
    with scratch_project(tmp_path_factory.mktemp("demo") / "project", class_archive) as made:
        yield made


@pytest.fixture(scope="session")
def day_project(
    class_archive: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ScratchProject]:
    """The project of `made_day`. Tests only add days; all of them are in one group."""
    with scratch_project(tmp_path_factory.mktemp("day") / "project", class_archive) as made:
        yield made


@pytest.fixture(scope="session")
def made_day(day_project: ScratchProject) -> Done:
    """How `dagster asset materialize` of 2015-05-18 ended: the objects and the ods tables."""
    return day_project.materialize("2015-05-18")


@pytest.fixture(scope="module")
def module_project(
    class_archive: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ScratchProject]:
    """A project that the tests of a module share, for one run that several sentences are about."""
    with scratch_project(tmp_path_factory.mktemp("module") / "project", class_archive) as made:
        yield made
