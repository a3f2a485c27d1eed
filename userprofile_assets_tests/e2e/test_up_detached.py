"""`userprofile up --detach` and `down`, and the demo that starts them: a story told in order.

Spark is elsewhere, where nobody has to answer: only Dagster and the API are started.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
from functools import partial
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from userprofile_assets.cli.up_state import find_up, is_locked
from userprofile_assets_tests.support.ports import free_port
from userprofile_assets_tests.support.project import DEMO_DAY, wait_until

pytestmark = [pytest.mark.xdist_group("spark_processes"), pytest.mark.timeout(2400)]


def status(url):
    """Return the status of an answer; None without one."""
    try:
        with urlopen(url, timeout=10) as answer:
            return answer.status
    except HTTPError as error:
        with error:
            return error.code
    except OSError:
        return None


def is_silent(port):
    return status(f"http://127.0.0.1:{port}/") is None


def pid_of_up(project):
    found = find_up(project.home)
    assert found is not None
    return found.pid


@pytest.fixture(scope="module")
def elsewhere(module_project):
    """A project of which only Dagster and the API run here."""
    del module_project.environment["DAGSTER_HOME"]
    module_project.configure(SPARK_REMOTE="sc://localhost:1/;token=none")
    return module_project


@pytest.fixture(scope="module")
def ports():
    return free_port(), free_port()


def up(project, ports):
    port, api_port = map(str, ports)
    return project.run("userprofile", "up", "--detach", "--port", port, "--api-port", api_port)


@pytest.fixture(scope="module")
def detached(elsewhere, ports):
    yield up(elsewhere, ports)
    elsewhere.run("userprofile", "down")


def test_it_returns_when_everything_answers_and_tells_where(detached, ports):
    assert detached.code == 0, detached.output
    ui, api = (f"http://127.0.0.1:{port}" for port in ports)
    assert "All parts answer" in detached.stdout
    assert ui in detached.stdout
    assert api in detached.stdout
    assert (status(f"{ui}/server_info"), status(f"{api}/healthz")) == (200, 200)


def test_a_second_call_says_that_it_runs_and_starts_nothing(elsewhere, detached, ports):
    before = find_up(elsewhere.home)
    again = up(elsewhere, (free_port(), free_port()))
    assert again.code == 0, again.output
    assert "It runs already" in again.stdout
    assert f"http://127.0.0.1:{ports[1]}" in again.stdout
    assert find_up(elsewhere.home) == before


def test_what_it_prints_is_kept_and_it_is_in_a_session_of_its_own(elsewhere, detached):
    assert "dagster answers after" in (elsewhere.home / "logs" / "up.log").read_text()
    pid = pid_of_up(elsewhere)
    assert os.getsid(pid) == pid


def test_down_ends_it_and_says_so(elsewhere, detached, ports):
    done = elsewhere.run("userprofile", "down")
    assert done.code == 0, done.output
    assert "Ended dagster, api" in done.stdout
    assert [status(f"http://127.0.0.1:{port}/") for port in ports] == [None, None]
    assert find_up(elsewhere.home) is None


def test_down_says_that_nothing_runs(elsewhere, detached):
    done = elsewhere.run("userprofile", "down")
    assert (done.code, "Nothing runs on" in done.stdout) == (0, True), done.output


def test_after_kill_minus_9_nothing_is_left_and_down_cleans_up(elsewhere, detached, ports):
    assert up(elsewhere, ports).code == 0
    os.kill(pid_of_up(elsewhere), signal.SIGKILL)
    wait_until(lambda: not is_locked(elsewhere.home), "the end of its process")
    for port in ports:
        wait_until(partial(is_silent, port), "the end of a part")
    assert (elsewhere.home / "up.json").exists()
    assert "Nothing runs on" in elsewhere.run("userprofile", "down").stdout
    assert not (elsewhere.home / "up.json").exists()


def test_a_port_that_is_taken_is_told_and_nothing_is_started(elsewhere, detached):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        done = up(elsewhere, (free_port(), port))
    assert done.code == 1
    assert f"port {port}: another program listens there" in done.output
    assert "--api-port" in done.output
    assert find_up(elsewhere.home) is None


def test_one_that_does_not_come_up_is_told_with_its_reason_and_nothing_stays(elsewhere, detached):
    # An address of no interface of this machine (RFC 5737); nobody can listen there.
    elsewhere.configure(API_HOST="192.0.2.1")
    try:
        done = up(elsewhere, (free_port(), free_port()))
    finally:
        elsewhere.configure(API_HOST=None)
    assert done.code == 1
    assert find_up(elsewhere.home) is None


@pytest.fixture(scope="module")
def served(demo_project):
    """A demo that serves what it made, while another program has the port of the API."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        demo_project.configure(API_PORT=port)
        done = demo_project.run("userprofile", "demo", "--dt", DEMO_DAY, "--days", "1")
    yield port, done
    demo_project.run("userprofile", "down")


def said(done, name):
    """Return what the demo prints behind a name."""
    (found,) = re.findall(rf"^  {name}: +(.*)$", done.stdout, re.MULTILINE)
    return found


def test_the_demo_ends_with_addresses_that_answer(served):
    _, done = served
    assert done.code == 0, done.output
    assert status(said(done, "Dashboard")) == 200
    assert status(said(done, "Dagster UI")) == 200
    assert "make stop" in said(done, "To end it")


def test_a_port_that_another_program_has_is_told_and_another_one_taken(served):
    taken, done = served
    assert f"Port {taken} is taken by another program; taking " in done.output
    assert str(taken) not in said(done, "Dashboard")


def test_the_command_that_the_demo_prints_shows_a_profile(served):
    _, done = served
    command = said(done, "One profile")
    answer = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    profile = json.loads(answer.stdout)
    assert profile["dt"] == "20240807"
    assert profile["uid"]


def test_the_next_demo_finds_it_running_and_makes_nothing(demo_project, served):
    _, first = served
    again = demo_project.run("userprofile", "demo", "--dt", DEMO_DAY, "--days", "1")
    assert again.code == 0, again.output
    assert "nothing to do" in again.output
    assert "running already" in again.output
    assert said(again, "Dashboard") == said(first, "Dashboard")
    assert said(again, "One profile") == said(first, "One profile")
