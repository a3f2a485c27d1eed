"""Several processes that live and end as one."""

from __future__ import annotations

import io
import os
import signal
import socket
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from userprofile_assets.child_process import ChildProcess, start_child
from userprofile_assets.cli.processes import Part, Supervisor
from userprofile_assets.cli.up_ports import UpPorts, check_port
from userprofile_assets.errors import PermanentError, SparkError
from userprofile_assets_tests.support.ports import free_port
from userprofile_assets_tests.support.project import wait_until


@dataclass
class ShellPart:
    """A shell script; it answers when it has printed `ready`."""

    process: ChildProcess
    log_file: Path

    def wait(self, seconds, stop_event):
        while not stop_event.is_set():
            ended = self.process.exit_code() is not None  # asked first: it may print, then end
            if "ready" in self.log_file.read_text():
                return
            if ended:
                raise SparkError("it ended before it answered", where="the script")
            stop_event.wait(0.01)

    def exit_code(self):
        return self.process.exit_code()

    def stop(self, seconds, hurry):
        return self.process.stop(seconds, hurry)


@dataclass
class Crew:
    """Parts made of scripts, what is printed, and the supervisor's thread of control."""

    directory: Path
    out: io.StringIO

    def part(self, name, script):
        def start(stop_event):
            log = self.directory / f"{name}.log"
            with log.open("wb") as output:
                child = start_child(["sh", "-c", script], output=output, env=os.environ)
            (self.directory / f"{name}.pid").write_text(str(child.pid))
            return ShellPart(child, log)

        return Part(name=name, address=f"here/{name}", start=start)

    def run(self, *scripts, **options):
        parts = [self.part(f"part{n}", script) for n, script in enumerate(scripts)]
        return Supervisor(parts, out=self.out, **options).run()

    def signal_when(self, sentence, number, times=1):
        """Send this process a signal as soon as something was printed."""

        def send():
            wait_until(lambda: self.out.getvalue().count(sentence) >= 1, sentence)
            os.kill(os.getpid(), number)
            if times == 2:
                wait_until(lambda: "Ending everything" in self.out.getvalue(), "the first signal")
                os.kill(os.getpid(), number)

        threading.Thread(target=send, daemon=True).start()

    def printed(self):
        return self.out.getvalue()


@pytest.fixture
def crew(tmp_path):
    return Crew(tmp_path, io.StringIO())


READY = "echo ready; exec sleep 1000"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_all_parts_and_is_no_failure(crew, number):
    crew.signal_when("All parts answer", number)
    assert crew.run(READY, READY) == 0
    assert "part0 answers after" in crew.printed()
    assert "here/part1" in crew.printed()
    assert crew.printed().endswith("Everything has ended.\n")
    assert "was killed" not in crew.printed()


def test_a_part_that_ends_takes_the_others_with_it_and_is_named(crew):
    assert crew.run(READY, "echo ready; exit 7") == 1
    assert "part1 ended with 7." in crew.printed()
    pid = int((crew.directory / "part0.pid").read_text())
    assert not Path(f"/proc/{pid}").exists()


def test_a_part_that_never_answers_is_named_with_its_reason(crew):
    assert crew.run(READY, "exit 1") == 1
    assert "part1 failed: the script: it ended before it answered" in crew.printed()
    assert "All parts answer" not in crew.printed()


def test_each_line_of_a_part_is_passed_on_behind_its_name(crew):
    crew.signal_when("| red", signal.SIGINT)
    crew.run("echo ready; printf 'one\\ntwo\\n\\033[31mred\\033[0m\\n'; sleep 1000", READY)
    lines = crew.printed().splitlines()
    assert [line for line in lines if line.startswith("part0 | ")] == [
        "part0 | ready",
        "part0 | one",
        "part0 | two",
        "part0 | red",
    ]


def test_the_second_signal_waits_for_nobody(crew):
    stubborn = "trap '' TERM; echo ready; while :; do sleep 0.01; done"
    crew.signal_when("All parts answer", signal.SIGINT, times=2)
    assert crew.run(stubborn, stop_seconds=1000) == 0
    assert "part0 did not end by itself and was killed." in crew.printed()


def test_a_part_that_had_to_be_killed_is_no_clean_end(crew):
    crew.signal_when("All parts answer", signal.SIGINT)
    crew.run("trap '' TERM; echo ready; while :; do sleep 0.01; done", stop_seconds=0.1)
    assert "part0 did not end by itself and was killed." in crew.printed()


def test_when_all_parts_answer_somebody_is_told_once(crew):
    told = []
    crew.signal_when("All parts answer", signal.SIGINT)
    crew.run(READY, READY, on_ready=lambda: told.append(crew.printed()))
    assert len(told) == 1
    assert "All parts answer" in told[0]


def test_a_free_port_is_taken_near_one_that_another_program_has(settings):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        other, another = free_port(), free_port()
        chosen = UpPorts(ui=other, connect=another, api=port).free(settings)
    assert (chosen.ui, chosen.connect) == (other, another)
    assert port < chosen.api <= port + 50


def test_no_port_is_given_to_two_parts(settings):
    port = free_port()
    chosen = UpPorts(ui=port, connect=port, api=port).free(settings)
    assert len({chosen.ui, chosen.connect, chosen.api}) == 3


def test_a_port_that_is_taken_is_named_with_the_option_that_changes_it():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PermanentError, match=f"port {port}: another program listens") as raised:
            check_port(port, option="--connect-port")
    assert "--connect-port" in str(raised.value)
    check_port(free_port(), option="--connect-port")
