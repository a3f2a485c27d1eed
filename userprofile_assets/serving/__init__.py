"""The database that results are served from: its tables, publishing a day, reading it.

No Dagster and no FastAPI in here. Read `tables.py` first.
"""
