"""`api`: latencies of one `userprofile serve` at a constant rate of requests, and cold aggregates.

Belongs here: which requests, and the goals. Does not belong here: the database
(`api_database.py`), sending (`api_load.py`).
"""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

from benchmarks.api_database import bizdates, uid_of
from benchmarks.measure import MeasurementError
from benchmarks.project import Project, Setup
from benchmarks.report import Report, table, verdict
from benchmarks.rounds import tell
from userprofile_assets.records.database import default_path
from userprofile_assets_tests.support.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_USERS, _DAYS = 1_000_000, 30
_QUICK_USERS, _QUICK_DAYS = 20_000, 3
_SECONDS, _QUICK_SECONDS = 30, 3
_REQUESTS = 5_000
_START_SECONDS = 60

# The address, its requests a second, and the goal of its 99th percentile in milliseconds.
_LOOKUPS, _PAGES, _CACHED = (500, 20), (100, 50), (100, 20)
_COLD_GOAL = 300

_DASHBOARD = (
    "/summary",
    "/regions?level=city",
    "/regions?level=country&by=visits",
    "/cities",
    "/devices",
    "/demographics",
    "/demographics?by=zodiac",
    "/trend",
)
_FILTERS = (
    "",
    "country=China",
    "region=province03",
    "gender=female&age_range=30-40",
    "region=province03&gender=female",
    "device=iphone&gender=female&age_range=30-40",
    "country=China&region=province07&city=city007&gender=female",
)


def measure(setup: Setup) -> Report:
    """Make the database, then measure each kind of request, beside the bare query."""
    users = setup.rows or (_QUICK_USERS if setup.quick else _USERS)
    days = bizdates(_QUICK_DAYS if setup.quick else _DAYS)
    seconds = _QUICK_SECONDS if setup.quick else _SECONDS
    project = Project(setup.root / "project")
    made = project.python(
        *("-m", "benchmarks.api_database", project.home, str(users), str(len(days)))
    )
    chance = random.Random(1)  # noqa: S311 - no secret
    found = [(chance.choice(days), uid_of(chance.randrange(users))) for _ in range(_REQUESTS)]
    kinds = {
        "one user": (_LOOKUPS, [f"/users/{uid}?dt={dt}" for dt, uid in found]),
        **{
            f"page of 100: {name}": (_PAGES, paths)
            for name, paths in _pages(chance, days, users).items()
        },
        "aggregates, kept": (_CACHED, list(_DASHBOARD)),
    }
    rows = []
    database = default_path(project.home)
    _read_once(database)
    with _serving(project) as port:
        for name, ((rate, goal), paths) in kinds.items():
            tell(f"{name}: {rate} a second for {seconds} s")
            rows.append((name, *_row(_load(project, port, paths, rate, seconds), rate, goal)))
    rows += [("one user, by sqlite3 alone", *_bare(_bare_lookups(project, found)))]
    rows += [("page of 100, by sqlite3 alone", *_bare(_bare_pages(project, days)))]
    report = Report(f"The API over {users:,} users x {len(days)} days, SQLite, one process")
    size = database.stat().st_size / 1024**3
    report.add(
        table(("", "requests/s", "p50 ms", "p99 ms", "longest ms", "goal p99"), rows),
        _cold(project, days[-1]),
        f"The database has {size:.1f} GiB and was made in {made.seconds:.0f} s; it was read "
        "once before, so that it lies in memory. Requests are sent at a constant rate on 32 "
        "connections; a latency counts from when its request was due.",
    )
    return report


def _read_once(path: Path) -> None:
    """Have the system keep the file in its memory, as after some hours of use."""
    with path.open("rb") as file:
        while file.read(2**24):
            pass


def _pages(chance: random.Random, days: Sequence[str], users: int) -> dict[str, list[str]]:
    """Return lists by what they ask for, each on random days."""

    def some(query: str) -> list[str]:
        return [
            f"/users?dt={chance.choice(days)}&"
            + query.format(
                region=f"province{chance.randrange(31):02}",
                city=f"city{chance.randrange(330):03}",
                prefix=uid_of(chance.randrange(users))[:9],
                pv=chance.randrange(2, 1000),
            )
            for _ in range(_REQUESTS // 10)
        ]

    return {
        "no filter": some("sort=uid"),
        "sort=-pv": some("sort=-pv"),
        "most of the day": some("country=China&sort=uid"),
        "region and gender": some("region={region}&gender=female"),
        "city": some("city={city}"),
        "uid_prefix": some("uid_prefix={prefix}"),
        "device and pv_min": some("device=ipad&pv_min={pv}"),
    }


def _load(
    project: Project, port: int, paths: Sequence[str], rate: int, seconds: int
) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.api_load", str(port), str(rate), str(seconds)],
        input="\n".join(f"/api/v1{path}" for path in paths),
        env=project.env,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise MeasurementError(f"the load could not be made:\n{done.stderr[-2000:]}")
    answer: dict[str, Any] = json.loads(done.stdout)
    if set(answer["statuses"]) != {"200"}:
        raise MeasurementError(f"not all was answered with 200: {answer['statuses']}")
    return answer


def _row(answer: dict[str, Any], rate: int, goal: int) -> tuple[str, ...]:
    taken = answer["milliseconds"]
    p99 = _percentile(taken, 99)
    return (
        f"{rate}",
        f"{_percentile(taken, 50):.1f}",
        f"{p99:.1f}",
        f"{taken[-1]:.1f}",
        verdict(p99, goal, " ms"),
    )


def _bare(taken: Sequence[float]) -> tuple[str, ...]:
    return (
        "one after the other",
        f"{_percentile(taken, 50):.2f}",
        f"{_percentile(taken, 99):.2f}",
        f"{max(taken):.2f}",
        "",
    )


def _percentile(taken: Sequence[float], percent: int) -> float:
    return sorted(taken)[min(len(taken) - 1, len(taken) * percent // 100)]


def _bare_lookups(project: Project, found: Sequence[tuple[str, str]]) -> list[float]:
    statement = "SELECT * FROM ads_user_info_1d WHERE dt = ? AND uid = ?"
    return _timed(project, statement, found)


def _bare_pages(project: Project, days: Sequence[str]) -> list[float]:
    statement = "SELECT * FROM ads_user_info_1d WHERE dt = ? ORDER BY pv DESC, uid DESC LIMIT 100"
    return _timed(project, statement, [(dt,) for dt in days] * 10)


def _timed(project: Project, statement: str, values: Sequence[tuple[str, ...]]) -> list[float]:
    database = sqlite3.connect(default_path(project.home))
    taken = []
    for one in values:
        began = time.perf_counter()
        database.execute(statement, one).fetchall()
        taken.append(1000 * (time.perf_counter() - began))
    database.close()
    return taken


def _cold(project: Project, dt: str) -> str:
    """Ask each aggregate once of a server that has just started."""
    taken: dict[str, list[float]] = {}
    with _serving(project) as port:
        # What a process does once (a connection, compiled statements) is not what is measured.
        _ask(port, f"/summary?dt={dt}&zodiac=none")
        for path in _DASHBOARD:
            for filters in _FILTERS:
                if "visits" in path and "gender" in filters:
                    continue
                sign = "&" if "?" in path else "?"
                whole = f"{path}{sign}dt={dt}{'&' if filters else ''}{filters}"
                taken.setdefault(path, []).append(_ask(port, whole))
    rows = [
        (f"`{path}`", f"{_percentile(some, 50):.0f}", f"{max(some):.0f}")
        for path, some in taken.items()
    ]
    longest = max(max(some) for some in taken.values())
    return (
        f"{table(('aggregates, cold, ms', 'median', 'longest'), rows)}\n\n"
        f"Each with {len(_FILTERS)} sets of filters, none asked before. Longest: "
        f"**{longest:.0f} ms**; {verdict(longest, _COLD_GOAL, ' ms')}."
    )


def _ask(port: int, path: str) -> float:
    began = time.perf_counter()
    if (status := _get(port, f"/api/v1{path}")) != 200:
        raise MeasurementError(f"{path} was answered with {status}")
    return 1000 * (time.perf_counter() - began)


def _get(port: int, path: str) -> int:
    with closing(HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        return answer.status


@contextmanager
def _serving(project: Project) -> Iterator[int]:
    """Run `userprofile serve` and give its port."""
    port = free_port()
    printed = project.directory / "serve.out"
    command = [sys.executable, "-m", "userprofile_assets.cli.main", "serve", "--port", str(port)]
    with printed.open("wb") as out:
        process = subprocess.Popen(
            command, env=project.env, cwd=project.directory, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        _wait(port, process, printed.as_posix())
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def _wait(port: int, process: subprocess.Popen[bytes], printed: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError):
            if _get(port, "/readyz") == 200:
                return
        time.sleep(0.1)
    raise MeasurementError(f"`userprofile serve` does not answer; it printed to {printed}")
