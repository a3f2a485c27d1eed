"""`download`: a log over HTTP into an S3 server, beside the tools one would pick instead.

The log comes from `peers/file_server.py`, which costs next to nothing (sendfile), and goes to a
server that checks credentials. Each object is compared with the file on the server's disk after
each run, not timed.
"""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.export import start_s3_servers, versions
from benchmarks.measure import Measured, MeasurementError
from benchmarks.peers import install
from benchmarks.peers.contest import GOAL_HEADER, Contender, Goal, Result, contest, part
from benchmarks.peers.ours import KEY
from benchmarks.peers.processes import OURS, ours_env, shell
from benchmarks.peers.servers import BUCKET, OURS_PREFIX, S3Server, file_server
from benchmarks.project import FIRST_DAY, SEED, TIMEZONE, USERS
from benchmarks.report import MEGABYTE, Report, figures, megabytes, table, verdict
from benchmarks.rounds import tell
from userprofile_assets.demo.sources import write_log

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.peers.install import Peer
    from benchmarks.project import Setup

_MEBIBYTES = 1024
_QUICK_MEBIBYTES = 64
_MEBIBYTE = 1024**2
_SAMPLE_LINES = 20_000
_GOAL_RATIO = 0.8
_GOAL_MEGABYTES = 200
_LOG = "log.txt"


def _ours(server: S3Server) -> str:
    return f"ours to {server.name}"


def _copyurl(server: S3Server) -> str:
    return f"rclone copyurl to {server.name}"


def measure(setup: Setup) -> Report:
    """Measure all contenders into the first S3 server, ours and rclone into the second, too."""
    wanted = setup.mebibytes or (_QUICK_MEBIBYTES if setup.quick else _MEBIBYTES)
    served = setup.root / "served"
    served.mkdir()
    tell(f"making a log of {wanted} MiB")
    size = make_log(served / _LOG, wanted * _MEBIBYTE)
    peers = install.Peers()
    with ExitStack() as stack:
        servers = start_s3_servers(stack, peers, setup.root)
        url = f"{stack.enter_context(file_server(served))}/{_LOG}"
        sides = _Sides(url=url, log=served / _LOG, root=setup.root, peers=peers)
        contenders = []
        for server in servers:
            contenders += [sides.ours(server), *sides.copyurl(server)]
        contenders += sides.others(servers[0])
        result = contest(contenders, root=setup.root, rounds=setup.rounds())
    report = Report(f"Log of {size / _MEBIBYTE:,.0f} MiB from HTTP to S3")
    report.add(
        f"Into {servers[0].name} unless another one is named. "
        "Each side is a process, or a pipe of two, from its start to its exit.",
        figures(result.series),
    )
    goals = [goal for server in servers for goal in _goals(result, server)]
    report.add(table(GOAL_HEADER, [goal.row() for goal in goals]))
    report.add(_memory(result), versions(peers, result))
    return report


def make_log(path: Path, size: int) -> int:
    """Write a log of at least so many bytes and return how many; lines repeat.

    Generated lines cost 20 s a GiB, and no contender looks at them.
    """
    sample = path.with_name("sample.txt")
    write_log(sample, FIRST_DAY, lines=_SAMPLE_LINES, users=USERS, seed=SEED, timezone=TIMEZONE)
    lines = sample.read_bytes()
    sample.unlink()
    with path.open("wb") as file:
        while file.tell() < size:
            file.write(lines)
        return file.tell()


def _goals(result: Result, server: S3Server) -> list[Goal]:
    mine = result.series[_ours(server)]
    other = result.series.get(_copyurl(server))
    what = f"{_ours(server)} / rclone copyurl"
    return [
        Goal(f"{what}, whole process", mine, other, _GOAL_RATIO),
        Goal(f"{what}, copy alone", part(mine, "copy"), other, _GOAL_RATIO),
    ]


def _memory(result: Result) -> str:
    peak = max(s.peak_bytes for name, s in result.series.items() if name.startswith("ours"))
    kept = verdict(peak / MEGABYTE, _GOAL_MEGABYTES, " MB")
    return f"Peak RSS of our side: **{megabytes(peak)} MB**; {kept}."


@dataclass
class _Sides:
    """Makes the contenders.

    Args:
        url: Where the log is served.
        log: The log itself.
        root: For temporary files.
        peers: Knows which tools are there.
    """

    url: str
    log: Path
    root: Path
    peers: install.Peers
    _sha256: str = field(default="", init=False)

    def __post_init__(self) -> None:
        with self.log.open("rb") as file:
            self._sha256 = hashlib.file_digest(file, "sha256").hexdigest()

    def ours(self, server: S3Server) -> Contender:
        return Contender(
            name=_ours(server),
            command=[*OURS, "log"],
            env=ours_env(self.root, self.url) | server.our_env,
            check=partial(self._check, server.directory / OURS_PREFIX / KEY),
            clear=partial(server.clear, OURS_PREFIX),
            ours=True,
        )

    def copyurl(self, server: S3Server) -> list[Contender]:
        """Return rclone's own copy of a URL."""
        peer = self.peers.get("rclone", install.rclone)
        if peer is None:
            return []
        command: list[str | Path] = [
            peer.program,
            "copyurl",
            self.url,
            f"bench:{BUCKET}/copyurl/{_LOG}",
        ]
        return [self._other(_copyurl(server), command, server, "copyurl", server.rclone_env)]

    def others(self, server: S3Server) -> list[Contender]:
        """Return the pipes; what is not there is in `peers.missing`."""
        curl = self.peers.get("curl", install.curl)
        if curl is None:
            return []
        get: list[str | Path] = [
            curl.program,
            "--disable",
            "--silent",
            "--show-error",
            "--fail",
            self.url,
        ]
        found = []
        makers = (
            ("rclone rcat", install.rclone, self._rcat),
            ("aws-cli", install.awscli, self._awscli),
            ("s3fs", install.s3fs, self._s3fs),
        )
        for name, install_peer, make in makers:
            peer = self.peers.get(name, install_peer)
            if peer is not None:
                found.append(make(get, peer, server))
        return found

    def _rcat(self, get: list[str | Path], peer: Peer, server: S3Server) -> Contender:
        command = shell(get, [peer.program, "rcat", f"bench:{BUCKET}/rcat/{_LOG}"])
        return self._other("curl into rclone rcat", command, server, "rcat", server.rclone_env)

    def _awscli(self, get: list[str | Path], peer: Peer, server: S3Server) -> Contender:
        target = f"s3://{BUCKET}/awscli/{_LOG}"
        # --expected-size is what its manual asks for with a stream; without it parts are of 8 MiB.
        size = str(self.log.stat().st_size)
        command = shell(
            get,
            [peer.program, "s3", "cp", "--only-show-errors", "--expected-size", size, "-", target],
        )
        return self._other("curl into aws s3 cp -", command, server, "awscli", server.aws_env)

    def _s3fs(self, get: list[str | Path], peer: Peer, server: S3Server) -> Contender:
        """put_file wants a local file, so curl writes one first."""
        file = self.root / "work" / "downloaded"
        script = Path(__file__).with_name("peers") / "s3fs_side.py"
        first = shell(get, out=file)
        second = shell([peer.program, script, file, f"{BUCKET}/s3fs/{_LOG}"])
        command = ["bash", "-c", f"({first[-1]}) && {second[-1]}"]
        return self._other("curl to a file, then s3fs", command, server, "s3fs", server.aws_env)

    def _other(
        self,
        name: str,
        command: Sequence[str | Path],
        server: S3Server,
        prefix: str,
        env: dict[str, str],
    ) -> Contender:
        return Contender(
            name=name,
            command=command,
            env=env,
            check=partial(self._check, server.directory / prefix / _LOG),
            clear=partial(server.clear, prefix),
        )

    def _check(self, object_: Path, _: Measured) -> None:
        if not object_.is_file():
            raise MeasurementError(f"there is no object {object_.name} at the server")
        with object_.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != self._sha256:
                raise MeasurementError(f"the object {object_} is not the log")
