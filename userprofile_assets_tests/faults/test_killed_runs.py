"""kill -9 in the middle of each asset: the former day stays whole, and the same command repairs.

No daemon runs here, so nothing tidies up behind the killed run.
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import dagster as dg
import pytest

from userprofile_assets.locks import exclusive_lock
from userprofile_assets_tests.support.project import FIRST, INGEST, wait_until
from userprofile_assets_tests.support.web import Answer, Web

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.xdist_group("spark_processes"), pytest.mark.timeout(2400)]

DAY = "2015-05-18"
# Where no table is at work, Spark need not start.
COPIES = "group:ingest"
MIB = 1024**2

# 10 million rows, made while they are read: an export that takes half a minute.
ENDLESS_USERS = """
CREATE VIEW ods_user_info_d AS
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000000)
SELECT printf('%013d', i) AS uid, 'f' AS gender, '20-30' AS age_range, 'leo' AS zodiac FROM n
"""


@pytest.fixture(scope="module")
def day_project(module_project):
    """A project with one whole day."""
    done = module_project.materialize(DAY)
    assert done.code == 0, done.output
    return module_project


@pytest.fixture
def stalling_log() -> Iterator[str]:
    """A log whose server falls silent after 3 MiB."""
    released = threading.Event()

    def chunks() -> Iterator[bytes]:
        yield b"a line of the second log\n" * (3 * MIB // 25)
        released.wait()

    server = Web()
    yield server.script("/log", Answer(body=chunks, headers={"Content-Length": str(100 * MIB)}))
    released.set()
    server.close()


@pytest.fixture
def endless_users(tmp_path) -> str:
    """The URL of a database whose user table takes half a minute to read."""
    path = tmp_path / "endless.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(ENDLESS_USERS)
    return f"sqlite:///{path}"


def killed(project, is_at_work, what, *, select=FIRST, **settings):
    """Kill a run of the day with SIGKILL as soon as a condition holds, then undo the settings."""
    project.configure(**settings)
    child = project.start_day(DAY, select=select)
    project.configure(**dict.fromkeys(settings))

    def holds():
        child.check_alive()
        return is_at_work()

    wait_until(holds, what)
    child.kill()


def bytes_under_way(project, asset):
    """Return how much a publisher that is at work has written of a day."""
    return sum(path.stat().st_size for path in project.directory(asset, DAY).glob("_tmp*"))


def wait_for_the_metastore(project):
    """Wait until no process has the metastore; only the JVM of the killed run still could."""
    lock = project.home / "locks" / "metastore.lock"
    with exclusive_lock(lock, purpose="test", timeout=60):
        pass


def check_that_the_same_command_repairs(project, *, select=FIRST):
    done = project.materialize(DAY, select=select)
    assert done.code == 0, done.output
    assert project.leftovers() == []
    (last,) = project.instance.get_runs(limit=1)
    assert last.status is dg.DagsterRunStatus.SUCCESS
    for asset in INGEST:
        assert project.published(asset, DAY)[0].run_id == last.run_id


def test_killed_while_the_log_is_copied(day_project, stalling_log):
    former = day_project.published("raw_log_oss", DAY)
    killed(
        day_project,
        lambda: bytes_under_way(day_project, "raw_log_oss") >= MIB,
        "the log's first MiB",
        select=COPIES,
        LOG_URL=stalling_log,
    )
    assert day_project.published("raw_log_oss", DAY) == former
    check_that_the_same_command_repairs(day_project, select=COPIES)


def test_killed_while_the_users_are_copied(day_project, endless_users):
    former = day_project.published("user_info_oss", DAY)
    killed(
        day_project,
        lambda: bytes_under_way(day_project, "user_info_oss") >= MIB,
        "the users' first MiB",
        select=COPIES,
        MYSQL_URL=endless_users,
        USER_SPLIT_KEY="",
    )
    assert day_project.published("user_info_oss", DAY) == former
    check_that_the_same_command_repairs(day_project, select=COPIES)


def test_killed_while_spark_is_at_work(day_project):
    asset = "ods_raw_log_d_spark"
    # Derby makes this file when Spark opens the metastore; a killed JVM leaves it.
    opened = day_project.home / "metastore" / "db.lck"
    opened.unlink(missing_ok=True)
    runs = day_project.instance.get_runs_count()
    killed(
        day_project,
        lambda: opened.exists() and day_project.has_started(asset, since=runs),
        f"{asset} on an open metastore",
    )
    wait_for_the_metastore(day_project)
    assert day_project.query(f"SELECT COUNT(*) AS n FROM {asset} WHERE dt = '20150518'") == [
        {"n": 200}
    ]
    check_that_the_same_command_repairs(day_project)
