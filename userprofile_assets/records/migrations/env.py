"""What Alembic runs for each command; only Alembic loads this file.

There is no alembic.ini: `migrations.migrate` hands over the connection. With transactional DDL
(SQLite, PostgreSQL) all revisions are one transaction, whose end is the caller's business.
"""

from __future__ import annotations

from alembic import context  # noqa: TID253 - only Alembic loads this file

connection = context.config.attributes["connection"]
context.configure(
    connection=connection, transactional_ddl=connection.dialect.name in {"sqlite", "postgresql"}
)
with context.begin_transaction():
    context.run_migrations()
