"""The Dagster layer, kept thin: sources, ingest assets, and one asset per file of `sql/`.

Belongs here: what Dagster is told. Does not belong here: how a copy or a statement works; those
rooms know no Dagster. Nobody writes `deps=` by hand: an ingest asset declares its source and its
path (`ingest_specs.py`), a table's come from its SQL file.
"""
