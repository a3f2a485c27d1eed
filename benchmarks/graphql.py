"""What the Dagster UI does: launch runs and backfills, and wait for their end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from benchmarks.measure import MeasurementError
from userprofile_assets_tests.support.graphql import ENDED, RefusedError, WebServer

if TYPE_CHECKING:
    from collections.abc import Sequence

ASSETS = ("raw_log_oss", "user_info_oss", "ods_raw_log_d_spark", "ods_user_info_d_spark")
_LOOK_SECONDS = 0.2


class DagsterUI:
    """A running web server.

    Args:
        port: Its port on the loopback interface.
    """

    def __init__(self, port: int) -> None:
        self._web = WebServer(f"http://127.0.0.1:{port}")

    def run_day(self, day: str, *, seconds: float = 120) -> dict[str, Any]:
        """Launch a run of all assets of a day and return it when it has succeeded.

        Raises:
            MeasurementError: It did not.
        """
        try:
            run_id = self._web.launch(ASSETS, day)
        except RefusedError as error:
            raise MeasurementError(f"the run was not launched: {error}") from error
        (run,) = self._wait({"runIds": [run_id]}, 1, seconds)
        if run["status"] != "SUCCESS":
            raise MeasurementError(f"the run of {day} ended with {run['status']}")
        return run

    def backfill(self, days: Sequence[str], *, seconds: float) -> list[dict[str, Any]]:
        """Launch a backfill of all assets, as its dialog does; return its runs when all ended.

        Raises:
            MeasurementError: It was not launched, or did not end in time.
        """
        try:
            wanted = self._web.launch_backfill(ASSETS, days)
        except RefusedError as error:
            raise MeasurementError(f"the backfill was not launched: {error}") from error
        return self._wait(wanted, len(days), seconds)

    def _wait(self, wanted: dict[str, Any], count: int, seconds: float) -> list[dict[str, Any]]:
        deadline = time.monotonic() + seconds
        while True:
            runs = self._web.runs(wanted)
            if len(runs) == count and all(run["status"] in ENDED for run in runs):
                return runs
            if time.monotonic() > deadline:
                raise MeasurementError(f"not ended after {seconds:.0f} s: {runs}")
            time.sleep(_LOOK_SECONDS)
