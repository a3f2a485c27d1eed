"""`export`: the user table from MariaDB into one object, beside the tools one would pick instead.

Every contender is a process of its own that reads the whole table from one server on loopback. What
each writes is checked after each run, not timed: rows, and for the text of the MariaDB client the
bytes. What differs by nature is said in the report: SQL text, CSV, Parquet.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import Measured, MeasurementError
from benchmarks.peers import install
from benchmarks.peers.contest import GOAL_HEADER, Contender, Goal, Result, contest, part, told
from benchmarks.peers.database import COLUMNS, DATABASE, TABLE, Database, user_table
from benchmarks.peers.ours import KEY
from benchmarks.peers.processes import OURS, ours_env, shell
from benchmarks.peers.servers import OURS_PREFIX, S3Server, rclone_s3, versitygw_s3
from benchmarks.report import MEGABYTE, Report, figures, megabytes, table, verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from benchmarks.peers.install import Peer
    from benchmarks.project import Setup

ROWS = 5_000_000
_QUICK_ROWS = 200_000
_GOAL_MEGABYTES = 200

_TO_FILE = "ours to file://"
_CLIENT = "mariadb --quick -N -B > file"
_MYDUMPER = "mydumper (SQL text)"
_DATAX, _DATAX_TUNED = "DataX, as it comes", "DataX, tuned"
_SLING = "Sling (CSV)"


def _dlt(backend: str) -> str:
    return f"dlt, {backend} (Parquet)"


def _to_s3(server: S3Server) -> str:
    return f"ours to {server.name}"


def measure(setup: Setup) -> Report:
    """Measure all contenders; above 5 million rows only our own, once, for their memory."""
    rows = setup.rows or (_QUICK_ROWS if setup.quick else ROWS)
    alone = rows > ROWS
    peers = install.Peers()
    with ExitStack() as stack:
        servers = start_s3_servers(stack, peers, setup.root)
        database = stack.enter_context(user_table(rows))
        sides = _Sides(database=database, root=setup.root, peers=peers)
        contenders = [sides.ours_to_file(), *map(sides.ours_to_s3, servers)]
        if not alone:
            contenders += sides.others()
        result = contest(
            contenders, root=setup.root, rounds=1 if alone else setup.rounds(), warm_up=not alone
        )
    report = Report(f"Export of {rows:,} rows, {sides.size / MEGABYTE:,.0f} MB as text")
    report.add(
        f"{database.version} on loopback. Each side is a process from its start to its exit.",
        figures(result.series),
    )
    _add_copies(report, result)
    if not alone:
        names = [_TO_FILE, *map(_to_s3, servers)]
        report.add(table(GOAL_HEADER, [goal.row() for goal in _goals(result, names)]))
    report.add(_memory(result), versions(peers, result))
    return report


def start_s3_servers(stack: ExitStack, peers: install.Peers, root: Path) -> list[S3Server]:
    """Start the S3 servers that can be had.

    Raises:
        MeasurementError: None can be had.
    """
    servers: list[S3Server] = []
    kinds = (
        ("rclone", install.rclone, rclone_s3),
        ("versitygw", install.versitygw, versitygw_s3),
    )
    for name, get, start in kinds:
        peer = peers.get(name, get)
        if peer is not None:
            servers.append(stack.enter_context(start(peer, root)))
    if not servers:
        raise MeasurementError(f"there is no S3 server: {peers.missing}")
    return servers


def versions(peers: install.Peers, result: Result) -> str:
    """Return the list of the peers' versions and of what could not be measured, and why."""
    lines = [f"- {name}: {version}" for name, version in peers.versions.items()]
    absent = {**peers.missing, **result.missing}
    lines += [f"- **not measured**: {name}: {reason}" for name, reason in absent.items()]
    return "\n".join(lines)


def _add_copies(report: Report, result: Result) -> None:
    """Add the seconds of our copies without the start of Python and its imports."""
    lines = []
    for name, series in result.series.items():
        if name.startswith("ours"):
            copy = part(series, "copy")
            reader = json.loads(series.runs[0].stdout.splitlines()[-1])["reader"]
            lines.append(
                f"- {name}: {copy.median_seconds:.2f} s in the copy itself, "
                f"{series.median_seconds - copy.median_seconds:.2f} s start of Python and imports"
                + (f"; reader: {reader}" if reader else "")
            )
    report.add("\n".join(lines))


def _goals(result: Result, ours: list[str]) -> list[Goal]:
    """Return what issue 4 asks for, of the whole process and of the copy alone."""
    whole = {name: result.series[name] for name in ours}
    goals = []
    client = result.series.get(_CLIENT)
    for name, series in whole.items():
        limit = 1.2 if name == _TO_FILE else 2.0
        what = f"{name} / mariadb client"
        goals.append(Goal(f"{what}, whole process", series, client, limit))
        goals.append(Goal(f"{what}, copy alone", part(series, "copy"), client, limit))
    mine = whole[_TO_FILE]
    faster = (
        (_DATAX_TUNED, 3.0),
        (_dlt("connectorx"), 8.0),
        (_dlt("pyarrow"), 8.0),
        (_SLING, 8.0),
    )
    for name, limit in faster:
        other = result.series.get(name)
        what = f"{name} / {_TO_FILE}"
        goals.append(Goal(f"{what}, whole process", mine, other, limit, faster=True))
        goals.append(Goal(f"{what}, copy alone", part(mine, "copy"), other, limit, faster=True))
    return goals


def _memory(result: Result) -> str:
    peak = max(s.peak_bytes for name, s in result.series.items() if name.startswith("ours"))
    kept = verdict(peak / MEGABYTE, _GOAL_MEGABYTES, " MB")
    return f"Peak RSS of the exporter: **{megabytes(peak)} MB**; {kept}."


@dataclass
class _Sides:
    """Makes the contenders.

    Args:
        database: Where the table is.
        root: Where they write to.
        peers: Knows which tools are there.
        size: Bytes of our text, known after the first run.
    """

    database: Database
    root: Path
    peers: install.Peers
    size: int = 0
    _sha256: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self._out = self.root / "out"

    def ours_to_file(self) -> Contender:
        store = self._out / "ours"
        clear = partial(shutil.rmtree, store, ignore_errors=True)
        return self._ours(_TO_FILE, store / KEY, {"BENCH_STORE": store.as_uri()}, clear)

    def ours_to_s3(self, server: S3Server) -> Contender:
        object_ = server.directory / OURS_PREFIX / KEY
        return self._ours(
            _to_s3(server), object_, server.our_env, partial(server.clear, OURS_PREFIX)
        )

    def others(self) -> list[Contender]:
        """Return the tools that are there; the others are in `peers.missing`."""
        makers: list[tuple[str, Callable[[], Peer], Callable[[Peer], list[Contender]]]] = [
            (_CLIENT, install.mariadb_client, self._client),
            ("mydumper", install.mydumper, self._mydumper),
            ("DataX", install.datax, self._datax),
            ("dlt", install.dlt, self._dlt),
            ("Sling", install.sling, self._sling),
        ]
        found = []
        for name, get, make in makers:
            peer = self.peers.get(name, get)
            if peer is not None:
                found += make(peer)
        return found

    def _ours(
        self, name: str, object_: Path, env: dict[str, str], clear: Callable[[], None]
    ) -> Contender:
        return Contender(
            name=name,
            command=[*OURS, "table"],
            env=ours_env(self.root, self.database.url) | env,
            check=partial(self._check_ours, object_),
            clear=clear,
            ours=True,
        )

    def _client(self, peer: Peer) -> list[Contender]:
        out = self._out / "client"
        query = f"SELECT {', '.join(COLUMNS)} FROM {TABLE}"  # noqa: S608 - constants
        command: list[str | Path] = [peer.program, "--no-defaults", "--quick", "-N", "-B"]
        command += [*self._account(), "-e", query, DATABASE]
        return [
            Contender(
                name=_CLIENT,
                command=shell(command, out=out / "table.txt"),
                env={"MYSQL_PWD": self.database.password},
                check=partial(self._check_client, out / "table.txt"),
                clear=partial(_empty, out),
            )
        ]

    def _mydumper(self, peer: Peer) -> list[Contender]:
        out = self._out / "mydumper"
        command: list[str | Path] = [
            peer.program,
            *self._account(),
            "--database",
            DATABASE,
            "--tables-list",
            TABLE,
        ]
        command += ["--no-locks", "--threads", "1", "--outputdir", out]
        return [
            Contender(
                name=_MYDUMPER,
                command=command,
                env={"MYSQL_PWD": self.database.password},
                # A row of a dump is a line that begins with a bracket.
                check=lambda _: self._same_rows(
                    _lines(out.glob(f"{DATABASE}.{TABLE}*.sql"), beginning=b"(")
                ),
                clear=partial(_empty, out),
            )
        ]

    def _dlt(self, peer: Peer) -> list[Contender]:
        found = []
        script = Path(__file__).with_name("peers") / "dlt_side.py"
        for backend in ("connectorx", "pyarrow"):
            out = self._out / f"dlt-{backend}"
            found.append(
                Contender(
                    name=_dlt(backend),
                    command=[peer.program, script, backend, out, TABLE],
                    env={
                        "BENCH_SOURCE": self.database.url,
                        "RUNTIME__DLTHUB_TELEMETRY": "false",
                    },
                    check=lambda measured: self._same_rows(told(measured, "rows")),
                    clear=partial(_empty, out),
                )
            )
        return found

    def _sling(self, peer: Peer) -> list[Contender]:
        out = self._out / "sling"
        options = json.dumps({"format": "csv", "delimiter": "|", "header": False})
        command: list[str | Path] = [
            *(peer.program, "run", "--src-conn", "BENCH_SOURCE"),
            *("--src-stream", f"{DATABASE}.{TABLE}"),
            *("--tgt-object", f"file://{out}/table.csv", "--tgt-options", options),
        ]
        return [
            Contender(
                name=_SLING,
                command=command,
                env={
                    "BENCH_SOURCE": self.database.url_with("mysql"),
                    "SLING_DISABLE_TELEMETRY": "TRUE",
                },
                check=lambda _: self._same_rows(_lines(out.rglob("*.csv"))),
                clear=partial(_empty, out),
            )
        ]

    def _datax(self, peer: Peer) -> list[Contender]:
        """DataX takes the password only in its job file, which only this account may read."""
        found = []
        for name, tuned in ((_DATAX_TUNED, True), (_DATAX, False)):
            out = self._out / ("datax-tuned" if tuned else "datax")
            job = self.root / f"{out.name}.json"
            job.touch(mode=0o600)
            job.write_text(json.dumps(self._datax_job(out, tuned=tuned)), encoding="utf-8")
            home = peer.program
            command: list[str | Path] = [
                *("java", "-server", "-Xms1g", "-Xmx1g", f"-Ddatax.home={home}"),
                *(f"-Dlogback.configurationFile={home}/conf/logback.xml", "-Dfile.encoding=UTF-8"),
                *("-classpath", f"{home}/lib/*:.", "com.alibaba.datax.core.Engine"),
                *("-mode", "standalone", "-jobid", "-1", "-job", job),
            ]
            found.append(
                Contender(
                    name=name,
                    command=command,
                    check=partial(self._check_lines, out),
                    clear=partial(_empty, out),
                )
            )
        return found

    def _datax_job(self, out: Path, *, tuned: bool) -> dict[str, object]:
        """Return the job of the tutorial's reader; tuned: it looks for its end 10 times a second.

        As it comes it does so every 10 s, which is most of the time of a table of this size.
        """
        address = f"jdbc:mysql://{self.database.host}:{self.database.port}/{DATABASE}"
        reader = {
            "username": self.database.user,
            "password": self.database.password,
            "column": list(COLUMNS),
            "connection": [{"table": [TABLE], "jdbcUrl": [f"{address}?useSSL=false"]}],
        }
        writer = {
            "path": str(out),
            "fileName": "table",
            "writeMode": "truncate",
            "fieldDelimiter": "|",
            "fileFormat": "text",
        }
        content = {
            "reader": {"name": "mysqlreader", "parameter": reader},
            "writer": {"name": "txtfilewriter", "parameter": writer},
        }
        job: dict[str, object] = {"setting": {"speed": {"channel": 1}}, "content": [content]}
        core = {"container": {"job": {"sleepInterval": 100}}}
        return {"job": job, "core": core} if tuned else {"job": job}

    def _account(self) -> list[str]:
        host, port, user = self.database.host, self.database.port, self.database.user
        return ["--host", host, "--port", str(port), "--user", user]

    def _check_ours(self, object_: Path, measured: Measured) -> None:
        self._same_rows(told(measured, "rows"))
        self.size = object_.stat().st_size
        with object_.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        self._sha256 = self._sha256 or sha256
        if sha256 != self._sha256:
            raise MeasurementError(f"{object_} has other bytes than the export before")

    def _check_client(self, path: Path, _: Measured) -> None:
        r"""Compare the client's text with ours: it writes tabs and NULL, we write `|` and `\N`."""
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                # To the end of a line, so that no NULL is cut in two.
                whole = chunk + file.readline()
                digest.update(whole.replace(b"\tNULL", b"|\\N").replace(b"\t", b"|"))
        if digest.hexdigest() != self._sha256:
            raise MeasurementError("the client's text is not that of our export")

    def _check_lines(self, out: Path, _: Measured) -> None:
        self._same_rows(_lines(out.iterdir()))

    def _same_rows(self, rows: float) -> None:
        if rows != self.database.rows:
            raise MeasurementError(f"{rows:.0f} rows instead of {self.database.rows}")


def _lines(paths: Iterable[Path], beginning: bytes = b"") -> int:
    """Count the lines of some files that begin so."""
    count = 0
    for path in paths:
        with path.open("rb") as file:
            count += sum(1 for line in file if line.startswith(beginning))
    return count


def _empty(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
