"""Names of datasets by OpenLineage's naming specification, and identifiers of runs.

Belongs here: URL or place -> namespace and name, without secrets. So that one table has one name,
whoever tells of it: a Spark with OpenLineage's own listener calls a table by its location and has
the metastore's name as a symbolic link, and so do we.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from userprofile_assets.lineage_events.facts import DatasetName
from userprofile_assets.redaction import redact_url, without_database_user

if TYPE_CHECKING:
    from pathlib import Path

# Any constant will do, but it must never change: identifiers of runs follow from it.
_RUNS = uuid.UUID("7c2f6d0a-7d1e-5d1c-9a67-2f1f3d6e8b54")

_DATABASE_PORTS = {"mysql": 3306, "postgres": 5432, "oracle": 1521, "sqlserver": 1433}
# SQLAlchemy's name of a dialect -> the specification's.
_DATABASES = {"mariadb": "mysql", "postgresql": "postgres", "mssql": "sqlserver"}


def database_table(url: str, table: str, *, database: str | None = None) -> DatasetName:
    """Return the name of a table of a database: `mysql://host:3306`, `db.table`.

    Args:
        url: SQLAlchemy URL; user, password and query go.
        table: Its name, `schema.table` where there are schemas.
        database: The database, if it is not the URL's.
    """
    parts = urlsplit(without_database_user(url))
    dialect = parts.scheme.partition("+")[0]
    kind = _DATABASES.get(dialect, dialect)
    if kind == "sqlite":
        return DatasetName(f"sqlite://{unquote(parts.path[1:])}", table)
    port = parts.port or _DATABASE_PORTS.get(kind)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    of = database or unquote(parts.path.strip("/"))
    # A schema of MySQL is a database, so that `other.table` names its database itself.
    whole = table if not of or (kind == "mysql" and "." in table) else f"{of}.{table}"
    return DatasetName(f"{kind}://{host}{f':{port}' if port else ''}", whole)


def location(uri: str) -> DatasetName:
    """Return the name of a place: `s3://bucket` and the key, `file` and the path.

    `s3a://` and `s3n://` are `s3://`, as OpenLineage's listener in Spark has it.
    """
    parts = urlsplit(uri)
    if parts.scheme in {"", "file"}:
        return DatasetName("file", unquote(parts.path).rstrip("/") or "/")
    scheme = "s3" if parts.scheme in {"s3", "s3a", "s3n"} else parts.scheme
    host = parts.netloc.rpartition("@")[2]
    return DatasetName(f"{scheme}://{host}", unquote(parts.path).strip("/") or "/")


def web_file(url: str) -> DatasetName:
    """Return the name of a file of a web server: `https://host:port` and its path."""
    parts = urlsplit(redact_url(url))
    if parts.scheme == "file":
        return location(url)
    return DatasetName(f"{parts.scheme}://{parts.netloc}", parts.path or "/")


def hive_table(database: str, table: str, *, metastore: str | None, warehouse: Path) -> DatasetName:
    """Return the metastore's name of a table, for `Dataset.also_called`.

    Args:
        database: Its database, `default` if none was named.
        table: Its name.
        metastore: `thrift://host:9083` of a Hive metastore; None: the embedded one.
        warehouse: Spark's warehouse directory, which stands for the embedded metastore.
    """
    if metastore:
        parts = urlsplit(metastore.partition(",")[0])
        return DatasetName(f"hive://{parts.hostname}:{parts.port or 9083}", f"{database}.{table}")
    return DatasetName(f"file:{warehouse}", f"{database}.{table}")


def step_run_id(run_id: str, step: str, bizdate: str | None = None) -> str:
    """Return the identifier of a step's run: a UUID, the same each time it is asked for.

    A run of several days has one for each day of a step.
    """
    return str(uuid.uuid5(_RUNS, f"{run_id}/{step}/{bizdate or ''}"))


def parent_run_id(run_id: str) -> str:
    """Return the identifier of the whole run: Dagster's own, which is a UUID."""
    try:
        return str(uuid.UUID(run_id))
    except ValueError:
        return str(uuid.uuid5(_RUNS, run_id))
