"""SQL files and the Spark that runs them: parsing, lineage, session, running a day.

No Dagster in here; usable as a library.
"""
