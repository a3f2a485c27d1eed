"""Dagster's launcher for the runs of `userprofile up`: forks of a process that is ready for them.

Belongs here: what Dagster calls. Does not belong here: the process that forks (`run_server.py`).
`cli/dagster_home.py` names this class in the dagster.yaml that it writes. Without the server, runs
are launched as Dagster does it by default.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg
from dagster._grpc.types import ExecuteRunArgs

from userprofile_assets.run_server import NoRunServerError, ask, find_server

if TYPE_CHECKING:
    from dagster._core.launcher.base import LaunchRunContext

# The prefix keeps it out of the UI's list of tags.
SERVER_TAG = ".dagster/userprofile_run_server"


class ForkingRunLauncher(dg.DefaultRunLauncher):
    """Launches runs on the run server beside this history, or on the code server without one."""

    def launch_run(self, context: LaunchRunContext) -> None:
        """Launch a run.

        Raises:
            OSError: The server took the request and did not answer. The run may go on there, so
                nobody else may get it.
        """
        run, origin = context.dagster_run, context.job_code_origin
        place = find_server(self._instance.root_directory)
        if place is None or origin is None:
            super().launch_run(context)
            return
        command = ExecuteRunArgs(
            job_origin=origin, run_id=run.run_id, instance_ref=self._instance.get_ref()
        ).get_command_args()
        # Before the launch, so that it is there as long as the run is.
        self._instance.add_run_tags(run.run_id, {SERVER_TAG: place})
        try:
            ask(place, run_id=run.run_id, launch=command[command.index("api") :])
        except NoRunServerError:
            super().launch_run(context)

    def terminate(self, run_id: str) -> bool:
        """Ask a run to end; return whether there is a process that was asked."""
        run = self._instance.get_run_by_id(run_id)
        place = run.tags.get(SERVER_TAG) if run else None
        if run is None or place is None or run.is_finished:
            return bool(super().terminate(run_id))  # type: ignore[no-untyped-call]
        try:
            if ask(place, run_id=run_id)["running"]:
                # Before it is asked: its own report of the end comes last.
                self._instance.report_run_canceling(run)
                return bool(ask(place, run_id=run_id, terminate=True)["running"])
        except NoRunServerError:
            pass
        # Perhaps the code server took it.
        return bool(super().terminate(run_id))  # type: ignore[no-untyped-call]
