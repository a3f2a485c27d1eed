"""The scheduler of Dagster's daemon over the days on which clocks change.

Real scheduler, real definitions, a clock that is set by hand, and a run queue that nobody empties.
Dagster offers no public way to turn its daemon's clock, so its own tests' tools are used: private,
as of Dagster 1.13.
"""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.storage.tags import SCHEDULED_EXECUTION_TIME_TAG
from dagster._core.test_utils import create_test_daemon_workspace_context, freeze_time
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster._scheduler.scheduler import ScheduleIterationTimes, launch_scheduled_runs

# Dagster reads this property itself while it loads a schedule.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Property `ScheduleDefinition.environment_vars`:DeprecationWarning"
)

MODULE = "userprofile_assets.definitions"
# The daemon looks at its clock about every minute. Here it does so every half hour of the night,
# which hits 00:30, and every three hours of the day.
AT_NIGHT, BY_DAY = timedelta(minutes=30), timedelta(hours=3)

# The zone, three business dates, and when the run of each starts, on the day after it. The clock
# changes on the second date.
SPRING = ["2024-03-09", "2024-03-10", "2024-03-11"]
AUTUMN = ["2024-11-02", "2024-11-03", "2024-11-04"]
ALWAYS = ["00:30", "00:30", "00:30"]
CHANGES = {
    "spring in New York, at 02:00": ("America/New_York", SPRING, ALWAYS),
    "autumn in New York, at 02:00": ("America/New_York", AUTUMN, ALWAYS),
    "spring in Havana, where 00:30 is left out": (
        "America/Havana",
        SPRING,
        ["01:30", "00:30", "00:30"],
    ),
    "Shanghai, which keeps its clocks": ("Asia/Shanghai", SPRING, ALWAYS),
}


@pytest.fixture
def instance(tmp_path):
    queue = {"module": "dagster.core.run_coordinator", "class": "QueuedRunCoordinator"}
    with dg.instance_for_test(
        temp_dir=str(tmp_path), overrides={"run_coordinator": queue}
    ) as instance:
        yield instance


@pytest.fixture
def scheduler(instance, monkeypatch, tmp_path):
    """Let the scheduler look at a zone's clock from one time to another."""
    logger = logging.getLogger("scheduler")

    def look(*, zone, start, end, switched_on="true"):
        monkeypatch.setenv("USERPROFILE_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("USERPROFILE_START_DATE", "2024-01-01")
        monkeypatch.setenv("USERPROFILE_TIMEZONE", zone)
        monkeypatch.setenv("USERPROFILE_SCHEDULE_ON", switched_on)
        monkeypatch.delitem(sys.modules, MODULE, raising=False)  # settings are read at its import
        origin = InProcessCodeLocationOrigin(
            LoadableTargetOrigin(executable_path=sys.executable, module_name=MODULE),
            location_name="userprofile_assets",
        )
        times: dict[str, ScheduleIterationTimes] = {}
        with create_test_daemon_workspace_context(
            InProcessWorkspaceLoadTarget(origin), instance
        ) as workspace:
            now = start.astimezone(UTC)
            while now <= end:
                with freeze_time(now):
                    problems = [
                        p for p in launch_scheduled_runs(workspace, logger, now, times) if p
                    ]
                assert problems == []
                now += AT_NIGHT if now.astimezone(ZoneInfo(zone)).hour < 3 else BY_DAY
        monkeypatch.delitem(sys.modules, MODULE)
        return instance.get_runs()

    return look


def noon(day, zone, *, later=timedelta(0)):
    return (datetime.fromisoformat(f"{day}T12:00") + later).replace(tzinfo=ZoneInfo(zone))


def start_of(run, zone):
    scheduled = datetime.fromisoformat(run.tags[SCHEDULED_EXECUTION_TIME_TAG])
    return scheduled.astimezone(ZoneInfo(zone)).strftime("%H:%M")


def partitions(runs):
    return sorted(run.tags["dagster/partition"] for run in runs)


@pytest.mark.parametrize("change", CHANGES)
def test_every_night_starts_one_run_for_the_day_before(scheduler, change):
    zone, days, times = CHANGES[change]
    end = noon(days[-1], zone, later=timedelta(days=1))
    runs = scheduler(zone=zone, start=noon(days[0], zone), end=end)
    assert partitions(runs) == days
    by_day = sorted(runs, key=lambda run: run.tags["dagster/partition"])
    assert [start_of(run, zone) for run in by_day] == times
    assert {run.job_name for run in runs} == {"user_profile_analysis_spark"}


@pytest.mark.xfail(
    strict=True,
    reason="Dagster 1.13 cannot tell the next time when it is asked between the second 00:00 and "
    "the second 00:30 (dagster._utils.schedules: Invariant failed), nor at any later look",
)
def test_a_daemon_that_comes_up_before_the_second_0030_goes_on_with_the_next_night(scheduler):
    zone = "America/Havana"
    second = datetime(2024, 11, 3, 0, 10, tzinfo=ZoneInfo(zone), fold=1)
    runs = scheduler(zone=zone, start=second, end=noon("2024-11-04", zone))
    assert partitions(runs)[-1] == "2024-11-03"


def test_a_schedule_that_is_not_switched_on_starts_nothing(scheduler):
    zone = "Asia/Shanghai"
    start, end = noon("2024-08-07", zone), noon("2024-08-08", zone)
    assert scheduler(zone=zone, start=start, end=end, switched_on="false") == []
