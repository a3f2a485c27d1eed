"""`userprofile up`: its parts answer, share one Spark, and end together, however that comes.

The tests of this module are one story, told in order: a first `up` is used and then killed, a
second one repairs and loses its Spark, a third one is only asked to end.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import threading
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from urllib.request import urlopen

import dagster as dg
import pytest

from userprofile_assets_tests.support.graphql import ENDED, WebServer
from userprofile_assets_tests.support.ports import free_port
from userprofile_assets_tests.support.project import Child, wait_until
from userprofile_assets_tests.support.web import Answer, Web

pytestmark = [pytest.mark.xdist_group("spark_processes_2"), pytest.mark.timeout(2400)]

DAY, STALLED_DAY = "2015-05-18", "2015-05-19"
USERS = ("user_info_oss", "ods_user_info_d_spark")


def family(pid):
    """Return a process and all that descend from it, by id with the time of their start."""
    found = [pid]
    for one in found:
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            found += [int(child) for child in task.read_text().split()]
    return {one: start for one in found if (start := start_of(one))}


def start_of(pid):
    """Return when a process was started; None if it is gone or only a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def wait_for_the_end(processes):
    wait_until(
        lambda: not any(start_of(pid) == start for pid, start in processes.items()),
        "the end of every process",
    )


def commands(processes):
    """Return the command lines of processes."""
    lines = {pid: Path(f"/proc/{pid}/cmdline") for pid in processes}
    return {pid: path.read_bytes().replace(b"\0", b" ").decode() for pid, path in lines.items()}


@dataclass
class Up:
    """A `userprofile up` that runs."""

    child: Child
    port: int
    connect_port: int
    api_port: int

    @property
    def web(self):
        return WebServer(f"http://127.0.0.1:{self.port}")

    @property
    def spark(self):
        """The id of Spark's JVM."""
        (found,) = [
            pid
            for pid, line in commands(family(self.child.pid)).items()
            if "SparkConnectServer" in line and "/java " in line
        ]
        return found

    def run(self, assets, day):
        """Launch a run in the UI and return its status when it has ended."""
        run_id = self.web.launch(assets, day)

        def ended():
            self.child.check_alive()
            return (status := self.web.status(run_id)) in ENDED and status

        return wait_until(ended, "the end of the run")


def start_up(project, *options):
    """Start it and wait until all parts answer."""
    ports = free_port(), free_port(), free_port()
    named = zip(("--port", "--connect-port", "--api-port"), map(str, ports), strict=True)
    child = project.start("userprofile", "up", *chain.from_iterable(named), *options)
    up = Up(child, *ports)

    def answers():
        up.child.check_alive()
        return "All parts answer" in up.child.printed()

    wait_until(answers, "the answer of all parts")
    return up


@pytest.fixture(scope="module")
def stalling_log():
    """The URL of a log whose server falls silent in the middle."""
    server, released = Web(), threading.Event()

    def chunks():
        yield b"a line of the log\n" * 100_000
        released.wait()

    yield server.script("/log", Answer(body=chunks, headers={"Content-Length": str(100 * 1024**2)}))
    released.set()
    server.close()


@pytest.fixture(scope="module")
def first(module_project, stalling_log):
    module_project.configure(LOG_URL=stalling_log, SPARK_LOCK_SECONDS=0)
    # The history under HOME, as `make ui` has it.
    del module_project.environment["DAGSTER_HOME"]
    return start_up(module_project)


def start_stalling_run(project, up, day):
    """Launch a run and wait until it is in the middle of its log; return its id."""
    run_id = up.web.launch(["raw_log_oss"], day)
    wait_until(
        lambda: (
            list(project.directory("raw_log_oss", day).glob("_tmp*"))
            and up.web.status(run_id) == "STARTED"
        ),
        "a run in the middle of its log",
    )
    return run_id


def test_each_part_is_shown_with_its_address(first):
    printed = first.child.printed()
    assert f"http://127.0.0.1:{first.port}" in printed
    assert f"sc://localhost:{first.connect_port}" in printed
    assert f"http://127.0.0.1:{first.api_port}" in printed
    assert re.search(r"All parts answer after \d+\.\d s", printed)
    assert "dagster | " in printed


def test_the_api_answers_beside_it(first):
    with urlopen(f"http://127.0.0.1:{first.api_port}/healthz") as answer:
        assert answer.status == 200


def test_the_parts_listen_on_the_loopback_interface_only(first):
    listening = {
        line.split()[1]
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
        if line.split()[3] == "0A"
    }
    ours = {f"{port:04X}" for port in (first.port, first.connect_port, first.api_port)}
    addresses = {place.split(":")[0] for place in listening if place.split(":")[1] in ours}
    # 127.0.0.1, in IPv4 and mapped into IPv6, as the kernel writes them.
    assert addresses <= {"0100007F", "0000000000000000FFFF00000100007F"}
    assert len(addresses) >= 1


def test_no_secret_stands_on_a_command_line_or_in_what_is_printed(module_project, first):
    token = module_project.home / "spark" / "connect.token"
    assert token.stat().st_mode & 0o777 == 0o600
    secret = token.read_text()
    lines = commands(family(first.child.pid)).values()
    assert any("SparkConnectServer" in line for line in lines)
    assert not any(secret in line for line in lines)
    assert secret not in first.child.printed()
    assert list(module_project.home.glob("spark/*.properties")) == []


def test_a_run_of_the_ui_goes_through_the_warm_spark(first):
    before = family(first.spark)
    assert first.run(USERS, DAY) == "SUCCESS"
    assert family(first.spark) == before


def history(project):
    """The history that `up` keeps under HOME."""
    return dg.DagsterInstance.from_config(str(project.home / "dagster"))


def process_of(project, run_id):
    """Return the id of a run's process."""
    with history(project) as instance:
        (said,) = (
            found
            for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)
            if (found := re.search(r"Started process for run \(pid: (\d+)\)", entry.message))
        )
    return int(said[1])


@pytest.fixture(scope="module")
def run_server(first):
    """The id of the process that starts the runs."""
    found = commands(family(first.child.pid))
    (pid,) = [
        pid
        for pid, line in found.items()
        if "userprofile_assets.run_server" in line and "/bin/sh" not in line
    ]
    return pid


def test_a_run_of_the_ui_is_a_fork_of_the_run_server(module_project, first, run_server):
    run_id = start_stalling_run(module_project, first, "2015-05-21")
    process = process_of(module_project, run_id)
    assert process in family(run_server)
    first.web.terminate(run_id)
    wait_until(lambda: first.web.status(run_id) == "CANCELED", "the end of the run")
    # Not "as before the run": a fork of the run before may just have been ending then.
    wait_until(lambda: process not in family(run_server), "the end of its process")


def test_the_ui_has_what_a_run_prints(module_project, first):
    run_id = first.web.launch(USERS, "2015-05-22")
    wait_until(lambda: first.web.status(run_id) in ENDED, "the end of the run")
    with history(module_project) as instance:
        (captured,) = instance.all_logs(run_id, of_type=dg.DagsterEventType.LOGS_CAPTURED)
        data = captured.get_dagster_event().logs_captured_data
        logs = instance.compute_log_manager.get_log_data([run_id, "compute_logs", data.file_key])
    assert b"STEP_SUCCESS" in logs.stderr


def test_a_run_whose_process_is_killed_has_failed_at_once(module_project, first):
    run_id = start_stalling_run(module_project, first, "2015-05-23")
    os.kill(process_of(module_project, run_id), signal.SIGKILL)
    wait_until(lambda: first.web.status(run_id) == "FAILURE", "the record of its end")
    with history(module_project) as instance:
        said = [entry.message for entry in instance.all_logs(run_id)]
    assert any("ended with signal 9 before the run did" in message for message in said)


def test_a_query_goes_through_it_too_while_it_has_the_metastore(module_project, first):
    count = "SELECT COUNT(*) AS n FROM ods_user_info_d_spark WHERE dt = '20150518'"
    assert module_project.query(count) == [{"n": 50}]


def test_a_query_prints_nothing_but_json(module_project, first):
    count = "SELECT COUNT(*) AS users, MIN(dt) AS day FROM ods_user_info_d_spark"
    done = module_project.run(
        "userprofile", "query", f"{count} WHERE dt = '20150518'", "--format", "json"
    )
    assert done.code == 0, done.output
    assert json.loads(done.stdout) == [{"users": 50, "day": "20150518"}]


def test_a_second_one_on_the_same_home_is_refused(module_project, first):
    done = module_project.run("userprofile", "up", "--port", str(free_port()))
    assert done.code == 1
    assert "`userprofile up` runs already: still held by process" in done.output
    assert str(first.child.pid) in done.output


@pytest.fixture(scope="module")
def cut_off(module_project, first):
    """A run that was going on when the first `up` was killed."""
    run_id = start_stalling_run(module_project, first, STALLED_DAY)
    processes = family(first.child.pid)
    assert len(processes) > 8, commands(processes)
    first.child.kill()
    wait_for_the_end(processes)
    return run_id


@pytest.fixture(scope="module")
def second(module_project, cut_off):
    module_project.configure(LOG_URL=None)
    return start_up(module_project)


def is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def test_after_kill_minus_9_nothing_is_left_and_its_ports_are_free(cut_off, first):
    # The kernel closes the sockets of a JVM after its process has become a zombie.
    for port in (first.port, first.connect_port, first.api_port):
        wait_until(partial(is_free, port), "a free port", seconds=30)


def test_the_next_one_records_the_end_of_the_run_that_was_cut_off(second, cut_off):
    wait_until(lambda: second.web.status(cut_off) == "FAILURE", "the record of its end")


def test_the_next_one_makes_the_day_that_was_cut_off(second):
    assert second.run(["raw_log_oss", "ods_raw_log_d_spark"], STALLED_DAY) == "SUCCESS"


def test_when_spark_dies_everything_ends_and_it_is_named(second):
    processes = family(second.child.pid)
    os.kill(second.spark, signal.SIGKILL)
    done = second.child.wait()
    assert done.code == 1
    assert "spark ended with -9." in done.output
    wait_for_the_end(processes)


def test_asked_to_end_it_terminates_the_runs_and_ends_everything(
    module_project, second, stalling_log
):
    second.child.end()
    # Spark is elsewhere: only Dagster is started.
    remote = "sc://localhost:1/;token=none"
    module_project.configure(SPARK_REMOTE=remote, LOG_URL=stalling_log)
    up = start_up(module_project)
    assert "spark" not in {line.split()[0] for line in up.child.printed().splitlines() if line}
    run_id = start_stalling_run(module_project, up, "2015-05-20")
    processes = family(up.child.pid)
    os.kill(up.child.pid, signal.SIGTERM)
    done = up.child.wait()
    assert done.code == 0, done.output
    wait_for_the_end(processes)
    assert "Everything has ended." in done.output
    with history(module_project) as instance:
        (run,) = instance.get_runs(dg.RunsFilter(run_ids=[run_id]))
    assert run.status is dg.DagsterRunStatus.CANCELED


def test_a_port_that_is_taken_is_named_with_its_option(module_project):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        done = module_project.run("userprofile", "up", "--port", str(port))
    assert done.code == 1
    assert f"port {port}: another program listens there" in done.output
    assert "--port" in done.output
