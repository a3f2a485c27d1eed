"""Events on their way: a file that several processes append to, real and dead endpoints."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime

import pytest

from userprofile_assets.lineage_events.emit import Emitter, open_emitter
from userprofile_assets.lineage_events.facts import Column, Dataset, DatasetName, StepFacts
from userprofile_assets_tests.support.openlineage_schema import validate
from userprofile_assets_tests.support.ports import free_port
from userprofile_assets_tests.support.web import Answer

RUN = "1c1bba9e-9b44-4ed8-8f11-ac5b9bb4bc2c"


def facts(step="ods_log"):
    table = Dataset(
        dataset=DatasetName("file", f"/srv/{step}"), columns=(Column(name="uid", type="string"),)
    )
    return StepFacts(
        job="daily",
        step=step,
        run_id=RUN,
        at=datetime(2024, 8, 8, tzinfo=UTC),
        bizdate="20240807",
        outputs=(table,),
    )


@pytest.fixture
def opened(tmp_path):
    """Open an emitter; what it logs."""

    def make(transport, **options):
        said: list[str] = []
        return open_emitter(transport=transport, home=tmp_path, log=said.append, **options), said

    return make


def kinds(events):
    return [event["eventType"] for event in events]


def test_off_makes_no_file_and_no_thread(opened, tmp_path):
    emitter, said = opened("off")
    before = threading.active_count()
    emitter.start(facts())
    emitter.complete(facts())
    assert threading.active_count() == before
    emitter.close()
    assert list(tmp_path.iterdir()) == []
    assert said == []


def test_a_file_gets_one_line_for_each_event_in_their_order(opened, tmp_path):
    emitter, said = opened("file")
    emitter.start(facts())
    emitter.complete(facts())
    emitter.fail(facts("dwd_log"), ValueError("no"))
    emitter.close()
    lines = (tmp_path / "openlineage" / "events.ndjson").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    for event in events:
        validate(event)
    assert kinds(events) == ["START", "COMPLETE", "FAIL"]
    assert said == []


def test_a_long_event_is_one_write_of_the_kernel(opened, tmp_path, monkeypatch):
    real, written = os.write, []

    def write(descriptor, data):
        written.append(bytes(data))
        return real(descriptor, data)

    monkeypatch.setattr(os, "write", write)
    emitter, _ = opened("file")
    emitter.fail(facts(), "x" * 4000)
    emitter.close()
    assert [line.count(b"\n") for line in written if b"errorMessage" in line] == [1]
    assert (tmp_path / "openlineage" / "events.ndjson").read_bytes() in written


APPEND = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from userprofile_assets.lineage_events.emit import open_emitter
from userprofile_assets.lineage_events.facts import Column, Dataset, DatasetName, StepFacts
table = Dataset(
    dataset=DatasetName("file", "/srv/t"),
    columns=tuple(Column(name=f"column_{n}", type="string") for n in range(150)),
)
facts = StepFacts(job="j", step="s", run_id="r", at=datetime.now(UTC), outputs=(table,))
emitter = open_emitter(transport="file", home=Path("."), log=print, file=Path(sys.argv[1]))
emitter.start(facts)  # loads the client
print("ready", flush=True)
sys.stdin.readline()
for _ in range(40):
    emitter.start(facts)
emitter.close(seconds=60)
"""


def test_several_processes_append_whole_lines(tmp_path):
    file = tmp_path / "events.ndjson"
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", APPEND, str(file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for writer in writers:
        assert writer.stdout
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        assert writer.communicate(timeout=120)[0] == ""
    lines = file.read_text().splitlines()
    assert len(lines) == 123
    assert {kind for line in lines for kind in [json.loads(line)["eventType"]]} == {"START"}


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        pytest.param("", "/api/v1/lineage", id="server"),
        pytest.param("/", "/api/v1/lineage", id="server-with-a-slash"),
        pytest.param("/openapi/openlineage/api/v1/lineage", None, id="endpoint-of-its-own"),
    ],
)
def test_an_endpoint_gets_each_event_with_the_key(opened, web, given, asked):
    path = asked or given
    web.script(path, Answer(status=201))
    emitter, said = opened("http", url=web.url(given), api_key="k3y")
    emitter.start(facts())
    emitter.complete(facts())
    emitter.close()
    requests = web.asked(path)
    events = [json.loads(request.body) for request in requests]
    for event in events:
        validate(event)
    assert kinds(events) == ["START", "COMPLETE"]
    assert requests[0].headers["Authorization"] == "Bearer k3y"
    assert said == []


@pytest.mark.parametrize("status", [401, 404, 500])
def test_an_endpoint_that_refuses_is_told_once_without_secrets(opened, web, status):
    web.script("/api", Answer(status=status))
    emitter, said = opened("http", url=web.url("/api?token=s3cr3t", user="u:pw"), api_key="k3y")
    for _ in range(3):
        emitter.start(facts())
    emitter.close()
    assert len(web.asked("/api")) == 3
    first, last = said
    assert first.startswith(f"OpenLineage events do not reach {web.url('/api')}?...: HTTPError: ")
    assert str(status) in first
    assert last == "3 of 3 OpenLineage events are lost"
    assert not any(secret in first for secret in ("s3cr3t", "pw", "k3y"))


def test_a_dead_endpoint_costs_a_run_nothing(opened):
    emitter, said = opened("http", url=f"http://127.0.0.1:{free_port()}")
    began = time.monotonic()
    for _ in range(50):
        emitter.start(facts())
    emitter.close()
    assert time.monotonic() - began < 20
    assert said[0].startswith("OpenLineage events do not reach http://127.0.0.1:")
    assert said[-1] == "50 of 50 OpenLineage events are lost"


def test_a_black_hole_holds_a_run_up_for_its_last_seconds_only(opened, web):
    web.script("/api", Answer(silent=True))
    emitter, said = opened("http", url=web.url("/api"))
    began = time.monotonic()
    for _ in range(20):
        emitter.start(facts())
    assert time.monotonic() - began < 3
    emitter.close(seconds=1)
    assert time.monotonic() - began < 20
    assert said[-1] == "20 of 20 OpenLineage events are lost"


def test_what_does_not_fit_into_the_queue_is_lost_and_counted(web):
    gate = threading.Event()
    entered = threading.Event()

    class Slow:
        where = "slow"

        def send(self, event):
            entered.set()
            gate.wait()

    said: list[str] = []
    emitter = Emitter(sink=Slow(), namespace="n", log=said.append, most=2)
    emitter.start(facts())
    assert entered.wait(60)
    for _ in range(5):
        emitter.start(facts())
    gate.set()
    emitter.close(seconds=60)
    assert said == ["3 of 6 OpenLineage events are lost"]


def test_a_full_disk_or_a_directory_that_is_a_file_fails_no_run(opened, tmp_path):
    (tmp_path / "taken").write_text("")
    emitter, said = opened("file", file=tmp_path / "taken" / "events.ndjson")
    emitter.start(facts())
    emitter.close()
    assert "FileExistsError" in said[0] or "NotADirectoryError" in said[0]
    assert said[-1] == "1 of 1 OpenLineage events are lost"


def test_facts_of_which_no_event_can_be_made_fail_no_run(opened):
    emitter, said = opened("file")
    emitter.start(StepFacts(job="j", step="s", run_id=RUN, at=datetime.now(UTC), bizdate="today"))
    emitter.complete(facts())
    emitter.close()
    assert "'today' is not a day" in said[0]
    assert said[-1] == "1 of 2 OpenLineage events are lost"


def test_a_logger_that_refuses_fails_no_run(tmp_path):
    def refuse(text):
        raise RuntimeError("the run is over")

    emitter = open_emitter(
        transport="http", home=tmp_path, log=refuse, url=f"http://127.0.0.1:{free_port()}"
    )
    emitter.start(facts())
    emitter.close()
