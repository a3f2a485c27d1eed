"""A canary in every credential: it opens its door, and is found nowhere afterwards.

Real processes with a history of their own, once as they should run and once for each way to fail,
also against servers that repeat the secrets they were given. Then everything that they left is
searched: what they printed, Dagster's history and compute logs, the project's home, objects,
process lists, GraphQL and debug files, `doctor`, Spark's configuration dump.

Each search also looks for something that is no secret and has to be there; so it would find a
secret too.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import dagster as dg
import pytest

from userprofile_assets_tests.support.canaries import Canary, CommandLines, files_of, leaks
from userprofile_assets_tests.support.canary_sources import (
    ANONYMOUS_KEY,
    BUCKET,
    CANARIES,
    HOST,
    LOG,
    USER,
    WRONG_MYSQL,
    WRONG_SECRET,
    canary_sources,
)
from userprofile_assets_tests.support.ports import free_port
from userprofile_assets_tests.support.project import (
    ASSETS,
    FIRST,
    Done,
    ScratchProject,
    scratch_project,
    wait_until,
)
from userprofile_assets_tests.support.ui_answers import ui_of

if TYPE_CHECKING:
    from userprofile_assets_tests.support.canaries import Piece

pytestmark = [pytest.mark.xdist_group("spark_processes_2"), pytest.mark.timeout(2400)]

DAY = "2015-05-18"
OTHER_DAY = "2015-05-19"
BAD_DAY = "2015-05-20"
BOTH = "raw_log_oss,user_info_oss"
REGIONS = "dim_ip_region_spark"
AWAY = (
    f"{HOST}/500?...: the copy was not done within 3 seconds",
    "Can't connect to MySQL server",
)
# With the table whose rows are hashed under ANONYMOUS_KEY.
WITH_SECRETS = f"{FIRST} or +key:{REGIONS}"

SPARK = tuple(
    Canary(f"SPARK_CONF {key}", "/+=")
    for key in (
        "spark.hadoop.fs.s3a.access.key",
        "spark.hadoop.fs.s3a.secret.key",
        "spark.hadoop.fs.s3a.session.token",
        "spark.hadoop.fs.oss.accessKeySecret",
        "spark.hadoop.fs.azure.account.key.x.dfs.core.windows.net",
        "spark.hadoop.javax.jdo.option.ConnectionPassword",
    )
)
JDBC = Canary("SPARK_CONF of a JDBC URL")
SPARK_CONF = {
    **{canary.name.removeprefix("SPARK_CONF "): canary.value for canary in SPARK},
    "spark.hadoop.canary.url": f"jdbc:mysql://db.example/hive?user=u&password={JDBC.value}",
}
ALL = (*CANARIES, *SPARK, JDBC)


@dataclass
class Left:
    """What the runs of one project left: how each ended, and what can be searched, by its kind."""

    project: ScratchProject
    ended: dict[str, Done] = field(default_factory=dict)
    pieces: dict[str, list[Piece]] = field(default_factory=dict)

    def run(self, name: str, *command: str) -> None:
        """Run a program and keep its end, what it printed and its process list."""
        with CommandLines(self.project.dagster_home) as lines:
            self.ended[name] = self.project.run(*command)
        self.note(name, lines)

    def materialize(self, name: str, day: str, select: str) -> None:
        with CommandLines(self.project.dagster_home) as lines:
            self.ended[name] = self.project.materialize(day, select=select)
        self.note(name, lines)

    def note(self, name: str, lines: CommandLines) -> None:
        self.pieces.setdefault("process list", []).extend(lines.pieces())
        if name in self.ended:
            done = self.ended[name]
            kind = name if name in {"doctor", "SET"} else "printed"
            self.pieces.setdefault(kind, []).extend(
                [
                    (f"{name}, stdout", done.stdout.encode()),
                    (f"{name}, stderr", done.stderr.encode()),
                ]
            )

    def look_around(self) -> None:
        """Read what lies on the disk and what the web server tells."""
        self.pieces["GraphQL"] = ui_of(self.project)
        self.pieces["Dagster's home"] = list(files_of(self.project.dagster_home))
        self.pieces["project's home"] = list(files_of(self.project.home))


@pytest.fixture(scope="module")
def sources(mariadb, tmp_path_factory):
    with canary_sources(mariadb, tmp_path_factory.mktemp("canary-objects")) as running:
        yield running


@pytest.fixture(scope="module")
def ingested(sources, tmp_path_factory):
    """The two ingest assets to S3: two good runs, and one for each way to fail."""
    with scratch_project(tmp_path_factory.mktemp("canaries") / "project") as project:
        left = Left(project)
        # No run here has a Spark step, so it needs no client for the store.
        project.configure(SPARK_URI="file:///nowhere")
        project.configure(**sources.mysql(), **sources.log(), **sources.store())
        project.configure(**sources.beside())
        left.materialize("good", DAY, BOTH)
        left.run("alert", "userprofile", "alert", "test")
        left.run("doctor", "userprofile", "doctor")
        project.configure(**sources.log_by_token())
        left.materialize("by token", OTHER_DAY, BOTH)
        project.configure(**sources.mysql(WRONG_MYSQL), **sources.log("/403"))
        left.materialize("denied", BAD_DAY, BOTH)
        project.configure(**sources.mysql(), **sources.log(), **sources.store(WRONG_SECRET))
        left.materialize("wrong secret", BAD_DAY, BOTH)
        project.configure(**sources.store(endpoint=sources.s3_echo.url))
        left.materialize("echo of S3", BAD_DAY, BOTH)
        project.configure(
            **sources.mysql(port=free_port()), **sources.log("/500"), **sources.store(),
            LOG_DEADLINE_SECONDS=3,
        )  # fmt: skip
        project.configure(LOG_SHA256=None)  # what does not answer in time is the log
        until_retried(left, "away", BAD_DAY, said=AWAY)
        closed = free_port()
        project.configure(
            **sources.mysql(port=closed),
            **sources.log(port=closed),
            **sources.store(endpoint=f"http://127.0.0.1:{closed}"),
            **sources.beside(port=closed),
        )
        left.run("nobody listens", "userprofile", "doctor")
        left.look_around()
        left.pieces["objects"] = list(files_of(sources.s3.root))
        yield left


def until_retried(left, name, day, *, said):
    """Run until both assets have failed once: Dagster would try again after half a minute.

    An event may be in the history before it is printed, so what is to be printed is waited for too.
    """
    project = left.project
    before = {run.run_id for run in project.instance.get_runs()}
    logs = project.run_logs()
    with CommandLines(project.dagster_home) as lines:
        child = project.start_day(day, select=BOTH)

        def failed():
            child.check_alive()
            (new,) = {run.run_id for run in project.instance.get_runs()} - before or {None}
            events = new and project.instance.all_logs(
                new, of_type=dg.DagsterEventType.STEP_UP_FOR_RETRY
            )
            if not events or len({event.step_key for event in events}) < 2:
                return False
            printed = child.printed() + project.logs_since(logs)
            return all(text in printed for text in said)

        wait_until(failed, "the failure of both assets")
        child.end()
    left.ended[name] = Done(1, child.printed(), "", project.logs_since(logs))
    left.note(name, lines)


@pytest.fixture(scope="module")
def queried(sources, module_project):
    """All that uses a secret, on a local disk; a statement that fails; Spark's settings."""
    left = Left(module_project)
    module_project.configure(
        **sources.mysql(),
        **sources.log(),
        SPARK_CONF=json.dumps(SPARK_CONF),
        **sources.beside(),
        ANONYMOUS_KEY=ANONYMOUS_KEY.value,
    )
    left.materialize("good", DAY, WITH_SECRETS)
    module_project.configure(SPARK_URI="nosuchscheme://canary/warehouse")
    left.materialize("no such scheme", DAY, "ods_user_info_d_spark")
    module_project.configure(SPARK_URI=None)
    left.run("SET", "userprofile", "query", "SET", "--format", "csv")
    left.look_around()
    return left


@pytest.mark.parametrize("name", ["good", "by token", "doctor", "alert"])
def test_every_credential_opens_its_door(ingested, name):
    done = ingested.ended[name]
    assert done.code == 0, done.output


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("denied", "the server answered 403"),
        ("denied", f"Access denied for user '{USER}'"),
        ("wrong secret", "SignatureDoesNotMatch"),
        ("echo of S3", "AccessDenied"),
        *(("away", text) for text in AWAY),
        ("nobody listens", "4 failed"),
    ],
)
def test_each_failure_is_the_one_that_was_meant(ingested, name, said):
    done = ingested.ended[name]
    assert done.code == 1
    assert said in done.output


def test_the_days_are_in_the_store(ingested, sources):
    day = sources.s3.root / BUCKET / "warehouse" / "ods_raw_log_d" / "log_20150518"
    assert (day / "log_20150518.txt").read_bytes() == LOG


def test_the_records_and_the_events_have_the_run(ingested, sources):
    select = "SELECT COUNT(*) FROM partition_record WHERE dt = '20150518'"
    assert sources.mariadb.execute(select, database=sources.records)[0][0] >= 2
    assert sources.web.asked("/lineage") != []
    assert sources.web.asked("/alert") != []


INGESTED = {
    "printed": "raw_log_oss",
    "doctor": HOST,
    "process list": "raw_log_oss",
    "Dagster's home": USER,
    "project's home": "pid",
    "GraphQL": USER,
    "objects": HOST,
}


@pytest.mark.parametrize("place", INGESTED)
def test_no_secret_of_an_ingest_is_found(ingested, place):
    pieces = ingested.pieces[place]
    assert any(INGESTED[place].encode() in data for _, data in pieces)
    assert leaks(ALL, pieces) == []


def test_spark_ran_with_its_secrets_and_failed_where_it_was_meant_to(queried):
    good, bad = queried.ended["good"], queried.ended["no such scheme"]
    assert good.code == 0, good.output
    made = {asset: queried.project.materialized(asset) for asset in (*ASSETS, REGIONS)}
    assert [asset for asset, days in made.items() if DAY not in days] == []
    assert bad.code == 1
    assert "nosuchscheme" in bad.output
    assert queried.ended["SET"].code == 0, queried.ended["SET"].output


QUERIED = {
    "printed": "raw_log_oss",
    "SET": "spark.hadoop.fs.s3a.secret.key",
    "process list": "spark.master=local[*]",
    "Dagster's home": HOST,
    "project's home": HOST,
    "GraphQL": HOST,
}


@pytest.mark.parametrize("place", QUERIED)
def test_no_secret_of_a_run_with_spark_is_found(queried, place):
    pieces = queried.pieces[place]
    assert any(QUERIED[place].encode() in data for _, data in pieces)
    assert leaks(ALL, pieces) == []
