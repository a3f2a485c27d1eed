"""Two runs of one day at once: they take turns, and what they leave agrees."""

from __future__ import annotations

import json
import threading

import pytest

from userprofile_assets_tests.support.project import ASSETS, INGEST, wait_until
from userprofile_assets_tests.support.web import Answer, Web

pytestmark = [pytest.mark.xdist_group("spark_processes"), pytest.mark.timeout(2400)]

DAY = "2015-05-18"
LOG = b"a line of the log\n" * 100


@pytest.fixture
def gate():
    """Opens when both runs are under way."""
    opened = threading.Event()
    yield opened
    opened.set()


@pytest.fixture
def log(gate):
    """A log whose first reader has to wait in the middle until the gate opens."""

    def chunks():
        yield LOG[:18]
        gate.wait()
        yield LOG[18:]

    server = Web()
    length = {"Content-Length": str(len(LOG))}
    yield server.script("/log", Answer(body=chunks, headers=length), Answer(body=LOG))
    gate.set()
    server.close()


def holder(project):
    """Return the process that the metastore's lock file names."""
    path = project.home / "locks" / "metastore.lock"
    try:
        return json.loads(path.read_text())["pid"]
    except (FileNotFoundError, ValueError):
        return None


def test_two_runs_of_one_day_both_succeed_and_the_second_waits_for_the_metastore(
    project, gate, log
):
    project.configure(LOG_URL=log)
    first = project.start_day(DAY)
    wait_until(lambda: holder(project) == first.pid, "the first run's metastore")
    second = project.start_day(DAY)
    wait_until(
        lambda: f"held by process {first.pid} (publish" in second.printed(),
        "the second run to wait for the day's object",
    )
    gate.set()
    outcomes = [first.wait(), second.wait()]
    assert [done.code for done in outcomes] == [0, 0], outcomes[0].output + outcomes[1].output

    metastore = project.home / "locks" / "metastore.lock"
    said = f"waiting for {metastore}, held by process {first.pid} (the embedded Spark metastore)"
    assert said in outcomes[1].output

    runs = {run.run_id for run in project.instance.get_runs()}
    for asset in INGEST:
        assert project.published(asset, DAY)[0].run_id in runs
    assert project.published("raw_log_oss", DAY)[1] == LOG
    assert project.leftovers() == []
    assert [project.materialized(asset) for asset in ASSETS] == [{DAY}] * 4
