"""The `spark` resource: one Spark session per run.

It makes dagster-pyspark's PySparkResource at run time and not when definitions load: that one shows
its configuration in clear and starts a JVM as soon as it is set up.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
from pydantic import Field, PrivateAttr

from userprofile_assets.warehouse.session import BackgroundSession
from userprofile_assets.warehouse.session_options import SessionOptions

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def _with_dagster_pyspark(conf: Mapping[str, str]) -> SparkSession:
    """Make the session with dagster-pyspark, in the JVM that is already up."""
    from dagster_pyspark import PySparkResource

    resource = PySparkResource(spark_config=dict(conf))
    resource.setup_for_execution(dg.build_init_resource_context())
    session: SparkSession = resource.spark_session
    return session


class SparkResource(dg.ConfigurableResource):  # type: ignore[type-arg] # dagster's own subclasses leave it open
    """One Spark session per run, started in the background, ended with the run.

    A session that the process already has is used and left running.
    """

    master: str = Field(description="USERPROFILE_SPARK_MASTER, such as local[*].")
    conf: str = Field(default="{}", description="USERPROFILE_SPARK_CONF: a JSON object of strings.")
    home: str = Field(description="USERPROFILE_HOME: embedded metastore, class archive, logs.")
    timezone: str = Field(description="Time zone of the session.")
    lock_seconds: float = Field(
        description="Seconds to wait for another process that has the embedded metastore open."
    )

    _background: BackgroundSession | None = PrivateAttr(default=None)

    def options(self, app_name: str) -> SessionOptions:
        """Return the options of a session with this name."""
        return SessionOptions(
            home=Path(self.home),
            master=self.master,
            timezone=self.timezone,
            conf=json.loads(self.conf or "{}"),
            app_name=app_name,
            lock_seconds=self.lock_seconds,
        )

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[SparkResource]:
        """Start Spark in the background at the begin of a run, end it at its end."""
        run_id = context.run.run_id if context.run else "adhoc"
        background = BackgroundSession(
            self.options(f"userprofile-{run_id[:8]}"), make_session=_with_dagster_pyspark
        )
        self._background = background
        background.start()
        try:
            yield self
        finally:
            self._background = None
            background.close()

    def session(self, log: Callable[[str], None]) -> SparkSession:
        """Wait for the run's session and return it.

        Args:
            log: Told when another process has the embedded metastore open.

        Raises:
            SparkError: Java is missing or too old, or Spark did not start.
            LockTimeoutError: Another process had the metastore open for too long.
        """
        if self._background is None:
            raise dg.DagsterInvariantViolationError("the spark resource was not set up by Dagster")
        return self._background.get(log)
