"""OpenLineage events of each step, for DataHub, Marquez, OpenMetadata and their like.

`facts.py` is what a step knows of itself, `names.py` how a dataset is called, `events.py` the
event, `emit.py` its way out. An endpoint that is dead or slow costs a run nothing but its events.
No Dagster in here.
"""
