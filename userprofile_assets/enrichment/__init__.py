"""What a value of the log stands for: a user agent's device, an address's region.

No Dagster and no Spark in here; usable as a library. Read `lookup.py` first: every kind of
knowledge is a lookup from keys to rows.
"""
