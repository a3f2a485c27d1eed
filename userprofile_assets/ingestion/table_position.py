"""Where in the server's history a snapshot stands: binlog file and position, GTID.

Belongs here: what MySQL and MariaDB tell about it. It is for the manifest, to compare two exports
or to go on from one with a change stream. An account that may not ask (REPLICATION CLIENT, or
BINLOG MONITOR) gets none, and that is no error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from userprofile_assets.ingestion.table_columns import escape_percents

if TYPE_CHECKING:
    import sqlalchemy


def snapshot_position(connection: sqlalchemy.Connection) -> dict[str, Any] | None:
    """Return `file`, `position`, `gtid`, `exact`; None when the server does not tell.

    MariaDB keeps the binlog position of each consistent snapshot (status `binlog_snapshot_*`), so
    that is exact. MySQL tells only the position of now: it was read just behind the begin of the
    snapshot, and writes in between make it late, so `exact` is false.
    """
    if getattr(connection.dialect, "is_mariadb", False):
        return _mariadb(connection)
    return _mysql(connection)


def _mariadb(connection: sqlalchemy.Connection) -> dict[str, Any] | None:
    rows = _rows(connection, "SHOW STATUS LIKE 'binlog_snapshot_%'")
    status = {str(row[0]).lower(): row[1] for row in rows}
    file, position = status.get("binlog_snapshot_file"), status.get("binlog_snapshot_position")
    if not file or not position:
        return None
    gtid = _rows(connection, f"SELECT BINLOG_GTID_POS('{file}', {int(position)})")
    return {
        "file": file,
        "position": int(position),
        "gtid": gtid[0][0] if gtid else None,
        "exact": True,
    }


def _mysql(connection: sqlalchemy.Connection) -> dict[str, Any] | None:
    # 8.2 renamed the statement, 8.4 dropped the former name.
    rows = _rows(connection, "SHOW BINARY LOG STATUS") or _rows(connection, "SHOW MASTER STATUS")
    if not rows:
        return None
    gtid = _rows(connection, "SELECT @@GLOBAL.gtid_executed")
    return {
        "file": rows[0][0],
        "position": int(rows[0][1]),
        "gtid": (gtid[0][0] or None) if gtid else None,
        "exact": False,
    }


def _rows(connection: sqlalchemy.Connection, sql: str) -> list[Any]:
    from sqlalchemy import exc

    try:
        return list(connection.exec_driver_sql(escape_percents(connection, sql)))
    except exc.DBAPIError as error:
        if error.connection_invalidated:
            raise
        return []  # no right, or no such statement in this version
