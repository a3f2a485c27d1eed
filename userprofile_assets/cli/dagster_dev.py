"""`dagster dev` as a part of `userprofile up`: web server, daemon, code server and run server.

Belongs here: its start, its answer, what it finds of runs that a former one left behind. Does not
belong here: the parts beside it (`up.py`).

`python -m userprofile_assets.cli.dagster_dev dev PORT` prepares the history and becomes `dagster
dev`; with `tidy` it ends the runs that a former one left. So whoever starts it need not import
Dagster.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import IO, TYPE_CHECKING, Any

from userprofile_assets.child_process import ChildProcess, start_child
from userprofile_assets.cli.dagster_home import prepare_dagster_home
from userprofile_assets.cli.first_answer import Part, wait_for_answer
from userprofile_assets.errors import PermanentError
from userprofile_assets.run_server import NoRunServerError, ask, find_server
from userprofile_assets.settings import Settings
from userprofile_assets.warehouse.driver_log import open_log

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping
    from pathlib import Path

    import dagster as dg

HOST = "127.0.0.1"
_LOOK_SECONDS = 0.2
# Of the seconds of the end, what the runs get; the rest is for Dagster's own processes.
_RUNS_SHARE = 0.6
# The name that workspace.yaml gives: Dagster keeps the state of schedules under it.
_LOCATION = {
    "module_name": "userprofile_assets.definitions",
    "location_name": "userprofile_assets",
}
_DAEMONS = "{ instance { daemonHealth { allDaemonStatuses { required healthy } } } }"
_GOING_ON = """{
  runsOrError(filter: {statuses: [STARTING, STARTED, CANCELING]}) {
    ... on Runs { results { runId } }
  }
}"""
_TERMINATE = """mutation ($ids: [String!]!, $policy: TerminateRunPolicy!) {
  terminateRuns(runIds: $ids, terminatePolicy: $policy) {
    ... on TerminateRunsResult {
      terminateRunResults { ... on TerminateRunSuccess { run { runId } } }
    }
  }
}"""


@dataclass(frozen=True)
class DagsterDev:
    """`dagster dev` that was started.

    Args:
        port: Port of its web server.
        process: Its process; web server, daemon, code server and runs are in the same group.
        log_file: What all of them print.
        run_server: Starts the runs (`run_server.py`); None with a Dagster home of the user's own,
            which need not know its launcher.
        history: The Dagster home under HOME.
    """

    port: int
    process: ChildProcess
    log_file: Path
    run_server: ChildProcess | None
    history: Path

    def wait(self, seconds: float, stop_event: threading.Event) -> None:
        """Wait until the web server answers and the daemon has said that it lives.

        Raises:
            PermanentError: It ended or took too long.
        """
        part = Part(
            "dagster dev",
            f"http://{HOST}:{self.port}",
            self.log_file,
            "`userprofile doctor` tests the parts one by one",
        )
        if not wait_for_answer(
            part, self.process, self._answers, seconds=seconds, stop_event=stop_event
        ):
            return
        place = find_server(self.history)
        if self.run_server is not None and place is not None:
            # Not before: until here two cores have enough to do. Without it the first run waits.
            with suppress(NoRunServerError, OSError, ValueError):
                ask(place, prepare=True)

    def exit_code(self) -> int | None:
        """Return its exit code; None while it runs."""
        return self.process.exit_code()

    def stop(self, seconds: float, hurry: threading.Event) -> bool:
        """Terminate the runs that go on, as the UI does, then end it with all its processes.

        Without the first, Dagster would have them as started for ever: nobody reports their end.
        """
        begin = time.monotonic()
        # Without an answer, what is left is recorded at the next start.
        with suppress(OSError, HTTPException, ValueError, KeyError, TypeError):
            self._terminate_runs(begin + seconds * _RUNS_SHARE, hurry)
        by_itself = self.process.stop(begin + seconds - time.monotonic(), hurry)
        if self.run_server is not None:
            self.run_server.stop(begin + seconds - time.monotonic(), hurry)
        return by_itself

    def _terminate_runs(self, deadline: float, hurry: threading.Event) -> None:
        if hurry.is_set() or not (ids := self._going_on()):
            return
        answer = self._query(_TERMINATE, ids=ids, policy="SAFE_TERMINATE")
        results = answer["terminateRuns"]["terminateRunResults"]
        # A run of the command line cannot be terminated from here, and goes on without the UI.
        asked = {result["run"]["runId"] for result in results if "run" in result}
        while left := asked & set(self._going_on()):
            if time.monotonic() > deadline or hurry.wait(_LOOK_SECONDS):
                # Dagster repeats a terminated step that has a retry policy, so it may well go on.
                force = "MARK_AS_CANCELED_IMMEDIATELY"
                self._query(_TERMINATE, ids=sorted(left), policy=force)
                return

    def _going_on(self) -> list[str]:
        """Return the ids of the runs that go on."""
        return [run["runId"] for run in self._query(_GOING_ON)["runsOrError"]["results"]]

    def _answers(self) -> bool:
        try:
            if _ask(self.port, "GET", "/server_info") is None:
                return False
            health = self._query(_DAEMONS)["instance"]["daemonHealth"]
            daemons = health["allDaemonStatuses"]
            return all(daemon["healthy"] for daemon in daemons if daemon["required"])
        except (OSError, HTTPException, ValueError, KeyError, TypeError):
            return False

    def _query(self, query: str, **variables: object) -> Any:
        """Return the data of a GraphQL answer."""
        body = {"query": query, "variables": variables}
        return _ask(self.port, "POST", "/graphql", body)["data"]


def start_dagster_dev(
    settings: Settings, *, port: int, environment: Mapping[str, str]
) -> DagsterDev:
    """Start `dagster dev` and return at once.

    Args:
        settings: The settings.
        port: Port of the web server, on the loopback interface.
        environment: Set for it and for the runs that it launches.

    Raises:
        PermanentError: It could not be started.
    """
    log_file = settings.home / "logs" / "dagster" / f"up-{os.getpid()}.log"
    command = [sys.executable, "-m", "userprofile_assets.cli.dagster_dev"]
    environment = {**os.environ, **environment}
    history, run_server = settings.home / "dagster", None
    try:
        with open_log(log_file) as log:
            if not os.environ.get("DAGSTER_HOME"):
                # First, so that the launcher finds its socket.
                run_server = _start_run_server(history, output=log, environment=environment)
            process = start_child([*command, "dev", str(port)], output=log, env=environment)
            # Beside it, since importing Dagster for it takes two seconds.
            start_child([*command, "tidy"], output=log, env=environment)
    except OSError as error:
        raise PermanentError(
            f"`dagster dev` could not be started ({error.strerror})", where=sys.executable
        ) from error
    return DagsterDev(port, process, log_file, run_server, history)


def _start_run_server(
    history: Path, *, output: IO[bytes], environment: Mapping[str, str]
) -> ChildProcess:
    history.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "userprofile_assets.run_server", str(history)]
    return start_child(command, output=output, env={**environment, "DAGSTER_HOME": str(history)})


def main(arguments: list[str]) -> None:
    """Prepare the history, then become `dagster dev` or tidy up behind a former one."""
    home = prepare_dagster_home(Settings.load())
    if arguments[0] == "tidy":
        for run_id in end_abandoned_runs():
            sys.stdout.write(f"run {run_id} was cut off with a former one; recorded as failed\n")
        return
    workspace = home / "userprofile-workspace.yaml"
    # JSON is YAML.
    workspace.write_text(json.dumps({"load_from": [{"python_module": _LOCATION}]}), "utf-8")
    # Otherwise each start recommends a command that this project does not install.
    os.environ.setdefault("PYTHONWARNINGS", "ignore:Function `dev_command` is superseded")
    command = [sys.executable, "-m", "dagster", "dev", "-w", str(workspace)]
    os.execv(sys.executable, [*command, "-h", HOST, "-p", arguments[1]])  # noqa: S606 - our own


def end_abandoned_runs() -> list[str]:
    """Record the end of runs whose server is gone, which nobody else would record.

    Such a run keeps its place in the pools until max_runtime_seconds are over. Runs of the command
    line have no server and are left alone.

    Returns:
        The ids of the runs.
    """
    import dagster as dg

    going_on = [
        dg.DagsterRunStatus.STARTING,
        dg.DagsterRunStatus.STARTED,
        dg.DagsterRunStatus.CANCELING,
    ]
    with dg.DagsterInstance.get() as instance:
        runs = [
            run
            for run in instance.get_runs(filters=dg.RunsFilter(statuses=going_on))
            if _has_lost_its_server(run)
        ]
        for run in runs:
            instance.report_run_failed(
                run, message="The run was cut off with `userprofile up`. Launch it again."
            )
    return [run.run_id for run in runs]


def _has_lost_its_server(run: dg.DagsterRun) -> bool:
    from dagster._core.storage.tags import GRPC_INFO_TAG

    from userprofile_assets.run_launcher import SERVER_TAG

    code_server = json.loads(run.tags.get(GRPC_INFO_TAG) or "{}").get("socket")
    places = [place for place in (run.tags.get(SERVER_TAG), code_server) if place]
    return bool(places) and not any(map(_listens, places))


def _listens(place: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(place)
        except OSError:
            return False
    return True


def _ask(port: int, method: str, path: str, body: Any = None) -> Any:
    """Return the answer of the web server, read as JSON; None when it refuses."""
    connection = HTTPConnection(HOST, port, timeout=5)
    try:
        content = None if body is None else json.dumps(body)
        connection.request(method, path, content, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        content = answer.read().decode("utf-8")
        return json.loads(content) if answer.status == 200 else None
    finally:
        connection.close()


if __name__ == "__main__":
    main(sys.argv[1:])
