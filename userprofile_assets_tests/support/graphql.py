"""What the Dagster UI does, by its own GraphQL: launch and terminate runs and backfills.

Also for the benchmarks, so it needs nothing but Python.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.error import URLError
from urllib.request import ProxyHandler, Request, build_opener

if TYPE_CHECKING:
    from collections.abc import Sequence

LAUNCH_RUN = """
mutation Launch($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on Error { message }
  }
}
"""
LAUNCH_BACKFILL = """
mutation Launch($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on Error { message }
  }
}
"""
TERMINATE_RUN = """
mutation Terminate($run: String!) {
  terminateRun(runId: $run) { __typename ... on Error { message } }
}
"""
RUNS = """
query Runs($filter: RunsFilter!) {
  runsOrError(filter: $filter) {
    ... on Runs {
      results { runId status creationTime startTime endTime tags { key value } }
    }
  }
}
"""
ENDED = {"SUCCESS", "FAILURE", "CANCELED"}


class RefusedError(Exception):
    """The web server answered with something else than what was asked for."""


@dataclass(frozen=True)
class WebServer:
    """The GraphQL of a `dagster-webserver`.

    Args:
        url: Its address, without a slash at the end.
    """

    url: str

    def answers(self) -> bool:
        """Tell whether it answers."""
        try:
            self._open(Request(f"{self.url}/server_info"))
        except (URLError, ConnectionError):
            return False
        return True

    def launch(self, assets: Sequence[str], day: str) -> str:
        """Launch a run of some assets of a day, as the UI does; return its id."""
        launched = self._mutate(
            "LaunchRunSuccess",
            LAUNCH_RUN,
            params={
                "selector": {
                    "repositoryLocationName": "userprofile_assets",
                    "repositoryName": "__repository__",
                    "pipelineName": "__ASSET_JOB",
                    "assetSelection": [{"path": [asset]} for asset in assets],
                },
                "mode": "default",
                "runConfigData": "{}",
                "executionMetadata": {"tags": [{"key": "dagster/partition", "value": day}]},
            },
        )
        run_id: str = launched["run"]["runId"]
        return run_id

    def launch_backfill(self, assets: Sequence[str], days: Sequence[str]) -> dict[str, Any]:
        """Launch a backfill, as its dialog does; return the filter that finds its runs."""
        launched = self._mutate(
            "LaunchBackfillSuccess",
            LAUNCH_BACKFILL,
            params={
                "assetSelection": [{"path": [asset]} for asset in assets],
                "partitionNames": list(days),
                "fromFailure": False,
                "tags": [],
            },
        )
        return {"tags": [{"key": "dagster/backfill", "value": launched["backfillId"]}]}

    def terminate(self, run_id: str) -> None:
        """Ask a run to end."""
        self._mutate("TerminateRunSuccess", TERMINATE_RUN, run=run_id)

    def status(self, run_id: str) -> str:
        """Return the status of a run."""
        (run,) = self.runs({"runIds": [run_id]})
        status: str = run["status"]
        return status

    def runs(self, wanted: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the runs that a filter finds: id, status, times, tags."""
        found: list[dict[str, Any]] = self.ask(RUNS, filter=wanted)["results"]
        return found

    def _mutate(self, success: str, mutation: str, **variables: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.ask(mutation, **variables)
        if answer["__typename"] != success:
            raise RefusedError(f"instead of {success}: {answer}")
        return answer

    def ask(self, query: str, **variables: Any) -> Any:
        """Return the one field that a query or a mutation asks for.

        Raises:
            RefusedError: The answer has errors.
        """
        body = json.dumps({"query": query, "variables": variables}).encode()
        headers = {"Content-Type": "application/json"}
        answer = json.loads(self._open(Request(f"{self.url}/graphql", body, headers)))
        if "errors" in answer:
            raise RefusedError(str(answer["errors"]))
        (data,) = answer["data"].values()
        return data

    def _open(self, request: Request) -> bytes:
        # No proxy of the machine stands before 127.0.0.1.
        with build_opener(ProxyHandler({})).open(request, timeout=60) as answer:
            content: bytes = answer.read()
        return content
