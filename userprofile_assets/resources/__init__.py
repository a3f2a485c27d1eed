"""Dagster resources: the connections of the assets, `mysql`, `http`, `oss` and `spark`.

Belongs here: configuration that Dagster shows, life cycle, and handing out the library's own
objects. Does not belong here: what is done with them (`assets/`), how it is done (`ingestion/`,
`warehouse/`). None of them connects, or starts anything, before an asset asks.
"""
