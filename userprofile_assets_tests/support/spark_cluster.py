"""A standalone Spark cluster: a master, two workers of one core, a Connect server, an S3 store.

Belongs here: starting its parts, ending single ones, where an executor runs. Does not belong here:
the processes as such (`spark_process.py`), the store (`versitygw.py`, `s3_proxy.py`).

The drivers' store is reached through a proxy that names requests, so a test can hold exactly the
read of an object, for as long as it wants: that is how a statement is in its middle.
"""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.request import ProxyHandler, build_opener

import pytest

from userprofile_assets.warehouse.storage_conf import StorageAccess, storage_conf
from userprofile_assets_tests.support.ports import free_port
from userprofile_assets_tests.support.project import wait_until
from userprofile_assets_tests.support.s3_proxy import S3Proxy, listening
from userprofile_assets_tests.support.spark_connect import ConnectServer, connect_server_in
from userprofile_assets_tests.support.spark_process import SparkProcess, quick_jvm

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from userprofile_assets_tests.support.s3 import S3Server
    from userprofile_assets_tests.support.versitygw import VersityServer


@dataclass
class SparkCluster:
    """The parts, which all run.

    Attributes:
        master: Knows the workers.
        workers: Two, of one core each.
        connect: The server that is its driver.
        store: The proxy between Spark and the S3 server; the ingest assets go past it.
        versity: The S3 server.
        master_ui: Port of the master's web UI.
    """

    master: SparkProcess
    workers: Sequence[SparkProcess]
    connect: ConnectServer
    store: S3Proxy
    versity: VersityServer
    master_ui: int

    def alive_workers(self) -> int:
        """Return how many workers the master knows to be alive."""
        state: dict[str, Any] = _json(f"http://127.0.0.1:{self.master_ui}/json/")
        return sum(worker["state"] == "ALIVE" for worker in state["workers"])

    def wait_for_workers(self) -> None:
        """Wait until the master knows both."""
        wait_until(lambda: self.alive_workers() == len(self.workers), "both workers")

    def busy_worker(self) -> SparkProcess:
        """Wait until a task runs and return the worker that runs it."""

        def busy() -> list[SparkProcess]:
            names = [e["id"] for e in self.connect.server.executors() if e["activeTasks"]]
            return [
                worker
                for worker in self.workers
                for name in names
                if list(worker.directory.glob(f"app-*/{name}/stderr"))
            ]

        return wait_until(busy, "a worker with a task", seconds=600)[0]

    @contextmanager
    def no_faults(self) -> Iterator[S3Proxy]:
        """Give the store's proxy for the length of a block; then nothing is armed or held."""
        self.store.seen.clear()
        try:
            yield self.store
        finally:
            self.store.faults.clear()
            self.store.released.set()
            self.store.released.clear()


def _json(url: str) -> Any:
    # No proxy of the machine stands before 127.0.0.1.
    with build_opener(ProxyHandler({})).open(url, timeout=30) as answer:
        return json.loads(answer.read())


def _daemon() -> dict[str, str]:
    """Return the environment of masters and workers."""
    return {
        "SPARK_DAEMON_MEMORY": "192m",
        "SPARK_DAEMON_JAVA_OPTS": " ".join(quick_jvm()),
    }


def worker_of(master: SparkProcess, directory: Path, number: int) -> SparkProcess:
    """Return a worker of one core; nothing is started yet."""
    directory = directory / f"worker-{number}"
    directory.mkdir()
    port = free_port()
    return SparkProcess(
        name=f"worker-{number}",
        arguments=[
            "org.apache.spark.deploy.worker.Worker",
            *("--host", "127.0.0.1", "--port", str(port), "--webui-port", "0"),
            *("--cores", "1", "--memory", "640m", "--work-dir", str(directory)),
            f"spark://127.0.0.1:{master.port}",
        ],
        directory=directory,
        port=port,
        environment=_daemon(),
    )


def _master_in(directory: Path, ui_port: int) -> SparkProcess:
    directory.mkdir()
    port = free_port()
    return SparkProcess(
        name="master",
        arguments=[
            "org.apache.spark.deploy.master.Master",
            *("--host", "127.0.0.1", "--port", str(port), "--webui-port", str(ui_port)),
        ],
        directory=directory,
        port=port,
        environment=_daemon(),
    )


def _driver_conf(
    master: SparkProcess, store: S3Proxy, versity: VersityServer, jars: Sequence[Path]
) -> dict[str, str]:
    access = StorageAccess(
        profile="other",
        endpoint=store.url,
        region=versity.region,
        addressing="path",
        access_key_id=versity.access_key_id,
        access_key_secret=versity.access_key_secret,
    )
    return {
        "spark.master": f"spark://127.0.0.1:{master.port}",
        "spark.jars": ",".join(map(str, jars)),
        "spark.executor.memory": "512m",
        "spark.executor.cores": "1",
        "spark.executor.extraJavaOptions": " ".join(quick_jvm()),
        **storage_conf("s3a://bucket", access),
    }


@pytest.fixture(scope="session")
def spark_cluster(
    class_archive: Path,
    s3a_jars: tuple[Path, ...],
    versitygw: VersityServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[SparkCluster]:
    """The cluster, shared by the tests of one process; 2.5 GB of memory."""
    root = tmp_path_factory.mktemp("cluster")
    master_ui = free_port()
    with ExitStack() as stack:
        store = stack.enter_context(listening(S3Proxy(versitygw.endpoint)))
        master = _master_in(root / "master", master_ui)
        workers = [worker_of(master, root, number) for number in (1, 2)]
        conf = _driver_conf(master, store, versitygw, s3a_jars)
        connect = connect_server_in(root / "driver", conf)
        for process in (master, *workers, connect.server):
            stack.callback(process.kill)
        master.start()
        # They look for the master until it is there, and the driver waits for executors.
        for process in (*workers, connect.server):
            process.begin()
        for process in (*workers, connect.server):
            process.wait()
        made = SparkCluster(master, workers, connect, store, versitygw, master_ui)
        made.wait_for_workers()
        yield made


@pytest.fixture
def cluster_bucket(spark_cluster: SparkCluster) -> Iterator[S3Server]:
    """An empty bucket; after the test nothing is held or refused any more."""
    with spark_cluster.no_faults():
        yield spark_cluster.versity.bucket()
