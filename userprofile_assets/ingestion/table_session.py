"""Variables of MySQL by which a server sends less than it has, or other texts, without an error.

Belongs here: setting them for one session. Does not belong here: snapshots and their isolation
(`open_snapshot.py`), limits that end in an error, such as max_statement_time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlalchemy

_WHOLE = (
    # FOUND_ROWS() counts what this limit lets through, so nothing would notice. DEFAULT would be
    # the server's own limit.
    "SET SESSION sql_select_limit = 18446744073709551615",
    # The longest value that any server sends (max_allowed_packet); beyond it GROUP_CONCAT in a view
    # or a query is cut with a warning only.
    "SET SESSION group_concat_max_len = 1073741824",
)

_CHANGING = {
    "PAD_CHAR_TO_FULL_LENGTH",  # CHAR comes with spaces up to its length
    "EMPTY_STRING_IS_NULL",  # MariaDB: '' in SQL is NULL, also in the SQL of a line
    "ORACLE",  # MariaDB: CONCAT takes NULL for '', which hides a field that is too long
}


def send_values_whole(connection: sqlalchemy.Connection) -> None:
    """Have the server send all rows, and values as they are stored.

    Other words of sql_mode stay: USER_WHERE and USER_QUERY are written for them.
    """
    for statement in _WHOLE:
        connection.exec_driver_sql(statement)
    mode = str(connection.exec_driver_sql("SELECT @@SESSION.sql_mode").scalar() or "")
    words = mode.split(",")
    if _CHANGING.intersection(words):
        kept = ",".join(word for word in words if word not in _CHANGING)
        connection.exec_driver_sql(f"SET SESSION sql_mode = '{kept}'")
