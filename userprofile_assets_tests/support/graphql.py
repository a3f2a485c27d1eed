"""What the Dagster UI does, by its own GraphQL."""

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
    ... on PythonError { message }
  }
}
"""
RUNS = """
query Runs($filter: RunsFilter!) {
  runsOrError(filter: $filter) { ... on Runs { results { status tags { key value } } } }
}
"""


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
        launched = self.ask(
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
        assert launched["__typename"] == "LaunchRunSuccess", launched
        run_id: str = launched["run"]["runId"]
        return run_id

    def status(self, run_id: str) -> str:
        """Return the status of a run."""
        (run,) = self.ask(RUNS, filter={"runIds": [run_id]})["results"]
        status: str = run["status"]
        return status

    def ask(self, query: str, **variables: Any) -> Any:
        """Return the one field that a query or a mutation asks for."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        headers = {"Content-Type": "application/json"}
        answer = json.loads(self._open(Request(f"{self.url}/graphql", body, headers)))
        assert "errors" not in answer, answer
        (data,) = answer["data"].values()
        return data

    def _open(self, request: Request) -> bytes:
        # No proxy of the machine stands before 127.0.0.1.
        with build_opener(ProxyHandler({})).open(request, timeout=60) as answer:
            content: bytes = answer.read()
        return content
