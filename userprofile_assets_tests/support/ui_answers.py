"""Everything that a Dagster web server tells: all fields of its GraphQL, and its debug files.

Belongs here: asking for all fields that there are, found by introspection, so that a field of a
later version is asked for too. Does not belong here: launching runs (`graphql.py`), what the
answers should say.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

from userprofile_assets_tests.support.ports import free_port
from userprofile_assets_tests.support.project import CHECKOUT, wait_until

if TYPE_CHECKING:
    from userprofile_assets_tests.support.canaries import Piece
    from userprofile_assets_tests.support.project import ScratchProject

# [[X!]!]! is X with five wrappings.
_TYPE = "kind name" + " ofType { kind name" * 6 + " }" * 6
_SCHEMA = f"""{{ __schema {{ types {{ name kind possibleTypes {{ name }} fields {{
  name type {{ {_TYPE} }} args {{ name defaultValue type {{ kind }} }} }} }} }} }}"""

# Each is asked for by itself; within each other they have no end.
_ROOTS = {"Asset", "AssetNode", "Job", "Pipeline", "Repository", "Run", "Schedule", "Sensor"}

_MOST_FAILING = 10

# Fields that fail in Dagster 1.13, as `everything` would find out. Known, they save the web server
# 40 s of CPU: three of them look at each partition of each asset.
_KNOWN_TO_FAIL = {
    "AssetMaterializationPlannedEvent_pipelineName",
    "AssetNode_dataVersionByPartition",
    "AssetNode_staleCausesByPartition",
    "AssetNode_staleStatusByPartition",
    "SolidHandle_stepStats",
}


@dataclass(frozen=True)
class Answers:
    """The answers of one web server."""

    url: str

    def listens(self) -> bool:
        """Tell whether the server answers at all."""
        try:
            self.get("/server_info")
        except (URLError, ConnectionError):
            return False
        return True

    def get(self, path: str, body: bytes | None = None) -> bytes:
        """Return an answer as it is."""
        request = Request(self.url + path, body, {"Content-Type": "application/json"})
        # No proxy of the machine stands before 127.0.0.1.
        try:
            with build_opener(ProxyHandler({})).open(request, timeout=120) as answer:
                content: bytes = answer.read()
        except HTTPError as error:  # 500: what it could answer, with the errors of single fields
            with error:
                content = error.read()
        return content

    def ask(self, query: str, **variables: Any) -> bytes:
        """Return the answer to a query, with the errors of single fields."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        return self.get("/graphql", body)

    def everything(
        self, field: str, *, depth: int, about: str = "", declared: str = "", **variables: Any
    ) -> Piece:
        """Ask for all that is under a field of the query root.

        Args:
            field: With its arguments: `logsForRun(runId: $run)`.
            depth: How far down.
            about: Which of the kinds that are asked for by themselves this is about, if any.
            declared: The variables: `$run: ID!`.
            variables: Their values.

        Returns:
            What was asked for, and the answer.
        """
        name = field.partition("(")[0]
        (found,) = (f for f in self._types["Query"]["fields"] if f["name"] == name)
        head = f"query All({declared})" if declared else "query All"
        answers = b""
        failed = set(_KNOWN_TO_FAIL)
        # A field that fails can take all the others with it, so it is left out then.
        for _ in range(_MOST_FAILING):
            above = {"Query", *_ROOTS} - {about}
            selected = self._select(_named(found["type"]), depth, above, failed)
            answer = self.ask(f"{head} {{ {field} {{ {selected} }} }}", **variables)
            answers += answer
            errors = json.loads(answer).get("errors", [])
            if not errors:
                return f"GraphQL's {name}", answers
            failed |= {[p for p in error["path"] if isinstance(p, str)][-1] for error in errors}
        raise AssertionError(f"{name} fails: {errors}"[:2000])

    @cached_property
    def _types(self) -> dict[str, Any]:
        return {t["name"]: t for t in json.loads(self.ask(_SCHEMA))["data"]["__schema"]["types"]}

    def _select(self, name: str, depth: int, above: set[str], failed: set[str]) -> str:
        """Return the selection of all fields of a type that need no argument, but `failed`."""
        found = self._types[name]
        if found["kind"] in {"UNION", "INTERFACE"}:
            kinds = [p["name"] for p in found["possibleTypes"] if p["name"] not in above]
            inner = {kind: self._select(kind, depth, above | {name}, failed) for kind in kinds}
            return " ".join(
                ["__typename", *(f"... on {kind} {{ {text} }}" for kind, text in inner.items())]
            )
        fields = ["__typename"]
        for item in found["fields"] or []:
            is_out = f"{name}_{item['name']}" in failed
            if is_out or any(_is_required(argument) for argument in item["args"]):
                continue
            kind = _named(item["type"])
            # Types of one union may have fields of one name and different kinds: aliases differ.
            alias = f"{name}_{item['name']}: {item['name']}"
            if self._types[kind]["kind"] in {"SCALAR", "ENUM"}:
                fields.append(alias)
            elif depth > 0 and kind not in above:
                inside = self._select(kind, depth - 1, above | {name}, failed)
                fields.append(f"{alias} {{ {inside} }}")
        return " ".join(fields)


def _is_required(argument: dict[str, Any]) -> bool:
    return argument["type"]["kind"] == "NON_NULL" and argument["defaultValue"] is None


def _named(kind: dict[str, Any]) -> str:
    """Return the name of a type without its lists and non-nulls."""
    while kind.get("ofType"):
        kind = kind["ofType"]
    name: str = kind["name"]
    return name


def ui_of(project: ScratchProject) -> list[Piece]:
    """Start a web server on a project's history and return everything that it tells of it."""
    port = free_port()
    child = project.start(
        "dagster-webserver", "-w", str(CHECKOUT / "workspace.yaml"), "-p", str(port)
    )
    server = Answers(f"http://127.0.0.1:{port}")

    def listens() -> bool:
        child.check_alive()
        return server.listens()

    wait_until(listens, "the web server's answer")
    pieces = [
        server.everything("repositoriesOrError", about="Repository", depth=3),
        server.everything("workspaceOrError", depth=3),
        server.everything("instance", depth=0),
        server.everything("assetNodes", about="AssetNode", depth=2),
        server.everything("assetsOrError", about="Asset", depth=4),
        server.everything("runsOrError", about="Run", depth=3),
    ]
    for run in project.instance.get_runs():
        identity = {"declared": "$run: ID!", "run": run.run_id}
        pieces += [
            server.everything("logsForRun(runId: $run)", depth=3, **identity),
            ("the debug file", gzip.decompress(server.get(f"/download_debug/{run.run_id}"))),
        ]
    pieces.append(
        server.everything(
            "pipelineSnapshotOrError(snapshotId: $id)",
            depth=4,
            declared="$id: String",
            id=run.job_snapshot_id,
        )
    )
    child.end()
    return pieces
