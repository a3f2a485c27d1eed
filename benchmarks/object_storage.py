"""`s3a`: a day of a million lines with objects and tables on S3, against local files.

Both sides are whole processes: copies, a cold Spark, both tables, both counts. The S3 server is
versitygw, which checks credentials.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from benchmarks.measure import MeasurementError
from benchmarks.peers import install
from benchmarks.peers.servers import BUCKET, REGION, versitygw_s3
from benchmarks.project import Project, Setup, day_of
from benchmarks.report import Report, figures, ratio
from benchmarks.rounds import alternate, tell

if TYPE_CHECKING:
    from benchmarks.measure import Measured

_LINES = 1_000_000
_QUICK_LINES = 20_000
_RATIO = 1.5


def measure(setup: Setup) -> Report:
    """Measure both sides in turn."""
    lines = _QUICK_LINES if setup.quick else _LINES
    peers = install.Peers()
    peer = peers.get("versitygw", install.versitygw)
    if peer is None:
        raise MeasurementError(f"there is no S3 server: {peers.missing}")
    with versitygw_s3(peer, setup.root) as server:
        local = Project(setup.root / "local", {"DEMO_LINES": str(lines)})
        remote = Project(
            setup.root / "s3",
            {
                "DEMO_LINES": str(lines),
                "STORAGE_URI": f"s3://{BUCKET}/warehouse",
                "OSS_ENDPOINT": server.endpoint,
                "OSS_REGION": REGION,
                "OSS_PROFILE": "other",
                "OSS_ACCESS_KEY_ID": server.access_key_id,
                "OSS_ACCESS_KEY_SECRET": server.access_key_secret,
            },
        )
        tell("fetching the jars")
        remote.python("-m", "userprofile_assets.cli.main", "spark", "jars")
        rounds = setup.rounds()
        for project in (local, remote):
            setup.link_archive(project)
            project.make_sources(map(day_of, range(rounds + 1)), lines=lines)

        def on(project: Project, number: int) -> Measured:
            return project.materialize("*", "--partition", day_of(number).isoformat())

        series = alternate(
            {
                "s3a://": lambda number: on(remote, number),
                "local files": lambda number: on(local, number),
            },
            rounds=rounds,
        )
        shutil.rmtree(server.directory / "warehouse", ignore_errors=True)
    report = Report(f"One day of {lines:,} log lines, on S3 and on local files")
    report.add(
        f"{peer.name} {peer.version} on loopback. Each a new process with a cold Spark.",
        figures(series),
        ratio("s3a:// against local files", series["s3a://"], series["local files"], goal=_RATIO),
    )
    return report
