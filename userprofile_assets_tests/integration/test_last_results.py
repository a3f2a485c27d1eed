"""What of a day's results holds: the last run's, and what a check by hand cannot ask again."""

from __future__ import annotations

import pytest

from userprofile_assets.quality.refusals import read_refusals
from userprofile_assets.records.database import open_records
from userprofile_assets.records.partitions import read_quality
from userprofile_assets.records.tables import tables
from userprofile_assets.serving.read_quality import results, verdicts

DAY = "20240807"
LINES = ("lines_accounted_for", "failed")
ROWS = ("rows_equal_manifest", "failed")
MEASURED = ("rules_measured", "failed")
EMPTY = ("row_count_above_0", "failed")
FULL = ("row_count_above_0", "passed")

# Runs in their order -> the results that hold.
HELD = {
    "a check by hand asks the rules again": (
        [("run-1", [EMPTY]), ("check-1", [FULL])],
        [FULL],
    ),
    "lines that are lost stay lost": (
        [("run-1", [LINES, FULL]), ("check-1", [FULL])],
        [LINES, FULL],
    ),
    "so do rows": ([("run-1", [ROWS, FULL]), ("check-1", [FULL])], [FULL, ROWS]),
    "after two checks too": (
        [("run-1", [LINES]), ("check-1", [EMPTY]), ("check-2", [FULL])],
        [LINES, FULL],
    ),
    "a check by hand measures the rules": ([("run-1", [MEASURED]), ("check-1", [FULL])], [FULL]),
    "a run that makes the day again lifts it": (
        [("run-1", [LINES]), ("check-1", [FULL]), ("run-2", [FULL])],
        [FULL],
    ),
    "it stays lifted": ([("run-1", [LINES]), ("run-2", [FULL]), ("check-1", [FULL])], [FULL]),
    "a later try of the run counts": (
        [("run-1", [LINES]), ("run-1", [("lines_accounted_for", "passed"), FULL])],
        [("lines_accounted_for", "passed"), FULL],
    ),
    "a check of a day that no run told of": ([("check-1", [FULL])], [FULL]),
}


@pytest.mark.parametrize(("runs", "held"), HELD.values(), ids=HELD)
def test_results_of_a_run_hold_until_they_are_asked_again(tmp_path, runs, held):
    rows = [
        {
            "table_name": "logs",
            "dt": DAY,
            "rule": rule,
            "metric": rule,
            "strength": "strong",
            "status": status,
            "message": "",
            "run_id": run,
            "checked_at": f"2024-08-08T00:32:0{second}.000000Z",
        }
        for second, (run, said) in enumerate(runs)
        for rule, status in said
    ]
    with open_records(None, tmp_path) as records:
        records.write(lambda connection: connection.execute(tables().dq_result.insert(), rows))
        refusals = [(one.rule, "failed") for one in read_refusals(records, ["logs"], DAY)]
        quality = read_quality(records, "logs", [DAY])[DAY]
        served: list[tuple[str, str]] = []
        statuses: dict[str, list[str]] = {}

        def read(connection):
            served.extend((row.rule, row.status) for row in results(connection, DAY))
            statuses.update(verdicts(connection, [DAY]))

        records.write(read)
    assert sorted(refusals) == sorted(one for one in held if one[1] == "failed")
    assert sum(quality.counts.values()) == len(held)
    assert served == sorted(held)
    assert sorted(statuses[DAY]) == sorted(status for _, status in held)
