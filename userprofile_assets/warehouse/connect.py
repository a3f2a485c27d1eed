"""An `Engine` on a Spark Connect server.

Belongs here: the address, opening and closing a session, how long an answer is waited for. Does not
belong here: a server of our own (`connect_server.py`).

A session belongs to one server process. A server that was restarted does not know it, and says so;
then `reopen` makes another.
"""

from __future__ import annotations

import uuid
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from userprofile_assets.errors import SettingsError
from userprofile_assets.warehouse.engine import JAVA_VERSION
from userprofile_assets.warehouse.session_engine import SessionEngine
from userprofile_assets.warehouse.session_options import SESSION_PREFIX, not_set

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pyspark.sql import SparkSession

    from userprofile_assets.warehouse.session_options import SessionOptions

SETTING = "USERPROFILE_SPARK_REMOTE"
_PORT = 15002

# Milliseconds between tries of a server that does not answer: 0.05, 0.2, 0.8, 3.2, then 5 s, which
# gives a server that is being restarted half a minute. pyspark's own default waits ten minutes.
_RETRIES, _LONGEST_WAIT = 9, 5000


@contextmanager
def open_connect(
    options: SessionOptions, *, log: Callable[[str], None] = lambda _: None
) -> Iterator[ConnectEngine]:
    """Give an engine with a session of its own, which ends with the block.

    Args:
        options: With `remote`: `sc://host:port/;token=...;use_ssl=true`.
        log: Told what of SPARK_CONF the server did not take.

    Raises:
        SettingsError: The address cannot be read.
        SparkError: The server refused the token.
        SparkUnavailableError: It does not answer within half a minute.
    """
    engine = ConnectEngine(options, log=log)
    try:
        yield engine
    finally:
        engine.close()


def connect_address(remote: str) -> str:
    """Return `sc://host:port` of an address, without its parameters, which may hold a token.

    Raises:
        SettingsError: It is none, or a token would go over an address for which pyspark demands
            TLS and then waits for ever.
    """
    parts = urlsplit(remote)
    try:
        host, port = parts.hostname, parts.port or _PORT
    except ValueError:
        host, port = None, 0
    parameters = dict(
        pair.partition("=")[::2] for pair in parts.path.lstrip("/").split(";") if "=" in pair
    )
    if parts.scheme != "sc" or not host or parts.username is not None:
        raise SettingsError(
            "this is no address of a Spark Connect server",
            where=SETTING,
            remedy="write it as sc://host:15002/;token=...;use_ssl=true",
        )
    has_tls = unquote(parameters.get("use_ssl", "")).lower() == "true"
    if "token" in parameters and not has_tls and host in {"127.0.0.1", "::1"}:
        raise SettingsError(
            f"pyspark sends a token without TLS to a host named localhost only, not to {host}",
            where=SETTING,
            remedy=f"write sc://localhost:{port}/;token=...",
        )
    shown = f"[{host}]" if ":" in host else host
    return f"sc://{shown}:{port}"


class ConnectEngine(SessionEngine):
    """A session on a Spark Connect server.

    Args:
        options: With `remote`.
        log: Told what of SPARK_CONF the server did not take.
    """

    def __init__(self, options: SessionOptions, *, log: Callable[[str], None]) -> None:
        self._options = options
        self._log = log
        self._stages: Iterable[Any] = ()
        # The run's own id, so that Spark's UI and Dagster's name one thing alike. A second session
        # of the same run needs another: a closed id is never taken again.
        self._session_id = options.session_id
        address = connect_address(options.remote or "")
        super().__init__(self._open(address), address, tag=options.tag)

    def progress(self) -> str | None:
        """See `Engine`."""
        stages = list(self._stages)
        all_tasks = sum(stage.num_tasks for stage in stages)
        done = sum(stage.num_completed_tasks for stage in stages)
        return f"{done} of {all_tasks} tasks" if all_tasks else None

    def facts(self) -> dict[str, str]:
        """See `Engine`."""
        rows = self.execute(JAVA_VERSION)
        return {
            "Spark": self.session.version,
            "Java": str(rows[0][0]),
            "application": f"session {self._session_id}",
        }

    def is_alive(self) -> bool:
        """See `Engine`; a lost session is found out by using it."""
        return True

    def reopen(self) -> None:
        """See `Engine`."""
        self.close()
        self._session_id = None
        self.session = self._open(self.address)

    def close(self) -> None:
        """Release the session on the server, if it can be reached; never an error."""
        client = self.session.client
        with suppress(Exception):  # it ends by itself after the server's own time-out
            # One try: a server that is gone must not hold up the end of a run.
            client.set_retry_policies([])
            client.release_session()
        with suppress(Exception):
            client.close()

    def _open(self, address: str) -> Any:
        from pyspark.errors import PySparkException
        from pyspark.sql.connect.client import DefaultChannelBuilder
        from pyspark.sql.connect.client.retries import DefaultPolicy
        from pyspark.sql.connect.session import SparkSession as ConnectSession

        try:
            builder = DefaultChannelBuilder(self._options.remote or "")
        except PySparkException as error:
            raise SettingsError(
                f"pyspark cannot read the address: {error.getCondition()}",
                where=SETTING,
                remedy="write it as sc://host:15002/;token=...;use_ssl=true",
            ) from None
        if builder.session_id is None:
            builder.set("session_id", self._session_id or str(uuid.uuid4()))
        self._session_id = builder.session_id
        session: Any = ConnectSession(connection=builder)
        session.client.set_retry_policies(
            [DefaultPolicy(max_retries=_RETRIES, max_backoff=_LONGEST_WAIT)]
        )
        session.registerProgressHandler(self._note_progress)  # called by keywords
        self.address = address
        with self.typed_errors():
            self._configure(session)
        return session

    def _configure(self, session: SparkSession) -> None:
        others = []
        for key, value in self._options.session_conf.items():
            if key.startswith(SESSION_PREFIX) and session.conf.isModifiable(key):
                session.conf.set(key, value)
            else:
                others.append(key)
        if others:
            self._log(not_set(others))

    def _note_progress(self, *, stages: Iterable[Any] | None, done: bool, **_: object) -> None:
        self._stages = () if done else (stages or ())
