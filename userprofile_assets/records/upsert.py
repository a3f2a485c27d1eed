"""Write rows over those that have the same key, in one statement of the database.

Belongs here: how each kind of database says it. Does not belong here: which table.

UPDATE and then INSERT would need a try again where two processes write one key; DELETE and then
INSERT deadlocks on InnoDB.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from userprofile_assets.errors import RecordsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import sqlalchemy


def upsert(
    connection: sqlalchemy.Connection, table: sqlalchemy.Table, rows: Sequence[dict[str, Any]]
) -> None:
    """Insert rows; one whose primary key is there takes the place of that row.

    Args:
        connection: A connection in a transaction.
        table: The table.
        rows: Each with all columns that are set.

    Raises:
        RecordsError: It is no kind of database that is known here.
    """
    if not rows:
        return
    keys = {column.name for column in table.primary_key}
    changed = [name for name in rows[0] if name not in keys]
    statement: Any
    name = connection.dialect.name
    if name in {"mysql", "mariadb"}:
        from sqlalchemy.dialects import mysql

        statement = mysql.insert(table)
        statement = statement.on_duplicate_key_update(
            {column: statement.inserted[column] for column in changed}
        )
    elif name in {"sqlite", "postgresql"}:
        from sqlalchemy.dialects import postgresql, sqlite

        statement = sqlite.insert(table) if name == "sqlite" else postgresql.insert(table)
        statement = statement.on_conflict_do_update(
            index_elements=sorted(keys),
            set_={column: statement.excluded[column] for column in changed},
        )
    else:
        raise RecordsError(
            f"{name} is no database that records can be kept in",
            where="USERPROFILE_SERVING_URL",
            remedy="use SQLite, MySQL, MariaDB or PostgreSQL",
        )
    connection.execute(statement, list(rows))
