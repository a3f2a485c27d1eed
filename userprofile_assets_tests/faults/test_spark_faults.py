"""Spark that breaks in the middle: servers and workers killed, stores silent, runs terminated.

Each statement ends with the same rows as without the fault, or with a typed error in bounded time;
the former partition stays whole, and a rerun repairs. A read of an object that the store's proxy
holds is what puts a statement into its middle, so nothing depends on timing.
"""

from __future__ import annotations

import threading
import uuid
from contextlib import contextmanager

import pytest

from userprofile_assets.errors import SparkError, SparkTimeoutError, SparkUnavailableError
from userprofile_assets.warehouse import connect
from userprofile_assets.warehouse import executor as executor_module
from userprofile_assets.warehouse.connect import open_connect
from userprofile_assets.warehouse.executor import Executor
from userprofile_assets_tests.support.graphql import WebServer
from userprofile_assets_tests.support.ports import free_port
from userprofile_assets_tests.support.project import CHECKOUT, scratch_project, wait_until
from userprofile_assets_tests.support.s3_proxy import answer, black_hole
from userprofile_assets_tests.support.spark_connect import connect_server_in

pytestmark = [pytest.mark.xdist_group("spark-cluster"), pytest.mark.timeout(2400)]

DAY = "2024-08-07"
FORMER = [("former",)]
LINES = [(f"line {number}",) for number in range(300)]
ROWS = "SELECT col FROM copied WHERE dt = '20240807' ORDER BY LENGTH(col), col"


@pytest.fixture
def said():
    return []


@pytest.fixture
def engine(spark_cluster, cluster_bucket, tmp_path):
    """A session on the cluster with a day of lines on S3, and a table with a former day."""
    cluster_bucket.client().put_object(
        Bucket=cluster_bucket.bucket,
        Key="raw/lines.txt",
        Body="".join(f"{line}\n" for (line,) in LINES).encode(),
    )
    root = f"s3a://{cluster_bucket.bucket}"
    if not spark_cluster.connect.server.is_alive():
        spark_cluster.connect.server.start()
    with open_connect(spark_cluster.connect.options(tmp_path)) as engine:
        for table in ("raw", "copied"):
            engine.execute(f"DROP TABLE IF EXISTS {table}")
        engine.execute(f"CREATE TABLE raw (col STRING) USING text LOCATION '{root}/raw'")
        engine.execute(
            "CREATE TABLE copied (col STRING, dt STRING) USING parquet PARTITIONED BY (dt) "
            f"LOCATION '{root}/copied'"
        )
        engine.execute("INSERT OVERWRITE TABLE copied PARTITION (dt = '20240807') SELECT 'former'")
        yield engine


@pytest.fixture
def fill(cluster_bucket):
    """Fill the day as a day is published: into a new directory, which the partition points to then.

    `INSERT OVERWRITE TABLE ... PARTITION` would take the former rows away before it reads the new.
    """

    def run(executor):
        place = f"s3a://{cluster_bucket.bucket}/copied/dt=20240807/run={uuid.uuid4().hex}"
        partition = "TABLE copied PARTITION (dt = '20240807')"
        for statement in (
            f"INSERT OVERWRITE DIRECTORY '{place}' USING parquet SELECT col FROM raw",
            f"ALTER {partition} SET LOCATION '{place}'",
            "REFRESH TABLE copied",
        ):
            executor.run(statement, where="copied")

    return run


@contextmanager
def at_work(call):
    """Call something in a thread; what it raises is raised here at the end of the block."""
    caught = []

    def run():
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - raised again below
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    yield
    thread.join()
    if caught:
        raise caught[0]


def held(cluster, *, times=1):
    """Hold the next reads of an object; gives the fault, whose `fired` counts them."""
    return cluster.store.arm("GetObject", black_hole, times=times)


def wait_until_held(fault):
    wait_until(lambda: fault.fired, "a read that is held", seconds=600)


def test_a_connect_server_that_is_killed_and_restarted_gives_the_same_rows(
    spark_cluster, engine, said, fill
):
    fault = held(spark_cluster)

    def restart():
        wait_until_held(fault)
        spark_cluster.connect.restart()

    with at_work(restart):
        fill(Executor(engine, said.append))
    assert fault.fired == 1
    assert any("trying once more" in line for line in said)
    assert engine.execute(ROWS) == LINES


@pytest.fixture
def impatient(monkeypatch):
    """Two tries of a server that does not answer instead of nine; before a session is opened."""
    monkeypatch.setattr(connect, "_RETRIES", 2)


@pytest.mark.usefixtures("impatient")
def test_a_connect_server_that_stays_away_is_an_error_and_a_rerun_repairs(
    spark_cluster, engine, said, fill, monkeypatch
):
    monkeypatch.setattr(executor_module, "_ATTEMPTS", 1)
    fault = held(spark_cluster)

    def kill():
        wait_until_held(fault)
        spark_cluster.connect.server.kill()

    with pytest.raises(SparkUnavailableError), at_work(kill):
        fill(Executor(engine, said.append))
    assert fault.fired == 1
    spark_cluster.connect.server.start()
    engine.reopen()
    assert engine.execute(ROWS) == FORMER
    fill(Executor(engine, said.append))
    assert engine.execute(ROWS) == LINES


def test_a_worker_that_is_killed_in_the_middle_gives_the_same_rows(
    spark_cluster, engine, said, fill
):
    fault = held(spark_cluster)
    killed = []

    def kill():
        wait_until_held(fault)
        killed.append(spark_cluster.busy_worker())
        killed[0].kill()

    try:
        with at_work(kill):
            fill(Executor(engine, said.append))
        assert fault.fired == 1
        assert not killed[0].is_alive()
        assert engine.execute(ROWS) == LINES
    finally:
        killed[0].start()
        spark_cluster.wait_for_workers()


def test_a_store_that_resets_and_asks_to_slow_down_gives_the_same_rows(
    spark_cluster, engine, said, fill
):
    fault = spark_cluster.store.arm("GetObject", answer(503, "SlowDown"), times=2)
    fill(Executor(engine, said.append))
    assert fault.fired == 2
    assert engine.execute(ROWS) == LINES


def test_a_store_that_refuses_is_permanent_and_the_former_day_stays(
    spark_cluster, engine, said, fill
):
    fault = spark_cluster.store.arm("GetObject", answer(403, "AccessDenied"))
    with pytest.raises(SparkError) as caught:
        fill(Executor(engine, said.append))
    assert type(caught.value) is SparkError
    assert fault.fired >= 1
    spark_cluster.store.faults.clear()
    assert engine.execute(ROWS) == FORMER
    fill(Executor(engine, said.append))
    assert engine.execute(ROWS) == LINES


def test_a_store_that_is_down_for_good_is_transient_and_the_former_day_stays(
    spark_cluster, engine, said, fill, monkeypatch
):
    monkeypatch.setattr(executor_module, "_ATTEMPTS", 2)
    fault = spark_cluster.store.arm("GetObject", answer(500, "InternalError"))
    with pytest.raises(SparkUnavailableError):
        fill(Executor(engine, said.append))
    assert fault.fired >= 2
    spark_cluster.store.faults.clear()
    assert engine.execute(ROWS) == FORMER
    fill(Executor(engine, said.append))
    assert engine.execute(ROWS) == LINES


def test_a_statement_over_its_limit_ends_on_the_cluster_too(spark_cluster, engine, said, fill):
    fault = held(spark_cluster)
    with pytest.raises(SparkTimeoutError):
        fill(Executor(engine, said.append, limit_seconds=15))
    spark_cluster.connect.server.wait_until_idle()
    spark_cluster.store.released.set()
    assert fault.fired == 1
    assert engine.execute(ROWS) == FORMER
    fill(Executor(engine, said.append))
    assert engine.execute(ROWS) == LINES


@pytest.fixture(scope="module")
def small_servers_process(class_archive, tmp_path_factory):
    made = connect_server_in(tmp_path_factory.mktemp("small"), {"spark.driver.memory": "480m"})
    yield made
    made.server.kill()


@pytest.fixture
def small_server(small_servers_process):
    """A Connect server on this machine with little memory, started if the last test ended it."""
    if not small_servers_process.server.is_alive():
        small_servers_process.server.start()
    return small_servers_process


def test_a_token_that_has_expired_is_permanent_and_a_new_one_repairs(small_server, said, tmp_path):
    insert = "INSERT OVERWRITE TABLE guarded SELECT 'new'"
    former = small_server.token
    with open_connect(small_server.options(tmp_path)) as engine:
        engine.execute("CREATE TABLE guarded USING parquet AS SELECT 'former' AS col")
        small_server.restart(token="canary-of-the-new-token")
        with pytest.raises(SparkError) as caught:
            Executor(engine, said.append).run(insert, where="guarded")
    assert type(caught.value) is SparkError
    assert "UNAUTHENTICATED" in str(caught.value)
    assert former not in str(caught.value)
    with open_connect(small_server.options(tmp_path)) as renewed:
        assert renewed.execute("SELECT col FROM guarded") == FORMER
        Executor(renewed, said.append).run(insert, where="guarded")
        assert renewed.execute("SELECT col FROM guarded") == [("new",)]


# Arrays of 400 MB each: more than the heap, in one row.
TOO_MUCH = "SELECT SUM(SIZE(ARRAY_REPEAT(id, 50000000))) FROM RANGE(4)"


def test_a_driver_out_of_memory_is_an_error_and_a_rerun_on_a_new_one_repairs(
    small_server, said, tmp_path, monkeypatch
):
    monkeypatch.setattr(executor_module, "_ATTEMPTS", 1)
    with open_connect(small_server.options(tmp_path / "home")) as engine:
        engine.execute("CREATE TABLE kept USING parquet AS SELECT 'former' AS col")
        with pytest.raises((SparkError, SparkUnavailableError)):
            Executor(engine, said.append).run(
                f"INSERT OVERWRITE TABLE kept {TOO_MUCH}", where="kept"
            )
        assert "OutOfMemoryError" in small_server.server.log.read_text(errors="replace")
        # Spark ends a driver that ran out of memory; whoever runs it starts it again.
        wait_until(lambda: not small_server.server.is_alive(), "the end of the driver")
        small_server.server.start()
        engine.reopen()
        assert engine.execute("SELECT col FROM kept") == FORMER
        Executor(engine, said.append).run("INSERT OVERWRITE TABLE kept SELECT 'new'", where="kept")
        assert engine.execute("SELECT col FROM kept") == [("new",)]


def test_a_metastore_that_another_server_has_open_is_transient_and_named(
    small_server, tmp_path, said
):
    with open_connect(small_server.options(tmp_path / "home")) as engine:
        engine.execute("CREATE TABLE theirs (n INT) USING parquet")
        tables = engine.execute("SHOW TABLES")
    metastore = small_server.server.directory / "metastore"
    derby = f"jdbc:derby:;databaseName={metastore};create=true"
    second = connect_server_in(
        tmp_path / "second", {"spark.hadoop.javax.jdo.option.ConnectionURL": derby}
    )
    try:
        second.server.start()
        with (
            pytest.raises(SparkUnavailableError, match="SessionHiveMetaStoreClient"),
            open_connect(second.options(tmp_path / "home")) as engine,
        ):
            engine.execute("SHOW TABLES")
        small_server.server.kill()
        with open_connect(second.options(tmp_path / "home")) as engine:
            assert Executor(engine, said.append).run("SHOW TABLES", where="x") == tables
    finally:
        second.server.kill()


@pytest.fixture
def project(spark_cluster, cluster_bucket, class_archive, tmp_path):
    """A project on the cluster, with web server and daemon."""
    with scratch_project(tmp_path / "project", class_archive) as project:
        project.configure(
            STORAGE_URI=cluster_bucket.uri,
            OSS_ENDPOINT=cluster_bucket.endpoint,
            OSS_REGION=cluster_bucket.region,
            OSS_ACCESS_KEY_ID=cluster_bucket.access_key_id,
            OSS_ACCESS_KEY_SECRET=cluster_bucket.access_key_secret,
            SPARK_REMOTE=spark_cluster.connect.remote,
            START_DATE="2024-08-01",
        )
        yield project


def test_a_run_that_is_terminated_in_the_ui_ends_its_work_on_the_cluster(project, spark_cluster):
    port = free_port()
    workspace = ("-w", str(CHECKOUT / "workspace.yaml"))
    children = [
        project.start("dagster-webserver", *workspace, "-p", str(port)),
        project.start("dagster-daemon", "run", *workspace),
    ]
    web = WebServer(f"http://127.0.0.1:{port}")

    def answers():
        for child in children:
            child.check_alive()
        return web.answers()

    wait_until(answers, "the web server's answer")
    fault = held(spark_cluster, times=1_000)
    run = web.launch(["raw_log_oss", "ods_raw_log_d_spark"], DAY)
    wait_until_held(fault)
    server = spark_cluster.connect.server
    assert server.wait_for_jobs("running")
    web.terminate(run)
    wait_until(lambda: web.status(run) == "CANCELED", "the end of the run")
    # The reads are still held, so the work did not end by itself.
    server.wait_until_idle()
    spark_cluster.store.faults.clear()
    spark_cluster.store.released.set()
    for child in children:
        child.end()
    done = project.materialize(DAY)
    assert done.code == 0, done.output
    assert project.query("SELECT COUNT(*) AS n FROM ods_raw_log_d_spark") == [{"n": 200}]
