"""How far a replica is behind its primary (MySQL, MariaDB).

Belongs here: asking, and refusing what is too old. Does not belong here: when it is asked
(`open_snapshot.py`).

The number is the server's own: the age of the change that is being applied, by the clock of the
primary. It is 0 for a replica that has applied all that it has received.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from userprofile_assets.errors import SourceError, SourceUnavailableError
from userprofile_assets.ingestion.table_errors import database_name, typed_errors

if TYPE_CHECKING:
    import sqlalchemy

_VARIABLE = "USERPROFILE_MYSQL_REPLICA_LAG"

_RIGHTS = (
    "grant the account REPLICATION CLIENT (MariaDB since 10.5: REPLICA MONITOR), "
    f"or remove {_VARIABLE}"
)
_DENIED = frozenset({1227})
_UNKNOWN_STATEMENT = frozenset({1064})


def check_replica_lag(
    engine: sqlalchemy.Engine, connection: sqlalchemy.Connection, *, limit: float
) -> float | None:
    """Return the seconds that a replica is behind; None if the server is no replica.

    With several channels it is that of the slowest.

    Args:
        engine: For messages.
        connection: In autocommit mode; a snapshot that is opened on it behind the call is newer.
        limit: Most seconds.

    Raises:
        SourceError: Replication has failed, which goes on until somebody acts; or the account may
            not ask.
        SourceUnavailableError: The replica is further behind, or is stopped or connecting.
    """
    lags = [_lag(engine, channel) for channel in _channels(engine, connection)]
    if not lags:
        return None
    lag = max(lags)
    if lag > limit:
        raise SourceUnavailableError(
            f"the replica is {lag:g} seconds behind its primary, and {limit:g} are allowed",
            where=database_name(engine),
            remedy=f"wait until it has caught up, raise {_VARIABLE}, or read from the primary",
        )
    return lag


def _channels(engine: sqlalchemy.Engine, connection: sqlalchemy.Connection) -> list[dict[str, Any]]:
    """Ask the server; the words of MySQL 8.0.22 are turned into the former ones."""
    from sqlalchemy import exc

    if getattr(connection.dialect, "is_mariadb", False):
        statements = ["SHOW ALL SLAVES STATUS"]
    else:
        # 8.4 knows only the first.
        statements = ["SHOW REPLICA STATUS", "SHOW SLAVE STATUS"]
    with typed_errors(engine, doing="asking for the lag of the replica", remedy=_RIGHTS):
        for statement in statements:
            try:
                rows = connection.exec_driver_sql(statement).mappings().all()
            except exc.DBAPIError as error:
                code = error.orig.args[0] if error.orig and error.orig.args else None
                if code in _DENIED:
                    raise SourceError(
                        f"the account may not ask how far the replica is behind ({code})",
                        where=database_name(engine),
                        remedy=_RIGHTS,
                    ) from error
                if code not in _UNKNOWN_STATEMENT or statement == statements[-1]:
                    raise
            else:
                return [{_former(name): value for name, value in row.items()} for row in rows]
    return []


def _former(name: str) -> str:
    return name.lower().replace("replica", "slave").replace("source", "master")


def _lag(engine: sqlalchemy.Engine, channel: dict[str, Any]) -> float:
    where = database_name(engine)
    for thread, running, number, message in (
        ("receive", "slave_io_running", "last_io_errno", "last_io_error"),
        ("apply", "slave_sql_running", "last_sql_errno", "last_sql_error"),
    ):
        state = channel.get(running)
        if state == "Yes":
            continue
        said = f": {channel.get(number)}, {channel.get(message)}" if channel.get(number) else ""
        what = f"the replica does not {thread} changes (state {state}{said})"
        # "Connecting" is tried again by the server itself; a thread that has ended by an error
        # stays so.
        if said and state == "No":
            raise SourceError(
                what, where=where, remedy="repair replication, or read from the primary"
            )
        raise SourceUnavailableError(
            what, where=where, remedy="start replication (START REPLICA), or read from the primary"
        )
    seconds = channel.get("seconds_behind_master")
    if seconds is None:
        raise SourceUnavailableError(
            "the replica does not know how far it is behind its primary",
            where=where,
            remedy="wait until it is connected, or read from the primary",
        )
    return float(seconds)
