"""The `spark` resource: one session of Spark per run, wherever Spark is.

It makes dagster-pyspark's PySparkResource at run time and not when definitions load: that one shows
its configuration in clear and starts a JVM as soon as it is set up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
from pydantic import Field, PrivateAttr

from userprofile_assets.json_objects import read_strings
from userprofile_assets.resources.spark_storage import with_storage
from userprofile_assets.resources.store_fields import StoreFields
from userprofile_assets.warehouse.executor import Executor
from userprofile_assets.warehouse.open_engine import BackgroundEngine
from userprofile_assets.warehouse.session_options import SessionOptions

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from userprofile_assets.warehouse.engine import Engine

# Dagster's tags of a run's days.
_DAY_TAGS = (
    "dagster/partition",
    "dagster/asset_partition_range_start",
    "dagster/asset_partition_range_end",
)


def _with_dagster_pyspark(conf: Mapping[str, str]) -> SparkSession:
    """Make the session with dagster-pyspark, in the JVM that is already up."""
    from dagster_pyspark import PySparkResource

    resource = PySparkResource(spark_config=dict(conf))
    resource.setup_for_execution(dg.build_init_resource_context())
    session: SparkSession = resource.spark_session
    return session


class SparkResource(StoreFields):
    """One session of Spark per run, opened in the background, closed with the run.

    A session that the process already has is used and left running.
    """

    master: str = Field(description="USERPROFILE_SPARK_MASTER, such as local[*].")
    remote: str = Field(
        default="", description="USERPROFILE_SPARK_REMOTE: sc://... or thrift://..."
    )
    conf: str = Field(default="{}", description="USERPROFILE_SPARK_CONF: a JSON object of strings.")
    home: str = Field(
        description="USERPROFILE_HOME: embedded metastore, class archive, jars, logs."
    )
    timezone: str = Field(description="Time zone of the session.")
    lock_seconds: float = Field(
        description="Seconds to wait for another process that has the embedded metastore open."
    )
    statement_seconds: float = Field(
        default=0, description="Seconds after which a statement is cancelled; 0: never."
    )
    spark_uri: str = Field(description="How Spark names the object storage.")

    _background: BackgroundEngine | None = PrivateAttr(default=None)
    _instance: dg.DagsterInstance | None = PrivateAttr(default=None)
    _run_id: str | None = PrivateAttr(default=None)
    _told: Engine | None = PrivateAttr(default=None)

    def options(
        self, app_name: str, *, tag: str | None = None, session_id: str | None = None
    ) -> SessionOptions:
        """Return the options of a session with this name.

        Raises:
            SettingsError: The jars for the object storage are missing.
        """
        options = SessionOptions(
            home=Path(self.home),
            master=self.master,
            remote=self.remote or None,
            timezone=self.timezone,
            conf=read_strings(self.conf or "{}"),
            app_name=app_name,
            lock_seconds=self.lock_seconds,
            tag=tag,
            session_id=session_id,
        )
        return with_storage(options, self.spark_uri, self.s3_options())

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[SparkResource]:
        """Begin to open Spark at the begin of a run, close it at its end."""
        run = context.run
        name = _run_name(run.run_id, run.tags) if run else "userprofile-adhoc"
        self._instance = context.instance
        self._run_id = run.run_id if run else None
        background = BackgroundEngine(
            self.options(name, tag=name, session_id=self._run_id),
            make_session=_with_dagster_pyspark,
        )
        self._background = background
        background.start()
        try:
            yield self
        finally:
            self._background = None
            background.close()

    def executor(self, log: Callable[[str], None]) -> Executor:
        """Wait for the run's session and return what runs statements on it.

        Args:
            log: Told of each statement, and when another process has the embedded metastore open.

        Raises:
            SparkError: Java is missing or too old, or Spark did not start.
            SparkUnavailableError: The server does not answer.
            LockTimeoutError: Another process had the embedded metastore open for too long.
        """
        if self._background is None:
            raise dg.DagsterInvariantViolationError("the spark resource was not set up by Dagster")
        engine = self._background.get(log)
        if engine is not self._told:
            self._told = engine
            self._tell(engine, log)
        return Executor(engine, log, limit_seconds=self.statement_seconds or None)

    def _tell(self, engine: Engine, log: Callable[[str], None]) -> None:
        """Record which Spark it is: in the log and as tags of the run."""
        facts = {"address": engine.address, **engine.facts()}
        log("Spark: " + ", ".join(f"{name} {value}" for name, value in facts.items()))
        if self._instance is not None and self._run_id is not None:
            tags = {f"spark/{name.lower()}": value for name, value in facts.items()}
            if self._instance.has_run(self._run_id):
                self._instance.add_run_tags(self._run_id, tags)


def _run_name(run_id: str, tags: Mapping[str, str]) -> str:
    """Name a run's session in Spark's UI and logs: its days, and the run."""
    days = " ".join(tags[name] for name in _DAY_TAGS if name in tags)
    return "-".join(filter(None, ("userprofile", re.sub(r"[^0-9-]+", "-", days), run_id[:8])))
