"""Print for runs of the history under DAGSTER_HOME how many seconds their Spark statements took.

`python -m benchmarks.statements RUN...` prints a JSON object. A process of its own, since the
measuring one imports no Dagster (see `measure.py`).
"""

from __future__ import annotations

import json
import re
import sys

import dagster as dg

# What `warehouse/executor.py` logs of each statement.
_STATEMENT = re.compile(r"^([0-9]+\.[0-9]{2}) s: ")


def main(run_ids: list[str]) -> None:
    """Print the seconds of each run's statements."""
    with dg.DagsterInstance.get() as instance:
        seconds = {
            run_id: sum(
                float(found[1])
                for entry in instance.all_logs(run_id)
                if (found := _STATEMENT.match(entry.user_message))
            )
            for run_id in run_ids
        }
    sys.stdout.write(json.dumps(seconds) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
