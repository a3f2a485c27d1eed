"""Verified copies into object storage: an HTTP file or a table becomes one object per day.

No Dagster in here; usable as a library. Read `publish.py` first: everything is written through it.
"""
