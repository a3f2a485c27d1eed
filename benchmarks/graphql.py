"""What the Dagster UI does, by its own GraphQL: launch runs and backfills, look at them."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.request import ProxyHandler, Request, build_opener

from benchmarks.measure import MeasurementError

if TYPE_CHECKING:
    from collections.abc import Sequence

ASSETS = ("raw_log_oss", "user_info_oss", "ods_raw_log_d_spark", "ods_user_info_d_spark")
_LOOK_SECONDS = 0.2
_ENDED = {"SUCCESS", "FAILURE", "CANCELED"}

_LAUNCH_RUN = """
mutation Launch($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}
"""
_LAUNCH_BACKFILL = """
mutation Launch($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}
"""
_RUNS = """
query Runs($filter: RunsFilter!) {
  runsOrError(filter: $filter) {
    ... on Runs { results { runId status creationTime startTime endTime } }
  }
}
"""


@dataclass(frozen=True)
class DagsterUI:
    """A running web server.

    Args:
        port: Its port on the loopback interface.
    """

    port: int

    def run_day(self, day: str, *, seconds: float = 120) -> dict[str, Any]:
        """Launch a run of all assets of a day and return it when it has succeeded.

        Raises:
            MeasurementError: It did not.
        """
        answer = self._ask(
            _LAUNCH_RUN,
            params={
                "selector": {
                    "repositoryLocationName": "userprofile_assets",
                    "repositoryName": "__repository__",
                    "pipelineName": "__ASSET_JOB",
                    "assetSelection": [{"path": [asset]} for asset in ASSETS],
                },
                "mode": "default",
                "runConfigData": "{}",
                "executionMetadata": {"tags": [{"key": "dagster/partition", "value": day}]},
            },
        )
        if answer["__typename"] != "LaunchRunSuccess":
            raise MeasurementError(f"the run was not launched: {answer}")
        (run,) = self._wait({"runIds": [answer["run"]["runId"]]}, 1, seconds)
        if run["status"] != "SUCCESS":
            raise MeasurementError(f"the run of {day} ended with {run['status']}")
        return run

    def backfill(self, days: Sequence[str], *, seconds: float) -> list[dict[str, Any]]:
        """Launch a backfill of all assets, as its dialog does; return its runs when all ended."""
        answer = self._ask(
            _LAUNCH_BACKFILL,
            params={
                "assetSelection": [{"path": [asset]} for asset in ASSETS],
                "partitionNames": list(days),
                "fromFailure": False,
                "tags": [],
            },
        )
        if answer["__typename"] != "LaunchBackfillSuccess":
            raise MeasurementError(f"the backfill was not launched: {answer}")
        tag = {"key": "dagster/backfill", "value": answer["backfillId"]}
        return self._wait({"tags": [tag]}, len(days), seconds)

    def _wait(self, wanted: dict[str, Any], count: int, seconds: float) -> list[dict[str, Any]]:
        deadline = time.monotonic() + seconds
        while True:
            runs: list[dict[str, Any]] = self._ask(_RUNS, filter=wanted)["results"]
            if len(runs) == count and all(run["status"] in _ENDED for run in runs):
                return runs
            if time.monotonic() > deadline:
                raise MeasurementError(f"not ended after {seconds:.0f} s: {runs}")
            time.sleep(_LOOK_SECONDS)

    def _ask(self, query: str, **variables: Any) -> Any:
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = Request(
            f"http://127.0.0.1:{self.port}/graphql", body, {"Content-Type": "application/json"}
        )
        with build_opener(ProxyHandler({})).open(request, timeout=60) as answer:
            found = json.loads(answer.read())
        if "errors" in found:
            raise MeasurementError(f"GraphQL: {found['errors']}")
        (data,) = found["data"].values()
        return data
