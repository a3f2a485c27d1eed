"""Dirty data: what a source sends by mistake, which rule catches it, and what it cannot reach.

A day is made well; then its source sends something bad and the day is run again. Nothing here is
told to the code: the rules are those of `sql/`.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from userprofile_assets.cli.rollback import run_rollback
from userprofile_assets.demo.log_lines import log_chunks
from userprofile_assets.demo.sources import ensure_users
from userprofile_assets.settings import Settings
from userprofile_assets_tests.support.project import ASSETS
from userprofile_assets_tests.support.runs import Project, failed_checks, failure_of

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.xdist_group("spark"), pytest.mark.timeout(1800)]

BEFORE, DAY = "2024-08-07", "2024-08-08"
LOG = "ods_raw_log_d_spark"
USERS = "ods_user_info_d_spark"
VALUES = "dwd_log_value_di_spark"
LINES = "dwd_log_line_spark"
LOG_OBJECT, USER_OBJECT = "log_20240808.txt", "user_20240808.txt"
TO_VALUES = (*ASSETS, LINES, VALUES, "dwd_log_quarantine_di_spark")
TO_LOG = (*TO_VALUES, "dim_user_agent_spark", "dim_ip_region_spark", "dwd_log_info_di_spark")
TO_PROFILES = (*TO_LOG, "dws_user_info_all_di_spark", "ads_user_info_1d_spark")

Rows = list[tuple[str, ...]]


class Sources:
    """A log for each day and a user table, both with what a test puts there."""

    def __init__(self, root, home):
        self.logs = root
        self.database = root / "users.db"
        demo = ensure_users(home, users=60, seed=7)
        with closing(sqlite3.connect(demo)) as connection:
            select = "SELECT uid, gender, age_range, zodiac FROM ods_user_info_d"
            self.users: Rows = connection.execute(select).fetchall()
        self.log = {day: self._log(day) for day in (BEFORE, DAY)}

    def _log(self, day):
        chunks = log_chunks(
            date.fromisoformat(day), lines=600, users=60, seed=7, timezone="Asia/Shanghai"
        )
        return b"".join(chunks)

    def send(self, day, log, users, columns=("uid", "gender", "age_range", "zodiac")):
        (self.logs / f"{day.replace('-', '')}.txt").write_bytes(log)
        self.database.unlink(missing_ok=True)
        with closing(sqlite3.connect(self.database)) as connection, connection:
            declared = ", ".join(name if " " in name else f"{name} TEXT" for name in columns)
            connection.execute(f"CREATE TABLE ods_user_info_d ({declared})")
            marks = ", ".join("?" * len(columns))
            connection.executemany(f"INSERT INTO ods_user_info_d VALUES ({marks})", users)


@dataclass
class Drill:
    """One mistake of a source.

    Args:
        log: Makes the bad log of the good one.
        users: Makes the bad user table of the good one.
        columns: Columns of the user table.
        until: What is run: no more than what shows it.
        caught: The checks that fail, as `asset.check`.
        reached: What is still made of the day; the rest of `until` is not.
        refused: What a run of its own does not make of the day afterwards either.
    """

    caught: set[str]
    log: Callable[[Sources], bytes] = field(default=lambda sources: sources.log[DAY])
    users: Callable[[Rows], Rows] = field(default=lambda rows: rows)
    columns: tuple[str, ...] = ("uid", "gender", "age_range", "zodiac")
    until: tuple[str, ...] = (*ASSETS, LINES)
    reached: tuple[str, ...] = ASSETS
    refused: str | None = None


def only_first_half(sources):
    lines = sources.log[DAY].splitlines(keepends=True)
    return b"".join(lines[: len(lines) // 2])


def from_one_address(sources):
    return b"".join(
        b"203.0.113.9##@@" + line.partition(b"##@@")[2]
        for line in sources.log[DAY].splitlines(keepends=True)
    )


def with_status_and_agent_swapped(sources):
    lines = []
    for line in sources.log[DAY].splitlines():
        fields = line.split(b"##@@")
        if len(fields) == 8:
            fields[4], fields[7] = fields[7], fields[4]
        lines.append(b"##@@".join(fields) + b"\n")
    return b"".join(lines)


DRILLS = {
    "an empty log": Drill(log=lambda _: b"", caught={f"{LOG}.row_count_above_0"}),
    "an empty user table": Drill(
        users=lambda _: [],
        caught={f"{USERS}.row_count_above_0"},
        until=(*ASSETS, "dws_user_info_all_di_spark"),
    ),
    "half a log": Drill(
        log=only_first_half, caught={f"{LOG}.row_count_volatility_1d"}, reached=(*ASSETS, LINES)
    ),
    "each uid twice": Drill(
        users=lambda rows: rows * 2, caught={f"{USERS}.unique_uid"}, reached=(*ASSETS, LINES)
    ),
    "columns of the user table swapped": Drill(
        users=lambda rows: [(g, u, a, z) for u, g, a, z in rows],
        caught={f"{USERS}.matches_gender", f"{USERS}.uid_is_a_key"},
        until=(*ASSETS, "dws_user_info_all_di_spark"),
    ),
    "fields of the log swapped": Drill(
        log=with_status_and_agent_swapped,
        caught={f"{VALUES}.quarantined_lines"},
        until=TO_VALUES,
        reached=(*ASSETS, LINES, VALUES),
    ),
    "another encoding": Drill(
        log=lambda sources: sources.log[DAY].decode().replace("##@@", "##@@ü").encode("utf-16"),
        caught={f"{VALUES}.quarantined_lines"},
        until=TO_VALUES,
        reached=(*ASSETS, LINES, VALUES),
    ),
    "yesterday's log again": Drill(
        log=lambda sources: sources.log[BEFORE],
        caught={f"{LOG}.changed_since_yesterday"},
        reached=(*ASSETS, LINES),
    ),
    "ten times the rows": Drill(
        log=lambda sources: sources.log[DAY] * 10, caught={f"{LOG}.row_count_jump"}
    ),
    "all lines from one address": Drill(
        log=from_one_address,
        caught={f"{VALUES}.lines_of_one_address"},
        until=TO_VALUES,
        reached=(*ASSETS, LINES, VALUES),
    ),
    "the log of another day": Drill(
        log=lambda sources: sources.log[BEFORE].replace(b"07/Aug/2024", b"05/Aug/2024"),
        caught={"dwd_log_info_di_spark.lines_accounted_for"},
        until=TO_LOG,
        reached=TO_LOG[:-1],
        refused="dws_user_info_all_di_spark",
    ),
    "a new column": Drill(
        users=lambda rows: [(*row, "gold") for row in rows],
        columns=("uid", "gender", "age_range", "zodiac", "level"),
        caught={"user_info_oss.source_columns_unchanged"},
        reached=(*ASSETS, LINES),
    ),
    "a column of another type": Drill(
        columns=("uid", "gender", "age_range INTEGER", "zodiac"),
        caught=set(),  # nothing is copied
        reached=("raw_log_oss", LOG, LINES),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    root = tmp_path_factory.mktemp("sources")
    return Sources(root, root / "demo")


@pytest.fixture(scope="module")
def project(sources, spark_session, tmp_path_factory):
    """Two good days, the second one down to the profiles."""
    settings = Settings(
        home=tmp_path_factory.mktemp("dirty") / "home",
        start_date="2024-08-01",
        log_url=SecretStr(f"{sources.logs.as_uri()}/${{bizdate}}.txt"),
        mysql_url=SecretStr(f"sqlite:///{sources.database}"),
        user_split_key="",
    )
    made = Project(settings)
    sources.send(BEFORE, sources.log[BEFORE], sources.users)
    assert made.materialize(*ASSETS, day=BEFORE).success
    sources.send(DAY, sources.log[DAY], sources.users)
    assert made.materialize(*TO_PROFILES, day=DAY).success
    yield made
    for table in spark_session.catalog.listTables():
        kind = "VIEW" if table.tableType == "VIEW" else "TABLE"
        spark_session.sql(f"DROP {kind} IF EXISTS {table.name}")


@pytest.fixture(scope="module")
def good_profiles(project, spark_session):
    found = profiles(spark_session)
    assert len(found) > 20
    return found


def profiles(session):
    rows = session.sql("SELECT * FROM ads_user_info_1d_spark WHERE dt = '20240808'").collect()
    return sorted(map(tuple, rows))


def objects(settings):
    return {
        path.name: path.read_bytes()
        for path in (settings.home / "storage").glob("ods_*/*_20240808/*.txt")
    }


@pytest.mark.parametrize("drill", DRILLS.values(), ids=DRILLS)
def test_what_a_source_sends_by_mistake_is_caught_and_goes_no_further(
    drill, project, sources, spark_session, good_profiles
):
    good = objects(project.settings)
    sources.send(DAY, drill.log(sources), drill.users(sources.users), drill.columns)

    result = project.materialize(*drill.until, day=DAY)

    failed = failed_checks(result)
    reached = {
        event.asset_key.to_user_string()
        for event in result.all_events
        if event.is_step_materialization
    }
    assert failed >= drill.caught
    assert reached == set(drill.reached)
    assert result.success == (set(drill.reached) == set(drill.until) and not is_strong(result))
    if drill.refused:
        later = failure_of(project.materialize(drill.refused, day=DAY), drill.refused)
        assert all(check.replace(".", " breaks ") in later for check in drill.caught)
    assert profiles(spark_session) == good_profiles

    for asset, name in {"raw_log_oss": LOG_OBJECT, "user_info_oss": USER_OBJECT}.items():
        # A second rollback would bring the bad one back.
        if objects(project.settings)[name] != good[name]:
            run_rollback(project.settings, asset, DAY)
    assert objects(project.settings) == good


def is_strong(result):
    return any(
        not one.passed and one.severity.value == "ERROR"
        for one in result.get_asset_check_evaluations()
    )
