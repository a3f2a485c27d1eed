"""What a table must satisfy: rules beside its SQL, one scan that measures them, their results.

No Dagster in here, and no Spark: who calls `run.check_days` brings a function that runs a
statement. Read `rule.py` first.
"""
