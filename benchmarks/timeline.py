"""Print the times of the last run's steps as JSON, from the history under DAGSTER_HOME.

A process of its own, since the measuring one imports no Dagster (see `measure.py`).
"""

from __future__ import annotations

import json
import sys

import dagster as dg

_KINDS = {
    dg.DagsterEventType.RUN_START: "begin of the run",
    dg.DagsterEventType.STEP_START: "begin of",
    dg.DagsterEventType.STEP_SUCCESS: "end of",
    dg.DagsterEventType.RUN_SUCCESS: "end of the run",
}


def main() -> None:
    """Print `what` and `at`, in seconds since the epoch, of each step of the last run."""
    with dg.DagsterInstance.get() as instance:
        run = instance.get_runs(limit=1)[0]
        found = []
        for entry in instance.all_logs(run.run_id, of_type=set(_KINDS)):
            event = entry.dagster_event
            if event is not None:
                what = f"{_KINDS[event.event_type]} {event.step_key or ''}".strip()
                found.append({"what": what, "at": entry.timestamp})
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
