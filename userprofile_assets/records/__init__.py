"""What runs leave behind for people and later runs: results of rules, partitions, sources' columns.

One SQL database (USERPROFILE_SERVING_URL), so that history outlives Dagster's own and can be
queried. No Dagster in here. Read `tables.py` first.
"""
