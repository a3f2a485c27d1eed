"""What a Spark session of this project is configured with, and why.

Belongs here: from options to `spark.*` keys. Does not belong here: starting it (`session.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from userprofile_assets.warehouse.class_archive import archive_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from userprofile_assets.warehouse.java import Java

LOG4J2 = Path(__file__).with_name("log4j2.properties")

# Keys that only a new JVM can take. Everything else goes in after its start, so that no secret
# stands on the command line of a process.
_LAUNCH_PREFIXES = ("spark.driver.", "spark.jars", "spark.master", "spark.submit.")

# Runtime keys, which a session on somebody else's server may set. All others are the server's own.
SESSION_PREFIX = "spark.sql."

# Any of these means that the catalogue is not the embedded Derby, so no lock is needed.
_OWN_METASTORE = (
    "spark.hadoop.javax.jdo.option.ConnectionURL",
    "spark.hadoop.hive.metastore.uris",
    "spark.sql.catalogImplementation",
)

# Short runs: one compiler tier and one collector thread take a third off the time of a small day on
# two cores (docs/performance.md). A later flag wins, so spark.driver.extraJavaOptions in SPARK_CONF
# can say -XX:TieredStopAtLevel=4 for days that keep Spark busy for minutes.
_QUICK_START = (
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    # With one tier the JVM keeps 48 MB for compiled code. A day of all tables fills them; then the
    # JVM throws code away and compiles it again, for as long as it lives. 240 MB is its default
    # with both tiers.
    "-XX:ReservedCodeCacheSize=240m",
)


@dataclass(frozen=True, kw_only=True)
class SessionOptions:
    """Where and how Spark runs.

    Args:
        home: Directory of the embedded metastore, warehouse and class archive.
        master: Spark master, such as `local[*]`.
        timezone: Time zone of the session.
        conf: More configuration; wins over what this module sets. May hold secrets.
        app_name: Name shown in Spark's own UI and logs.
        lock_seconds: How long to wait for another process that has the metastore open.
        remote: Address of a Spark Connect or Thrift server, which is used instead of `master`. A
            secret: it may hold a token or a password.
        storage: `spark.hadoop.*` keys that let Spark reach the object storage. Hold secrets.
        jars: More jars for the driver and the executors, such as those of S3A.
        tag: Put on every statement, for Spark's UI and event log.
        session_id: A UUID that names the session on a Connect server; a random one if None.
    """

    home: Path
    master: str
    timezone: str
    conf: Mapping[str, str] = field(default_factory=dict, repr=False)
    app_name: str = "userprofile"
    lock_seconds: float = 600.0
    remote: str | None = field(default=None, repr=False)
    storage: Mapping[str, str] = field(default_factory=dict, repr=False)
    jars: tuple[Path, ...] = ()
    tag: str | None = None
    session_id: str | None = None

    @property
    def session_conf(self) -> dict[str, str]:
        """What every session sets, whoever started its Spark; SPARK_CONF wins."""
        return {
            "spark.sql.session.timeZone": self.timezone,
            # A partition that is overwritten leaves its neighbours alone (static, the default,
            # wiped another partition of a data source table).
            "spark.sql.sources.partitionOverwriteMode": "dynamic",
            # The JVM compiles no method of more than 8,000 bytes. Spark would hand it the whole of
            # a wide SELECT as one, interpreted: splitting log lines took 2.5 times the CPU.
            "spark.sql.codegen.hugeMethodLimit": "8000",
            # Up to here a day's addresses are joined by their hash: 32 MB of Parquet are about a
            # million of them. Spark's own 10 MB are 300,000; beyond that it sorts the whole log by
            # address, which took a fifth of the time (docs/performance.md).
            "spark.sql.autoBroadcastJoinThreshold": "32m",
            **self.conf,
        }

    @property
    def is_local(self) -> bool:
        """Whether Spark runs inside the driver's JVM."""
        return self.master.startswith("local")

    @property
    def uses_embedded_metastore(self) -> bool:
        """Whether the catalogue is the Derby database under `home`, which admits one process."""
        return not any(key in self.conf for key in _OWN_METASTORE)

    @property
    def log_file(self) -> Path:
        """Where the driver's JVM writes what it prints."""
        return self.home / "logs" / "spark" / f"{self.app_name}.log"

    @property
    def metastore_lock(self) -> Path:
        """The file whose lock stands for the embedded metastore."""
        return self.home / "locks" / "metastore.lock"


def not_set(keys: Iterable[str]) -> str:
    """Say which keys of SPARK_CONF a session cannot set."""
    return f"the server's own, so not set from SPARK_CONF: {', '.join(sorted(keys))}"


def spark_conf(options: SessionOptions, java: Java) -> dict[str, str]:
    """Return the whole configuration of a session."""
    conf = {
        "spark.app.name": options.app_name,
        "spark.master": options.master,
        "spark.sql.catalogImplementation": "hive",
        "spark.sql.warehouse.dir": (options.home / "warehouse").as_uri(),
        "spark.ui.showConsoleProgress": "false",
        # Hides values of matching keys where Spark shows its configuration.
        "spark.redaction.regex": "(?i)secret|passw|passphrase|token|credential"
        "|(access|account|private|encryption).?key",
    }
    if options.uses_embedded_metastore:
        database = options.home / "metastore"
        conf["spark.hadoop.javax.jdo.option.ConnectionURL"] = (
            f"jdbc:derby:;databaseName={database};create=true"
        )
    if options.is_local:
        conf |= {
            # The web UI costs 0.5 s at start and a port; SPARK_CONF can switch it on.
            "spark.ui.enabled": "false",
            # 200 by default: 200 tasks for a handful of rows.
            "spark.sql.shuffle.partitions": "4",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
        }
    if options.jars:
        conf["spark.jars"] = ",".join(map(str, options.jars))
    conf |= options.storage
    conf |= options.session_conf
    conf["spark.driver.extraJavaOptions"] = " ".join(
        (*_java_options(options, java), options.conf.get("spark.driver.extraJavaOptions", ""))
    ).strip()
    return conf


def _java_options(options: SessionOptions, java: Java) -> list[str]:
    flags = [
        f'"-Dlog4j2.configurationFile={LOG4J2}"',
        # Derby writes derby.log and its scratch files here and not into the working directory.
        f'"-Dderby.system.home={options.home}"',
        # Hive's metastore has more statements than the 100 that Derby keeps compiled: a tenth of
        # the CPU of a run of small statements.
        "-Dderby.language.statementCacheSize=1000",
    ]
    if options.is_local:
        flags += _QUICK_START
        archive = archive_path(options.home, java)
        if archive.is_file():
            # A stale archive is ignored by the JVM; the log level keeps it from talking about it.
            flags += [f'"-XX:SharedArchiveFile={archive}"', "-Xlog:disable", "-Xlog:all=error"]
    return flags


def launch_conf(conf: Mapping[str, str]) -> dict[str, str]:
    """Return the part of `conf` that the JVM needs at its start and may show in a process list."""
    return {key: value for key, value in conf.items() if key.startswith(_LAUNCH_PREFIXES)}
