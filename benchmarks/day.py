"""`day`: one day through Dagster against a plain PySpark script that makes the same tables.

Both are new processes on homes whose metastore and tables exist; each round makes a new day. The
warm-up makes the metastore: the first day of a new home.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import MeasurementError
from benchmarks.project import TIMEZONE, Project, Setup, day_of
from benchmarks.report import Report, figures, ratio, table, verdict
from benchmarks.rounds import alternate
from userprofile_assets.bizdate import to_bizdate
from userprofile_assets.warehouse.java import find_java
from userprofile_assets.warehouse.session_options import SessionOptions, spark_conf

if TYPE_CHECKING:
    from benchmarks.measure import Measured

_RATIO = 1.5
_SECONDS = 12.0
_BARE = Path(__file__).with_name("bare_day.py")


def measure(setup: Setup) -> Report:
    """Measure both sides and compare what they stored."""
    ours, bare = Project(setup.root / "ours"), Project(setup.root / "bare")
    rounds = setup.rounds()
    ours.make_sources(map(day_of, range(rounds + 1)))
    setup.link_archive(ours)
    setup.link_archive(bare)
    # What the project's own session sets for itself; the script is started the same way.
    bare.env["SPARK_LOCAL_IP"] = "127.0.0.1"

    def dagster(number: int) -> Measured:
        return ours.materialize("*", "--partition", day_of(number).isoformat())

    def script(number: int) -> Measured:
        job = _write_job(ours, bare, to_bizdate(day_of(number)))
        measured = bare.python(_BARE, job)
        _compare(ours.storage, bare.storage)
        return measured

    series = alternate({"Dagster": dagster, "plain script": script}, rounds=rounds)
    with_dagster, plain = series["Dagster"], series["plain script"]
    report = Report("One day, 20,000 log lines and 5,000 users")
    report.add(
        "Each a new process on an existing metastore, with the class archive, a new day each time; "
        "the same Spark configuration, and the same bytes stored.",
        figures(series),
        ratio("Dagster against plain script", with_dagster, plain, goal=_RATIO),
        f"Seconds of the day: {verdict(with_dagster.median_seconds, _SECONDS, ' s')}.",
    )
    first = [side.warm_up.seconds for side in series.values() if side.warm_up]
    if first:
        report.add(
            "The warm-up, one sample, is the first day of a new home, which makes the metastore: "
            f"{first[0]:.1f} s with Dagster, {first[1]:.1f} s by the script."
        )
    report.add("Where the time of the last day went:", _timeline(ours, with_dagster.runs[-1]))
    return report


def _write_job(ours: Project, bare: Project, bizdate: str) -> Path:
    options = SessionOptions(home=bare.home, master="local[*]", timezone=TIMEZONE)
    job = {
        "conf": spark_conf(options, find_java()),
        "log": str(ours.home / "sources" / "log" / f"user_log_{bizdate}.txt"),
        "database": str(ours.home / "sources" / "workshop.db"),
        "storage": str(bare.storage),
        "bizdate": bizdate,
    }
    path = bare.directory / "job.json"
    path.write_text(json.dumps(job), encoding="utf-8")
    return path


def _compare(ours: Path, bare: Path) -> None:
    """Refuse figures of two sides that did not store the same objects."""
    one, other = _objects(ours), _objects(bare)
    if one != other or not one:
        raise MeasurementError(
            f"the sides stored different objects: {sorted(one)} and {sorted(other)} "
            "(same names: different bytes)"
        )


def _objects(storage: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(storage)): path.read_bytes()
        for path in storage.rglob("*.txt")
        if not path.parent.name.startswith("_")
    }


def _timeline(project: Project, run: Measured) -> str:
    """Return the table of what happened when, from the run's events in Dagster's history."""
    events = json.loads(project.python("-m", "benchmarks.timeline").stdout)
    rows = []
    before = run.started
    for event in [*events, {"at": run.started + run.seconds, "what": "exit of the process"}]:
        rows.append(
            (event["what"], f"{event['at'] - run.started:.2f}", f"{event['at'] - before:.2f}")
        )
        before = event["at"]
    return table(("until", "at, s", "since the line above, s"), rows)
