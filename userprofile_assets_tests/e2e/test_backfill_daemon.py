"""A backfill and a failing run as the Dagster UI launches them: real web server, real daemon."""

from __future__ import annotations

import json

import pytest

from userprofile_assets_tests.support.graphql import ENDED, WebServer
from userprofile_assets_tests.support.ports import free_port
from userprofile_assets_tests.support.project import ASSETS, CHECKOUT, wait_until
from userprofile_assets_tests.support.web import Answer, Web

pytestmark = [pytest.mark.xdist_group("spark_processes_2"), pytest.mark.timeout(2400)]

DAYS = ["2015-05-18", "2015-05-19"]
WITHOUT_LOG = "2015-05-20"

PARTITIONS = """
query Partitions($key: AssetKeyInput!) {
  assetNodeOrError(assetKey: $key) {
    ... on AssetNode {
      assetPartitionStatuses {
        ... on TimePartitionStatuses { ranges { status startKey endKey } }
      }
    }
  }
}
"""
SCHEDULES = """
query Schedules($repository: RepositorySelector!) {
  schedulesOrError(repositorySelector: $repository) {
    ... on Schedules {
      results { name cronSchedule executionTimezone pipelineName scheduleState { status } }
    }
  }
}
"""


@pytest.fixture(scope="module")
def outside():
    """The logs of two days, and who is told of failures."""
    server = Web()
    for day in DAYS:
        server.script(f"/log_{day.replace('-', '')}.txt", Answer(body=f"line of {day}\n".encode()))
    server.script("/alert", Answer(status=200))
    yield server
    server.close()


@pytest.fixture(scope="module")
def webserver(module_project, outside):
    port = free_port()
    module_project.configure(
        LOG_URL=outside.url("/log_${bizdate}.txt"),
        ALERT_URLS=f"json://127.0.0.1:{outside.port}/alert",
        ALERT_EXPECTED_BY="off",
        UI_URL=f"http://127.0.0.1:{port}",
    )
    workspace = str(CHECKOUT / "workspace.yaml")
    child = module_project.start("dagster-webserver", "-w", workspace, "-p", str(port))
    server = WebServer(f"http://127.0.0.1:{port}")

    def answers():
        child.check_alive()
        return server.answers()

    wait_until(answers, "the web server's answer")
    return server


@pytest.fixture(scope="module")
def runs(module_project, webserver):
    """The runs of a backfill of two days, when they have ended."""
    wanted = webserver.launch_backfill(ASSETS, DAYS)
    # Started after the launch, since it looks for backfills at its start and then every 30 s.
    workspace = str(CHECKOUT / "workspace.yaml")
    daemon = module_project.start("dagster-daemon", "run", "-w", workspace)

    def ended():
        daemon.check_alive()
        found = webserver.runs(wanted)
        return found if found and {run["status"] for run in found} <= ENDED else None

    yield wait_until(ended, "the end of the backfill's runs", seconds=1200)
    daemon.end()


def days_of(run):
    """Return the first and the last day of a run: a backfill policy gives each run a range."""
    tags = {tag["key"]: tag["value"] for tag in run["tags"]}
    return tuple(tags[f"dagster/asset_partition_range_{end}"] for end in ("start", "end"))


def test_a_backfill_of_two_days_makes_a_run_for_each_day(runs):
    assert sorted((run["status"], *days_of(run)) for run in runs) == [
        ("SUCCESS", DAYS[0], DAYS[0]),
        ("SUCCESS", DAYS[1], DAYS[1]),
    ]


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize("asset", ASSETS)
def test_the_partition_grid_shows_both_days_as_materialized(webserver, asset):
    shown = webserver.ask(PARTITIONS, key={"path": [asset]})["assetPartitionStatuses"]["ranges"]
    assert shown == [{"status": "MATERIALIZED", "startKey": DAYS[0], "endKey": DAYS[1]}]


@pytest.mark.usefixtures("runs")
def test_each_day_of_the_backfill_has_its_own_log(module_project):
    first, second = (module_project.published("raw_log_oss", day)[0] for day in DAYS)
    assert first.run_id != second.run_id
    assert first.sha256 != second.sha256


@pytest.mark.usefixtures("runs")
def test_a_run_that_fails_is_told_by_the_sensor_of_the_daemon(webserver, outside):
    assert outside.asked("/alert") == []
    run = webserver.launch(["raw_log_oss"], WITHOUT_LOG)
    wait_until(lambda: outside.asked("/alert"), "the alert")
    (told,) = outside.asked("/alert")
    said = json.loads(told.body)
    assert webserver.status(run) == "FAILURE"
    assert said["type"] == "failure"
    text = f"{said['title']} {said['message']}"
    assert [part for part in ("raw_log_oss", WITHOUT_LOG, "404", run) if part not in text] == []


def test_the_ui_shows_the_schedule_at_half_past_midnight_and_switched_off(webserver):
    repository = {
        "repositoryName": "__repository__",
        "repositoryLocationName": "userprofile_assets",
    }
    assert webserver.ask(SCHEDULES, repository=repository)["results"] == [
        {
            "name": "workshop_start_spark",
            "cronSchedule": "30 0 * * *",
            "executionTimezone": "Asia/Shanghai",
            "pipelineName": "user_profile_analysis_spark",
            "scheduleState": {"status": "STOPPED"},
        }
    ]
