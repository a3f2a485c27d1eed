"""The revisions; Alembic finds them by the file, and their order by what they say."""
