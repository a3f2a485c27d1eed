"""The data map: every source, object and table with its columns, and where each comes from.

Belongs here: what the project's files say of its data, kept in an index file, searched and walked.
Does not belong here: what runs left behind (`records/`), printing (`cli/`), Dagster.

Reading the index imports the standard library only: a search is answered in a fraction of a second.
Read `model.py` first.
"""
